"""Django's WSGI application, which `config.web` runs in threads."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "5")
application = get_wsgi_application()

from config.celery import app  # noqa: E402  needs the setup
from shortlinks.observability.startup import freeze_gc, start  # noqa: E402

app.set_default()  # for all threads that serve requests
start("web")
reverse("admin:index")  # loads the routes and their views
freeze_gc()
