"""The ASGI application of the redirects: `config.asgi:application`."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_redirects"
# for the replay of the spool
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "5")
django.setup(set_prefix=False)

from config.celery import app  # noqa: E402  needs the setup
from shortlinks.observability.startup import start  # noqa: E402
from shortlinks.redirects.process import Application  # noqa: E402

app.set_default()  # messages are sent in another thread
start("redirects")
application = Application()
