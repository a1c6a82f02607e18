"""Files and menu of every page."""

import re
from typing import Any

import pytest
from django.contrib import admin

from shortlinks.admin import navigation
from shortlinks.models import Contact, User
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, listing

LOADED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)="([^"]+)"')
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+=")


@pytest.mark.parametrize("path", ["/admin/", listing(Contact), listing(Contact, "add")])
def test_page_loads_own_files_only(
    sign_in: SignIn, admin: User, own: World, path: str
) -> None:
    response: Any = sign_in(admin).get(path)

    page = response.content.decode()
    assert {url for url in LOADED.findall(page) if not url.startswith("/")} <= {
        "data:,"
    }
    assert LOADED.findall(page)
    assert INLINE.findall(page) == []


def test_menu_lists_visible_models_by_subject(
    sign_in: SignIn, manager: User, own: World
) -> None:
    page: Any = sign_in(manager).get("/admin/")

    menu = {
        section["title"]: [item["title"] for item in section["items"]]
        for section in page.context["sidebar_navigation"]
        if section["items"]
    }
    assert menu == {
        "": ["Dashboard"],
        "Clients": ["Contacts", "Notes", "Short links", "Chats"],
        "Identity and merges": ["Merge suggestions", "Merges", "Not duplicates"],
    }


def test_menu_has_every_registered_model() -> None:
    placed = {model for _, models in navigation.SECTIONS for model in models}

    ours = {model.__name__ for model in admin.site._registry}
    assert ours <= placed
