"""python -m benchmarks [--only NAME] [--short] [--rounds N] [--seconds N] ..."""

import os
import sys

import django

# Only links of these hosts would be refused; no request goes there.
os.environ.setdefault("BASE_URL", "http://crm.bench.example")
os.environ.setdefault("SHORT_BASE_URL", "http://go.bench.example")
# The load comes from many addresses, as its X-Forwarded-For says.
os.environ["TRUSTED_PROXIES"] = "127.0.0.0/8"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from benchmarks.command import main  # noqa: E402  needs the setup

if __name__ == "__main__":
    sys.exit(main())
