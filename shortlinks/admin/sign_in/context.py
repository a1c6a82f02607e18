"""Context for templates of allauth, which look like pages of the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from shortlinks.admin.sign_in import second_factor
from shortlinks.admin.sign_in.sign_in_again import ACCOUNT_PAGES


def entrance(request: HttpRequest) -> dict[str, Any]:
    if not request.path.startswith(ACCOUNT_PAGES):
        return {}
    return {
        **admin.site.each_context(request),
        "second_factor_is_missing": second_factor.must_add_factor(request),
    }
