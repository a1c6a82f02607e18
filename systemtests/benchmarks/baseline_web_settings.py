"""The service's settings with one view and without middleware."""

from config.settings_redirects import *  # noqa: F403
from config.settings_redirects import INSTALLED_APPS as APPS_OF_MODELS

INSTALLED_APPS = [*APPS_OF_MODELS, "rest_framework"]
ROOT_URLCONF = "systemtests.benchmarks.baseline_web"
MIDDLEWARE = []
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
