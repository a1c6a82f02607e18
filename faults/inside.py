"""The suite itself, with the settings that `__main__` made for it."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.celery import app  # noqa: E402  needs the setup
from faults.command import main  # noqa: E402

app.set_default()  # the suite, too, sends tasks
if __name__ == "__main__":
    sys.exit(main())
