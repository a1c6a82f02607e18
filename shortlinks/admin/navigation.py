"""Functions that unfold's settings name: title, menu and assets of the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from shortlinks.admin.base import is_operator
from shortlinks.admin.import_upload import CONTACTS, USERS, can_import

# Models by subject; others are in the last section.
SECTIONS: list[tuple[str, list[str]]] = [
    (
        gettext_noop("Clients"),
        ["Contact", "Note", "ShortLink", "Chat"],
    ),
    (
        gettext_noop("Identity and merges"),
        ["MergeSuggestion", "Merge", "SeparatePair", "Pixel", "PixelAttachment"],
    ),
    (gettext_noop("Opens"), ["Visit"]),
    (
        gettext_noop("Connections"),
        [
            "ApiToken",
            "Integration",
            "Webhook",
            "WebhookDelivery",
            "ConnectedSite",
            "ShortDomain",
        ],
    ),
    (
        gettext_noop("Account"),
        ["Account", "User", "Group", "Import", "SecurityEvent", "Erasure"],
    ),
]
OTHER = gettext_noop("Other")
ICONS = {
    "Account": "settings",
    "ApiToken": "key",
    "Chat": "forum",
    "ConnectedSite": "web",
    "Contact": "contacts",
    "Erasure": "person_remove",
    "Group": "groups",
    "Import": "upload_file",
    "Integration": "extension",
    "Merge": "merge",
    "MergeSuggestion": "join_inner",
    "Note": "history",
    "Pixel": "devices",
    "PixelAttachment": "person_pin",
    "SecurityEvent": "shield",
    "SeparatePair": "call_split",
    "ShortDomain": "dns",
    "ShortLink": "link",
    "User": "person",
    "Visit": "ads_click",
    "Webhook": "webhook",
    "WebhookDelivery": "outbox",
}


def title(request: HttpRequest) -> str:
    return gettext("Short links")


def inline_colors(request: HttpRequest) -> dict[str, dict[str, str]]:
    return {}


def colors(request: HttpRequest) -> str:
    return static("shortlinks/colors.css")


def style(request: HttpRequest) -> str:
    return static("shortlinks/admin.css")


def strict_policy(request: HttpRequest) -> str:
    return static("shortlinks/strict_policy.js")


def keyboard(request: HttpRequest) -> str:
    return static("shortlinks/keyboard.js")


def accessible_names(request: HttpRequest) -> str:
    return static("shortlinks/accessible_names.js")


def unsaved_entries(request: HttpRequest) -> str:
    return static("shortlinks/unsaved_entries.js")


def sections(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu with the models that the user may view."""
    models = {
        model["object_name"]: model
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if model["admin_url"]
    }
    home = _item(gettext("Dashboard"), "home", reverse("admin:index"))
    found: list[dict[str, Any]] = [{"title": "", "items": [home]}]
    for name, wanted in SECTIONS:
        items = [_model_item(models.pop(model)) for model in wanted if model in models]
        found.append({"title": gettext(name), "items": items})
    if can_import(request):
        for section, page in ((found[1], CONTACTS), (found[-1], USERS)):
            section["items"].append(_item(str(page.title), "upload", page.address))
    if is_operator(request):
        lookup = _item(
            gettext("Look up a link"), "search", reverse("admin_link_lookup")
        )
        found.append({"title": gettext("Service"), "items": [lookup]})
    rest = [_model_item(model) for model in models.values()]
    return [*found, {"title": gettext(OTHER), "items": rest}]


def _model_item(model: dict[str, Any]) -> dict[str, Any]:
    icon = ICONS.get(model["object_name"], "table_rows")
    return _item(model["name"], icon, model["admin_url"])


def _item(name: str, icon: str, link: str) -> dict[str, Any]:
    return {"title": name, "icon": icon, "link": link}
