"""Dashboard, and its part that the browser polls."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext

from shortlinks.admin import dashboard_stats, onboarding, todays_opens
from shortlinks.admin.base import current_user, is_administrator


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add today's opens to the context, and statistics for administrators."""
    opened = todays_opens.opened_today(current_user(request))
    figures = dashboard_stats.of(request) if is_administrator(request) else {}
    steps = onboarding.of(request)
    shown = {"steps": steps, "steps_are_open": onboarding.any_left(steps)}
    page = {"title": gettext("Dashboard"), "opened": opened}
    return {**context, **figures, **shown, **page}


def opened_today(request: HttpRequest) -> HttpResponse:
    """Return today's opens; 304 if nothing changed."""
    opened = todays_opens.opened_today(current_user(request))
    response = render(request, "shortlinks/todays_opens.html", {"opened": opened})
    response.headers["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response.headers["Cache-Control"] = "private, no-cache"
    etag = response.headers["ETag"]
    return get_conditional_response(request, etag=etag, response=response) or response
