from django.apps import AppConfig


class ShortlinksConfig(AppConfig):
    name = "shortlinks"
    verbose_name = "Short links"

    def ready(self) -> None:
        from shortlinks import checks  # noqa: F401
