"""Every page and action of the admin, for users of all levels."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from shortlinks.models import User
from tests import factories
from tests.admin import fixtures_full_account, shown_messages
from tests.admin.fixtures_full_account import World
from tests.rights import admin_rows, levels, population, requests
from tests.rights.admin_rows import NOTHING, PAGE, ROWS, WRITES, Row
from tests.rights.levels import (
    ADMINISTRATOR,
    CALLERS,
    CONTACTS,
    EDIT,
    NONE,
    OWN,
    RIGHTS,
)
from tests.rights.population import Population

IDS = {
    "contact": "pk",
    "shortlink": "link_id",
    "note": "note_id",
    "chat": "chat_id",
    "merge": "merge_id",
    "mergesuggestion": "suggestion_id",
    "separatepair": "apart_id",
}
LOGGED = f"{requests.TABLES}|django_admin_log"
# Only administrators may read what others did.
OTHERS_CHANGE = "A change of another user"
OF_CALLER = (admin_rows.ADD, admin_rows.ANYONE)


@dataclass(frozen=True, slots=True)
class Case:
    """One page or action, for one caller and one kind of contact."""

    name: str
    row: Row
    caller: str
    kind: str

    @property
    def model(self) -> str:
        return re.split("[_:]", self.name)[0]

    @property
    def to_contact(self) -> str:
        """Return the right to the contact; merged ones have no page of their own."""
        if self.model == "contact" and "merged" in self.kind:
            return NONE
        if self.caller == ADMINISTRATOR and self.kind == "deleted":
            # Administrators restore deleted contacts, but send and suggest nothing.
            is_ended = self.name == "contact:create_links"
            is_ended = is_ended or self.row.of == admin_rows.SUGGESTION
            return NONE if is_ended else EDIT
        return RIGHTS[self.caller][self.kind]

    def right(self, of: str) -> str:
        own, other = RIGHTS[self.caller][OWN], self.to_contact
        known = own if self.kind == "anonymous" else other
        is_admin = self.caller == ADMINISTRATOR
        return {
            admin_rows.CONTACT: other,
            admin_rows.PAIR: levels.weaker(own, other),
            # A user who may edit the known contact decides about an anonymous one.
            admin_rows.SUGGESTION: levels.weaker(own, known),
            admin_rows.DELETE: other if levels.may_delete(self.caller) else NONE,
            admin_rows.ADMINISTRATOR: other if is_admin else NONE,
            admin_rows.ADD: EDIT if levels.may_add(self.caller) else NONE,
            admin_rows.ANYONE: EDIT,
        }[of]

    def expected(self) -> tuple[str, str]:
        row = self.row
        shown = self._outcome(row.get, self.right(row.of))
        return shown, self._outcome(row.post, self.right(row.post_of or row.of))

    def _outcome(self, outcomes: str, right: str) -> str:
        edit, view, none = outcomes.split()
        return {EDIT: edit, NONE: none}.get(right, view)

    def __str__(self) -> str:
        return f"{self.name} of {self.kind}"


def cases(caller: str) -> Iterator[Case]:
    for name in sorted(admin_rows.names()):
        for row in ROWS:
            if re.fullmatch(row.names, name):
                kinds = [OWN] if row.of in OF_CALLER else CONTACTS
                yield from (Case(name, row, caller, kind) for kind in kinds)


def url_of(name: str, pk: object) -> str:
    """Return the address of the page, or of the list that has the action."""
    model, _, action = name.partition(":")
    own = (
        f"admin:shortlinks_{model}_changelist" if action else f"admin:shortlinks_{name}"
    )
    for candidate in (own, name, f"admin:{name}"):
        for arguments in ([], [pk], [pk, "key"], ["shortlinks"]):
            try:
                return reverse(candidate, args=arguments)
            except NoReverseMatch:
                continue
    raise AssertionError(f"no address of {name}")


def body(name: str, pk: object, account: object) -> dict[str, Any]:
    """Return a body that each form and action accepts from those who may send it."""
    return {
        "name": "New",
        "confirmed": "1",
        "first_name": "",
        "last_name": "",
        "account": account,
        "tracking_consent": "unknown",
        "url": "https://shop.example/rights",
        "form_token": str(uuid.uuid4()),
        "post": "yes",
        "action": name.partition(":")[2],
        "_selected_action": [pk],
        "index": 0,
    }


@dataclass(slots=True)
class Session:
    """Requests of one user, which leave no trace."""

    caller: str
    given: Population
    client: Client

    def wrong(self, case: Case) -> str:
        """Return how the answers differ from the expected ones, if they do."""
        values = self.given.rows[case.kind].values
        pk = values[IDS[case.model]]
        url = url_of(case.name, pk)
        with requests.undone():
            shown = self._send("get", url)
        with requests.undone(LOGGED) as written:
            posted = self._send("post", url, body(case.name, pk, self.account))
        is_page = shown.status_code == 200 and ":" not in case.name
        outcomes = (PAGE if is_page else NOTHING, WRITES if written else NOTHING)
        if outcomes != case.expected():
            return f"expected {case.expected()}, got {outcomes}, {posted.status_code}"
        texts = (shown.getvalue() + posted.getvalue()).decode()  # some are streamed
        leaked = [
            each for each in self.hidden(case) if each in texts and each not in url
        ]
        return f"shows {leaked}" if leaked else ""

    def _send(self, method: str, url: str, posted: Any = None) -> Any:
        shown_messages.forget(self.client)
        return getattr(self.client, method)(url, posted)

    @property
    def account(self) -> int | None:
        return self.given.caller.account_id

    def hidden(self, case: Case) -> set[str]:
        rights = RIGHTS[self.caller]
        kinds = {kind for kind in CONTACTS if rights[kind] == NONE}
        # A suggestion shows what helps to decide about an anonymous contact.
        kinds -= {"anonymous"} if case.name.startswith("mergesuggestion") else set()
        kinds -= {"deleted"} if self.caller == ADMINISTRATOR else set()
        secrets = {text for kind in kinds for text in self.given.rows[kind].secrets}
        return secrets if self.caller == ADMINISTRATOR else {*secrets, OTHERS_CHANGE}


def log_changes(given: Population) -> None:
    """Log a change of each row by another user."""
    user = factories.user(given.caller.account)
    for model, pk in IDS.items():
        kind = ContentType.objects.get(app_label="shortlinks", model=model)
        for rows in given.rows.values():
            LogEntry.objects.create(
                user=user,
                content_type=kind,
                object_id=rows.values[pk],
                action_flag=CHANGE,
                change_message=OTHERS_CHANGE,
            )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_each_page_and_action_has_one_row() -> None:
    matches = {name: admin_rows.rows_of(name) for name in admin_rows.names()}

    assert {name: each for name, each in matches.items() if len(each) != 1} == {}


@pytest.mark.parametrize("caller", CALLERS)
def test_pages_answer_by_the_rights_to_the_contact(db: None, caller: str) -> None:
    given = population.create(caller)
    log_changes(given)
    session = Session(caller, given, signed_in(given.caller))

    wrong = [
        f"{case}: {error}" for case in cases(caller) if (error := session.wrong(case))
    ]

    assert not wrong, "\n".join(wrong)


def closed_names() -> list[str]:
    names = sorted(admin_rows.names())
    return [name for name in names if re.fullmatch(admin_rows.CLOSED, name)]


def closed_urls(world: World) -> Iterator[tuple[str, str, object]]:
    """Yield the closed pages and actions with their addresses for a row of `world`."""
    rows = {row._meta.model_name: row for row in world.rows()}
    for name in closed_names():
        row: Model | None = rows.get(re.split("[_:]", name)[0], world.user)
        pk = "days.csv" if name == "admin_statistics" else row and row.pk
        yield name, url_of(name, pk), pk


@pytest.mark.parametrize("caller", [each for each in CALLERS if each != ADMINISTRATOR])
def test_managers_see_and_do_nothing_on_closed_pages(db: None, caller: str) -> None:
    given = population.create(caller)
    assert given.caller.account is not None
    world = fixtures_full_account.fill(given.caller.account, "Other", responsible=None)
    client = signed_in(given.caller)

    wrong = {}
    for name, url, pk in closed_urls(world):
        with requests.undone(requests.ALL_TABLES) as written:
            shown = client.get(url)
            client.post(url, body(name, pk, world.account.pk))
        if shown.status_code == 200 or written:
            wrong[name] = (shown.status_code, written)

    assert wrong == {}


@pytest.mark.parametrize("caller", [each for each in CALLERS if each != ADMINISTRATOR])
def test_managers_have_no_permission_for_closed_models(
    db: None, rf: RequestFactory, caller: str
) -> None:
    """Hold each check of its own, also where another one is in front of it."""
    request = rf.get("/")
    request.user = population.create(caller).caller
    granted = {
        model.__name__: (*pages.get_actions(request), *_true(pages, request))
        for model, pages in admin.site._registry.items()
        if re.fullmatch(admin_rows.CLOSED, f"{model._meta.model_name}_changelist")
    }

    assert len(granted) > 10
    assert {name: found for name, found in granted.items() if found} == {}


def _true(pages: admin.ModelAdmin[Any], request: HttpRequest) -> list[str]:
    return [name for name, has in pages.get_model_perms(request).items() if has]


def test_nothing_but_the_entrance_works_without_a_session(db: None) -> None:
    world = fixtures_full_account.fill(factories.account(), "Own", responsible=None)
    rows = {row._meta.model_name: row for row in world.rows()}
    wrong = {}

    for name in sorted(admin_rows.names()):
        row: Model = rows.get(re.split("[_:]", name)[0], world.user)
        pk = "days.csv" if name == "admin_statistics" else row.pk
        with requests.undone(requests.ALL_TABLES) as written:
            shown = Client().get(url_of(name, pk))
            Client().post(url_of(name, pk), body(name, pk, world.account.pk))
        is_entrance = bool(re.fullmatch(admin_rows.ENTRANCE, name))
        if (shown.status_code == 200) != is_entrance or written:
            wrong[name] = (shown.status_code, shown.headers.get("Location"), written)

    assert wrong == {}


def test_administrators_do_nothing_with_rows_of_another_account(db: None) -> None:
    world = fixtures_full_account.fill(factories.account(), "Foreign", responsible=None)
    client = signed_in(factories.admin(factories.account()))

    wrong = {}
    for name, url, pk in closed_urls(world):
        with requests.undone(requests.ALL_TABLES) as written:
            shown = client.get(url)
            if str(pk) in url or ":" in name:
                client.post(url, body(name, pk, world.account.pk))
        if written or "Foreign" in shown.getvalue().decode():
            wrong[name] = (shown.status_code, written)

    assert wrong == {}
