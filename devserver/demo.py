"""`var/demo.env`: the logins and tokens of the demo data; and what to do with them."""

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
# To paste as it stands: so no indent, and no tool that is not everywhere.
STORY = """
  Log in to the admin as {email} (an administrator) or {manager} (a manager);
  the passwords are in {file}.
  To order a short link for a contact, open it as a browser does, and read the note that
  the worker writes about it, paste this into another terminal. For the story with a
  site and its chat, open DEMO_LINK of that file in a private window and write there.

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
  -H "Authorization: Bearer $TOKEN"; echo
"""


def kept(path: Path, database_url: str) -> dict[str, str]:
    """What was created on the first start, if that was in this database."""
    values = env_file.read(path)
    if _database(values.get("DATABASE_URL", "")) != _database(database_url):
        return {}
    return {name: values[name] for name in CREATED if name in values}


def write(
    path: Path, environment: Mapping[str, str], created: Mapping[str, str]
) -> None:
    addresses = {name: environment[name] for name in ADDRESS_NAMES}
    made = {
        "ADMIN_URL": f"{environment['BASE_URL']}/admin/",
        "METRICS_URL": f"http://{LOOPBACK}:{environment['METRICS_PORT']}/metrics",
    }
    env_file.write(path, {**addresses, **made, **created})


def summary(path: Path) -> str:
    values = env_file.read(path)
    addresses = ADDRESSES.format(
        base=values["BASE_URL"],
        short=values["SHORT_BASE_URL"],
        metrics=values["METRICS_URL"],
        site=values["DEMO_SITE_URL"],
    )
    if "TOKEN" not in values:
        return addresses
    headers = (f"-H '{name}: {value}'" for name, value in BROWSER.items())
    return addresses + STORY.format(
        email=values["ADMIN_EMAIL"],
        manager=values["MANAGER_EMAIL"],
        file=shlex.quote(str(path)),
        browser=" \\\n  ".join(headers),
    )


def _database(url: str) -> tuple[str | None, ...]:
    """Which one it is, whatever its port: the embedded one may have had to move."""
    parts = urlsplit(url)
    return (parts.hostname, parts.username, parts.password, parts.path)
