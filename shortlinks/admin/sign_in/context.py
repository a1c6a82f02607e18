"""Context for templates of allauth, which look like pages of the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from shortlinks.admin.sign_in.sign_in_again import ENTRANCE
from shortlinks.domain.auth import second_factors
from shortlinks.models import User


def entrance(request: HttpRequest) -> dict[str, Any]:
    if not request.path.startswith(ENTRANCE):
        return {}
    user = request.user
    is_missing = isinstance(user, User) and second_factors.is_missing(user)
    return {
        **admin.site.each_context(request),
        "second_factor_is_missing": is_missing,
    }
