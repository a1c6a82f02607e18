"""The service's settings with an application of the suite's own, for its migration."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "faults.schema"]
