"""The service itself under `make run`, as in README's first steps."""

import shutil
import signal
from pathlib import Path

import httpx
import psycopg
import redis

from deploy import env_file
from devserver import ports
from tests import factories
from tests.devserver.conftest import CHECKOUT, Devserver, Start, until

DDL = [
    "CREATE TABLE more (id int)",
    "CREATE TEMPORARY TABLE more (id int)",
    "CREATE SCHEMA more",
    "ALTER TABLE shortlinks_note ADD COLUMN more int",
    "DROP TABLE shortlinks_note CASCADE",
    "TRUNCATE shortlinks_note",
    "CREATE INDEX ON shortlinks_note (url)",
    "ALTER ROLE shortlinks_app CREATEDB",
]
ADMINISTRATION = [
    "CONFIG GET maxmemory",
    "KEYS *",
    "ACL LIST",
    "CLIENT LIST",
    "FLUSHDB",
]
KEYS = {
    *("BASE_URL", "SHORT_BASE_URL", "DATABASE_URL", "REDIS_URL", "ACCOUNT_ID"),
    "METRICS_URL",
    *("TOKEN", "MANAGER_TOKEN", "CONTACT_IDS", "HIDDEN_CONTACT_ID", "ADMIN_URL"),
    *("ADMIN_EMAIL", "ADMIN_PASSWORD", "MANAGER_EMAIL", "MANAGER_PASSWORD"),
    *("DEMO_SITE_URL", "SITE_KEY", "DEMO_LINK"),
}


def order(entity_id: str) -> dict[str, object]:
    metadata = {"entity_type": "contacts", "entity_id": int(entity_id)}
    return {"url": "https://www.yandex.ru", "metadata": metadata}


def copy_of_the_service(place: Path) -> Path:
    project = place / "project"
    for part in ("config", "deploy", "shortlinks"):
        shutil.copytree(CHECKOUT / part, project / part)
    shutil.copy(CHECKOUT / "manage.py", project)
    return project


def order_open_and_read(demo: dict[str, str], api: httpx.Client) -> tuple[str, str]:
    """Create, open and read as a manager; return the link's code and pixel cookie."""
    own = demo["CONTACT_IDS"].split(",")
    orders = [order(id_) for id_ in [*own, demo["HIDDEN_CONTACT_ID"], "999"]]
    made = api.post("/api/v4/short_links", json=orders).json()
    links = made["_embedded"]["short_links"]
    assert [str(link["metadata"]["entity_id"]) for link in links] == own

    opened = httpx.get(links[0]["url"], headers=factories.BROWSER)
    assert opened.status_code == 302
    assert opened.headers["location"] == "https://www.yandex.ru/"

    until(lambda: api.get("/api/v4/contacts/notes").status_code == 200)
    assert notes(api) == [(int(own[0]), {"url": "https://www.yandex.ru"})]
    return links[0]["url"].rpartition("/")[2], opened.cookies["slpx"]


def notes(api: httpx.Client) -> list[tuple[int, dict[str, str]]]:
    listed = api.get("/api/v4/contacts/notes").json()["_embedded"]["notes"]
    return [(note["entity_id"], note["params"]) for note in listed]


def subscribe_this_machine(api: httpx.Client, token: str) -> httpx.Response:
    """Subscribe a receiver on loopback, as the page for integrators runs it."""
    wanted = {"destination": "http://127.0.0.1:8099/", "settings": ["note_contact"]}
    headers = {"Authorization": f"Bearer {token}"}
    return api.post("/api/v4/webhooks", json=wanted, headers=headers)


def refused_statements(database_url: str) -> list[str]:
    """Return which statements the user of the processes may not execute."""
    refused = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in DDL:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                refused.append(statement)
    return refused


def refused_commands(redis_url: str) -> list[str]:
    refused = []
    with redis.Redis.from_url(redis_url) as client:
        for command in ADMINISTRATION:
            try:
                client.execute_command(*command.split())
            except redis.exceptions.NoPermissionError:
                refused.append(command)
    return refused


def all_output(run: Devserver, project: Path) -> str:
    logs = (project / "var" / "log").iterdir()
    return run.output + "".join(log.read_text(errors="replace") for log in logs)


def stop(run: Devserver) -> None:
    run.process.send_signal(signal.SIGTERM)
    assert run.code() == 0


def test_service_shows_an_open_and_keeps_its_notes_after_a_restart(
    start: Start, place: Path
) -> None:
    project = copy_of_the_service(place)
    web, short = ports.pick("web", "redirects").values()
    settings = {"PORT": str(web), "REDIRECT_PORT": str(short)}

    first = start("run", "--project", str(project), **settings)
    first.wait_for("ready in")
    demo = env_file.read(project / "var" / "demo.env")
    headers = {"Authorization": f"Bearer {demo['MANAGER_TOKEN']}"}
    with httpx.Client(base_url=demo["BASE_URL"], headers=headers) as api:
        code, cookie = order_open_and_read(demo, api)
    assert (
        refused_statements(demo["DATABASE_URL"]),
        refused_commands(demo["REDIS_URL"]),
    ) == (DDL, ADMINISTRATION)
    stop(first)

    second = start("run", "--project", str(project), **settings)
    second.wait_for("ready in")
    with httpx.Client(base_url=demo["BASE_URL"], headers=headers) as api:
        assert len(notes(api)) == 1
        assert subscribe_this_machine(api, demo["TOKEN"]).status_code == 201
    stop(second)

    assert demo.keys() == KEYS
    secrets = {code, cookie, demo["TOKEN"], demo["ADMIN_PASSWORD"]}
    assert not any(map(all_output(first, project).__contains__, secrets))
