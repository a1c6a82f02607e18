"""Run the benchmarks: `python -m systemtests.benchmarks --help`."""

import os
import sys

import django

# Links of these hosts would be rejected; no request is sent there.
os.environ.setdefault("BASE_URL", "http://crm.bench.example")
os.environ.setdefault("SHORT_BASE_URL", "http://go.bench.example")
# The load sends many addresses in X-Forwarded-For.
os.environ["TRUSTED_PROXIES"] = "127.0.0.0/8"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from systemtests.benchmarks.command import main  # noqa: E402  needs the setup

if __name__ == "__main__":
    sys.exit(main())
