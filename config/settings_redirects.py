"""The settings of the redirects' process, which wants neither the admin nor the API."""

from config.settings import *  # noqa: F403

# What the models need; a fifth of the process' memory were the others.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "shortlinks",
]
MIDDLEWARE = []
