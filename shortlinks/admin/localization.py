"""Everybody's own language and the account's time zone; and models that speak both."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Field, Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy

from shortlinks.admin import browser_middleware
from shortlinks.domain import time_zones
from shortlinks.models import User


class LocalizationMiddleware:
    """Middleware for the admin's pages alone: what programs read stays English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not browser_middleware.is_admin_path(request):
            return self._get_response(request)
        language = _language(request)
        with translation.override(language), timezone.override(_time_zone(request)):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


def _language(request: HttpRequest) -> str:
    """The user's; before the sign-in what the browser asks for."""
    if not isinstance(request.user, User):
        return translation.get_language_from_request(request)
    known = dict(settings.LANGUAGES)
    chosen = request.user.language
    return chosen if chosen in known else settings.LANGUAGE_CODE


def _time_zone(request: HttpRequest) -> tzinfo | None:
    user = request.user
    if not isinstance(user, User) or user.account is None:
        return None
    return time_zones.get(user.account.time_zone)


def translate_models() -> None:
    """Let names, explanations and choices speak the reader's language.

    Here and not in the models, which need no word of it: Django derives most names
    itself. Migrations compare texts, and see no change.
    """
    app = apps.get_app_config("shortlinks")
    app.verbose_name = gettext_lazy(str(app.verbose_name))
    for model in app.get_models():
        _translate(model)


def _translate(model: type[Model]) -> None:
    options: Any = model._meta
    options.verbose_name = gettext_lazy(str(options.verbose_name))
    options.verbose_name_plural = gettext_lazy(str(options.verbose_name_plural))
    for field in options.get_fields():
        if isinstance(field, Field):
            _translate_field(field)


def _translate_field(field: Any) -> None:
    field.verbose_name = gettext_lazy(str(field.verbose_name))
    if field.help_text:
        field.help_text = gettext_lazy(str(field.help_text))
    if field.choices:
        said = [(value, gettext_lazy(str(label))) for value, label in field.choices]
        field.choices = said
