"""The service itself under `make run`, as in README's first steps."""

import shutil
import signal
from pathlib import Path

import httpx

from deploy import env_file
from devserver import ports
from tests import factories
from tests.devserver.conftest import CHECKOUT, Devserver, Start, until

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
    stop(first)

    second = start("run", "--project", str(project), **settings)
    second.wait_for("ready in")
    with httpx.Client(base_url=demo["BASE_URL"], headers=headers) as api:
        assert len(notes(api)) == 1
        assert subscribe_this_machine(api, demo["TOKEN"]).status_code == 201
    stop(second)

    assert demo.keys() == KEYS
    output = all_output(first, project)
    secrets = {code, cookie, demo["TOKEN"], demo["ADMIN_PASSWORD"]}
    assert {secret for secret in secrets if secret in output} == set()
