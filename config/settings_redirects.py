"""Settings of the redirects, without the admin and the API."""

from config.settings import *  # noqa: F403

# Only what the models need; the other apps take a fifth of the memory.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "shortlinks",
]
MIDDLEWARE = []
