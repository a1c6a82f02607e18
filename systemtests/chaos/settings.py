"""The service's settings plus an application with a migration of the suite."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "systemtests.chaos.schema"]
