"""How fast the admin's pages open on a million contacts: `python -m benchmarks.desk`.

Wants an empty database of its own: `make test`'s kind, by `python -m embedded exec`.
Times are of the whole request within this process, the median of several; queries are
counted apart from them.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django

django.setup()

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
LISTS = ("contact", "shortlink", "note", "chat", "merge", "mergesuggestion")
OF_ADMINISTRATORS = ("visit", "pixel", "webhookdelivery", "user", "apitoken")


@dataclass(frozen=True, slots=True)
class Page:
    who: str
    path: str
    milliseconds: float
    queries: int


def main() -> None:
    arguments = _parser().parse_args()
    setup_test_environment()  # the test client's host is answered
    seed.migrate()
    people = _fill(vars(arguments))
    print("| who | page | server time, ms | queries |\n|---|---|---|---|")
    for who, user in people.items():
        for page in _measured(who, user):
            shown = f"| {page.who} | `{page.path}` | {page.milliseconds:.0f} |"
            print(f"{shown} {page.queries} |", flush=True)


def _fill(sizes: dict[str, int]) -> dict[str, User]:
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
    admin = User.objects.create_user(
        "admin@desk.example", account=account, is_admin=True
    )
    neighbour = Account.objects.create(name="Neighbour", subdomain="neighbour")
    other = User.objects.create_user(
        "admin@neighbour.example", account=neighbour, is_admin=True
    )
    first = {"first_user": users[0].pk, "first_group": groups[0].pk}
    counts = {"users": USERS, "groups": GROUPS}
    accounts = {"account": account.pk, "neighbour": neighbour.pk}
    _run({**sizes, **first, **counts, **accounts})
    return {
        "manager, M": users[0],
        "manager, G": users[1],
        "administrator": admin,
        "neighbour": other,
    }


def _run(parameters: dict[str, int]) -> None:
    for statement in WORLD.read_text().split(";\n\n"):
        since = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
        print(f"{time.monotonic() - since:6.1f} s {statement[:60]!r}", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _measured(who: str, user: User) -> Iterator[Page]:
    client = Client()
    client.force_login(user)
    for path in _paths(user):
        address = f"/admin/{path}"
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        asked = len(queries)  # before the next request forgets them
        times = [_milliseconds(client, address) for _ in range(ROUNDS)]
        yield Page(who, address, statistics.median(times), asked)


def _milliseconds(client: Client, address: str) -> float:
    since = time.perf_counter()
    status = client.get(address).status_code
    if status != 200:
        raise SystemExit(f"{address} answers {status}")
    return (time.perf_counter() - since) * 1000


def _paths(user: User) -> Iterator[str]:
    yield from ("", "opened-today/")
    if user.is_admin:
        yield from ("?days=30", "?days=90", "import/")
        yield from (f"shortlinks/{name}/" for name in OF_ADMINISTRATORS)
    yield from (f"shortlinks/{name}/" for name in LISTS)
    own = Contact.objects.readable_by(user).order_by("pk")
    middle = own[own.count() // 2]
    yield f"shortlinks/contact/{middle.pk}/change/"
    yield f"shortlinks/contact/?older={middle.pk}"
    yield f"shortlinks/contact/?q={middle.entity_id}"
    yield f"shortlinks/contact/?q={middle.name[-9:]}"
    yield "shortlinks/contact/?q=nobody"
    yield "shortlinks/shortlink/?q=page/77"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=3_000_000)
    parser.add_argument("--visits", type=int, default=10_000_000)
    parser.add_argument("--notes", type=int, default=1_000_000)
    return parser


if __name__ == "__main__":
    main()
