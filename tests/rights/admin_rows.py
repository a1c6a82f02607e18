"""The answers of every page and action of the admin, by what the caller may do.

A new page, model or action fails test_admin_rights.py until it has a row here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

PAGE, WRITES, NOTHING = "page", "writes", "-"
# The right that decides: to the contact, to it and the caller's own one, to delete it,
# or a right of the caller that needs no contact.
CONTACT, PAIR, SUGGESTION, DELETE = "contact", "pair", "suggestion", "delete"
ADMINISTRATOR, ADD, ANYONE = "administrator", "add", "anyone"


@dataclass(frozen=True, slots=True)
class Row:
    """Expected outcomes of GET and POST for the rights `edit`, `view` and none.

    A GET shows a page or nothing. A POST writes to rows of contacts, and to the log of
    the admin, or nothing. `names` is a pattern of `model_page`, `model:action` or the
    name of another page.
    """

    names: str
    of: str
    get: str = "- - -"
    post: str = "- - -"
    post_of: str = ""  # if POST needs another right


ROWS = (
    Row("contact_change", CONTACT, "page page -", "writes - -"),
    Row("contact_personal_data(_file)?", ADMINISTRATOR, "page - -"),
    Row("contact_erase", ADMINISTRATOR, post="writes - -"),
    Row("contact_delete", DELETE, "page - -", "writes - -"),
    Row("contact:delete_selected", DELETE, post="writes - -"),
    Row("contact:create_links", ADMINISTRATOR, post="writes - -"),
    Row("contact_add", ADD, "page - -", "writes - -"),
    Row("shortlink:disable", ADMINISTRATOR, post="writes - -"),
    Row("(contact|shortlink|note|chat|merge)_history", CONTACT, "page page -"),
    Row(
        *("shortlink_change", CONTACT, "page page -", "writes - -"),
        post_of=ADMINISTRATOR,
    ),
    Row("(note|chat|merge)_change", CONTACT, "page page -"),
    Row("merge_undo", CONTACT, post="writes - -"),
    Row("mergesuggestion_(change|history)", SUGGESTION, "page page -"),
    Row("mergesuggestion_(accept|reject)", SUGGESTION, post="writes - -"),
    Row("separatepair_(change|history)", PAIR, "page page -"),
    Row("separatepair_delete", PAIR, "page - -", "writes - -"),
    Row("separatepair:delete_selected", PAIR, post="writes - -"),
    Row("(shortlink|note|chat|merge|mergesuggestion)(_add|_delete|:delete_.*)", ANYONE),
    Row("separatepair_add", ANYONE),
    Row(
        "(contact|shortlink|note|chat|merge|mergesuggestion|separatepair)_changelist",
        *(ANYONE, "page page page"),
    ),
)
# Pages of everybody. They show no contact but those of today's opens and searches.
EVERYBODY = (
    "index|login|logout|password_change(_done)?|autocomplete|jsi18n|search|app_list"
    "|view_on_site|admin_opened_today|admin_onboarding|admin_staff|admin_continue"
    "|account_(login|logout|inactive|reauthenticate|(change|set|reset)_password.*)"
    "|mfa_.*|usersessions_list|admin_revoke_own_token|openid_connect_.*"
    "|socialaccount_.*"
)
# Pages that begin a session. All others lead there; those of a provider need its id.
ENTRANCE = (
    "login|account_(login|inactive|reset_password(_done|_from_key|_from_key_done)?)"
    "|socialaccount_login_cancelled"
)
# Managers see and do nothing there, and administrators only in their account.
CLOSED = (
    "account(:.*|_(changelist|add|history|delete|change))"
    "|(group|user|import|pixel|pixelattachment|connectedsite|shortdomain|visit"
    "|apitoken|integration|webhook|webhookdelivery|securityevent|erasure)[_:].*"
    "|auth_user_password_change|admin_statistics|admin_import_contacts"
    "|admin_import_users|admin_onboarding_dismiss|admin_first_link"
    "|admin_first_account|admin_link_lookup"
)


def rows_of(name: str) -> list[str]:
    """Return the patterns of all tables that match the name; there must be one."""
    patterns = [*(row.names for row in ROWS), EVERYBODY, CLOSED]
    return [pattern for pattern in patterns if re.fullmatch(pattern, name)]


def names() -> set[str]:
    """Return the names of all pages and actions of the admin."""
    return {*_pages(get_resolver().url_patterns, ""), *_actions()}


def _pages(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _pages(pattern.url_patterns, route)
        elif route.startswith("admin/") and pattern.name:
            yield pattern.name.removeprefix("shortlinks_")


def _actions() -> Iterator[str]:
    for model, pages in admin.site._registry.items():
        for action in [*(pages.actions or ()), "delete_selected"]:
            yield f"{model._meta.model_name}:{action}"
