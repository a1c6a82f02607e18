"""`var/demo.env`: addresses, logins and tokens, and what is printed about them."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deploy import env_file
from deploy.roles import LOOPBACK

ADDRESS_NAMES = (
    "BASE_URL",
    "SHORT_BASE_URL",
    "DATABASE_URL",
    "REDIS_URL",
    "DEMO_SITE_URL",
)

BROWSER = {
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "ru,en;q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
}
CREATED = (
    *("ACCOUNT_ID", "TOKEN", "MANAGER_TOKEN", "CONTACT_IDS", "HIDDEN_CONTACT_ID"),
    *("ADMIN_EMAIL", "ADMIN_PASSWORD", "MANAGER_EMAIL", "MANAGER_PASSWORD"),
    *("SITE_KEY", "DEMO_LINK"),
)
ADDRESSES = """
  API        {base}/api/v4/
  Admin      {base}/admin/
  Redirects  {short}/
  API docs   {base}/api/docs
  Metrics    {metrics}
  Demo site  {site}/
"""
# Pasted unchanged: no indent, and only tools that every system has.
STORY = """
  Log in to the admin as {email} (administrator) or {manager} (manager).
  The passwords are in {file}.
  For the story with a website and its chat, open its DEMO_LINK in a private window.
  Paste this into another terminal to create a short link for a contact, open it
  as a browser does, and read the note that the worker writes:

. {file}
CONTACT="${{CONTACT_IDS%%,*}}"
SHORT_URL=$(curl -s "$BASE_URL/api/v4/short_links" \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '[{{"url": "https://www.yandex.ru",
        "metadata": {{"entity_type": "contacts", "entity_id": '$CONTACT'}}}}]' \\
  | sed -n 's/.*"url": *"\\([^"]*\\)".*/\\1/p')
echo "$SHORT_URL"
curl -si "$SHORT_URL" \\
  {browser}
sleep 3
curl -s "$BASE_URL/api/v4/contacts/$CONTACT/notes" \\
  -H "Authorization: Bearer $TOKEN"; echo"""


def load(path: Path, database_url: str) -> dict[str, str]:
    """Return what the first start created, if it was in this database."""
    values = env_file.read(path)
    if _database(values.get("DATABASE_URL", "")) != _database(database_url):
        return {}
    return {name: values[name] for name in CREATED if name in values}


def addresses(path: Path) -> dict[str, str]:
    """Return the settings that `write` stored, or none if one is missing."""
    values = env_file.read(path)
    if not values.keys() >= {*ADDRESS_NAMES, "METRICS_URL"}:
        return {}
    metrics_port = urlsplit(values["METRICS_URL"]).port
    stored = {name: values[name] for name in ADDRESS_NAMES}
    return {**stored, "METRICS_PORT": str(metrics_port)}


def write(
    path: Path, environment: Mapping[str, str], created: Mapping[str, str]
) -> None:
    settings = {name: environment[name] for name in ADDRESS_NAMES}
    derived = {
        "ADMIN_URL": f"{environment['BASE_URL']}/admin/",
        "METRICS_URL": f"http://{LOOPBACK}:{environment['METRICS_PORT']}/metrics",
    }
    env_file.write(path, {**settings, **derived, **created})


def summary(path: Path) -> str:
    values = env_file.read(path)
    text = ADDRESSES.format(
        base=values["BASE_URL"],
        short=values["SHORT_BASE_URL"],
        metrics=values["METRICS_URL"],
        site=values["DEMO_SITE_URL"],
    )
    if "TOKEN" not in values:
        return text
    headers = (f"-H '{name}: {value}'" for name, value in BROWSER.items())
    return text + STORY.format(
        email=values["ADMIN_EMAIL"],
        manager=values["MANAGER_EMAIL"],
        file=shlex.quote(str(path)),
        browser=" \\\n  ".join(headers),
    )


def _database(url: str) -> tuple[str | None, ...]:
    """Identify a database without its port, which may change between two starts."""
    parts = urlsplit(url)
    return (parts.hostname, parts.username, parts.password, parts.path)
