from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShortlinksConfig(AppConfig):
    name = "shortlinks"
    default_auto_field = "shortlinks.models.ids.TimeOrderedIdField"
    verbose_name = _("Short links")

    def ready(self) -> None:
        from shortlinks import checks  # noqa: F401
