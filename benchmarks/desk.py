"""How fast the admin's pages open on a million contacts: `python -m benchmarks.desk`.

Needs an empty database of its own: that of `python -m devserver exec`, or
`--kept`: one that it has filled before. Times are of the whole request within this
process, the median of several; queries are counted apart from them.
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import (  # noqa: E402
    CaptureQueriesContext,
    setup_test_environment,
)

from benchmarks import seed  # noqa: E402
from shortlinks.models import Account, Contact, Group, User  # noqa: E402

WORLD = Path(__file__).parent / "desk_world.sql"
USERS, GROUPS, ROUNDS = 500, 20, 5
PEOPLE = {
    "own contacts": "user-0@desk.example",
    "group's": "user-1@desk.example",
    "administrator": "admin@desk.example",
    "small account": "admin@neighbour.example",
}
# Before the first row, whatever its key: the list's last page.
LOWEST = {"Visit": "00000000-0000-0000-0000-000000000000"}
SEARCHES = {
    "ShortLink": ("page/77", "bcc886cd7"),
    "Note": ("page/77", "bcc886cd7"),
    "Contact": ("client", "bcc886cd7", "500000"),
    "Chat": ("chat 77",),
}
MOST_TO_IMPORT = 100_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A page: what it is called in the table, and how it is asked for."""

    name: str
    path: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    milliseconds: float
    queries: int


def main() -> None:
    arguments = vars(_parser().parse_args())
    setup_test_environment()  # the test client's host is answered
    if not arguments.pop("kept"):
        seed.migrate()
        fill(arguments)
    _warm_up()
    table: dict[str, dict[str, Opened]] = {}
    for who, email in PEOPLE.items():
        for name, opened in _measured(User.objects.get(email=email)):
            table.setdefault(name, {})[who] = opened
    print(f"load {os.getloadavg()[0]:.0f}, {os.cpu_count()} processors")
    print(f"| page | {' | '.join(PEOPLE)} | queries |\n|---{'|---' * len(PEOPLE)}|---|")
    for name, row in table.items():
        print(_line(name, row))


def fill(sizes: dict[str, int]) -> None:
    account = Account.objects.create(name="Desk", subdomain="desk")
    groups = Group.objects.bulk_create(
        Group(account=account, name=f"Group {n}") for n in range(GROUPS)
    )
    users = User.objects.bulk_create(
        User(
            account=account,
            email=f"user-{n}@desk.example",
            password=make_password(None),
            group=groups[n % GROUPS],
            contacts_view="MG"[n % 2],
            contacts_edit="MG"[n % 2],
        )
        for n in range(USERS)
    )
    neighbour = Account.objects.create(name="Neighbour", subdomain="neighbour")
    for each, email in ((account, "administrator"), (neighbour, "small account")):
        User.objects.create_user(PEOPLE[email], account=each, is_admin=True)
    first = {"first_user": users[0].pk, "first_group": groups[0].pk}
    counts = {"users": USERS, "groups": GROUPS}
    accounts = {"account": account.pk, "neighbour": neighbour.pk}
    _run({**sizes, **first, **counts, **accounts})


