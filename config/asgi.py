"""The redirects' process, for an ASGI server: `config.asgi:application`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from shortlinks.redirects.process import Application  # noqa: E402  needs the setup

application = Application()
