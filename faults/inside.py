"""The suite itself, with the settings that `__main__` made for it."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from faults.command import main  # noqa: E402  needs the setup

if __name__ == "__main__":
    sys.exit(main())