def _run(parameters: dict[str, int]) -> None:
    for statement in WORLD.read_text().split(";\n\n"):
        since = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
        print(f"{time.monotonic() - since:6.1f} s {statement[:60]!r}", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _warm_up() -> None:
    """Templates and texts are read once for all pages."""
    client = Client()
    client.force_login(User.objects.get(email=PEOPLE["administrator"]))
    client.get("/admin/shortlinks/group/")


def _measured(user: User) -> Iterator[tuple[str, Opened]]:
    client = Client()
    client.force_login(user)
    for asked in _asked(client, user):
        _send(client, asked)
        with CaptureQueriesContext(connection) as queries:
            _send(client, asked)
        count = len(queries)  # before the next request forgets them
        times = [_milliseconds(client, asked) for _ in range(ROUNDS)]
        yield asked.name, Opened(statistics.median(times), count)


def _milliseconds(client: Client, asked: Asked) -> float:
    since = time.perf_counter()
    _send(client, asked)
    return (time.perf_counter() - since) * 1000


def _send(client: Client, asked: Asked) -> Any:
    if asked.data is None:
        response: Any = client.get(f"/admin/{asked.path}")
    else:
        file = BytesIO(asked.data["file"])
        file.name = "contacts.csv"
        response = client.post(f"/admin/{asked.path}", {"file": file}, follow=True)
    if response.status_code != 200:
        raise SystemExit(f"/admin/{asked.path} answers {response.status_code}")
    return response


def _asked(client: Client, user: User) -> Iterator[Asked]:
    yield Asked("start page", "")
    yield Asked("start page, polled", "opened-today/")
    if user.is_admin:
        yield from _of_administrators()
    for model in sorted(admin.site._registry, key=lambda model: model.__name__):
        address = f"{model._meta.app_label}/{model._meta.model_name}/"
        if client.get(f"/admin/{address}").status_code == 200:
            yield from _of_list(client, model, address)
    yield from _of_contact(user)


def _of_administrators() -> Iterator[Asked]:
    for days in (30, 90):
        yield Asked(f"start page, {days} days", f"?days={days}")
        for name in ("days.csv", "urls.csv", "numbers.xlsx"):
            path = f"numbers/{name}?days={days}"
            yield Asked(f"{name}, {days} days", path)
    rows = [f"{10**7 + n};Name {n}" for n in range(MOST_TO_IMPORT)]
    file = "\n".join(["entity_id;name", *rows]).encode()
    yield Asked("import", "import/")
    yield Asked("import, 100,000 rows uploaded", "import/", {"file": file})


def _of_list(client: Client, model: Any, address: str) -> Iterator[Asked]:
    """Its first and last page, each filter, searches, and the newest row's page."""
    name = str(model._meta.verbose_name_plural)
    yield Asked(name, address)
    shown = _send(client, Asked(name, address)).context["cl"]
    if hasattr(shown, "older"):
        lowest = LOWEST.get(model.__name__, "0")
        yield Asked(f"{name}, last page", f"{address}?newer={lowest}")
    for said, query in _filters(shown):
        yield Asked(f"{name}, {said}", f"{address}{query}")
    if shown.search_fields:
        for term in (*SEARCHES.get(model.__name__, ()), "nobody"):
            yield Asked(f"{name}, search “{term}”", f"{address}?q={term}")
    if shown.result_list:
        row = shown.result_list[0]
        yield Asked(f"{name}, one", f"{address}{row.pk}/change/")


def _filters(shown: Any) -> Iterator[tuple[str, str]]:
    for spec in shown.filter_specs:
        for choice in spec.choices(shown):
            if not choice["selected"] and choice["query_string"] != "?":
                yield f"{spec.title}: {choice['display']}", choice["query_string"]


def _of_contact(user: User) -> Iterator[Asked]:
    own = Contact.objects.visible_including_merged(user).order_by("pk")
    middle = own[own.count() // 2]
    address = "shortlinks/contact/"
    yield Asked("a contact with its timeline", f"{address}{middle.pk}/change/")
    yield Asked("a contact's history", f"{address}{middle.pk}/history/")
    yield Asked("contacts, from the middle on", f"{address}?older={middle.pk}")
    for field, term in (("responsible_user", "user-4"), ("group", "group")):
        asked = f"app_label=shortlinks&model_name=contact&field_name={field}"
        if user.is_admin:
            yield Asked(f"choices of {field}", f"autocomplete/?{asked}&term={term}")


def _line(name: str, row: dict[str, Opened]) -> str:
    times = [f"{row[who].milliseconds:,.0f}" if who in row else "" for who in PEOPLE]
    queries = max(opened.queries for opened in row.values())
    return f"| {name} | {' | '.join(times)} | {queries} |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=3_000_000)
    parser.add_argument("--visits", type=int, default=10_000_000)
    parser.add_argument("--notes", type=int, default=1_000_000)
    parser.add_argument("--kept", action="store_true", help="measure what is there")
    return parser


if __name__ == "__main__":
    main()
