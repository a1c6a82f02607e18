"""Django's process, for a WSGI server: `config.wsgi:application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "5")
_django = get_wsgi_application()

from config.celery import app  # noqa: E402  needs the setup
from shortlinks.api.parsing import BufferedRequestBody  # noqa: E402
from shortlinks.observability.startup import freeze_gc, start  # noqa: E402

app.set_default()  # requests are served by many threads
start("web")
reverse("admin:index")  # loads the routes and their views
freeze_gc()
application = BufferedRequestBody(_django, max_length=settings.API_MAX_BODY_BYTES)
