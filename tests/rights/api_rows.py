"""The answers of every route of the API, by what the caller may do.

A new route fails test_api_rights.py until it has a row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.rights.population import MINE, SOURCE

PREFIX = "/api/v4"
# Parameters of these rows that have other names in the document.
DOCUMENTED_AS = {"{own_id}": "{entity_id}", "{undone_merge_id}": "{merge_id}"}
SHOWN, HIDDEN = "shown", "hidden"
DECISION = "decision"
Outcome = int | str
# The right that decides: to the contact, to both it and the caller's own contact, or a
# right of the caller that needs no contact.
CONTACT, PAIR, SUGGESTION, OWN_PATH = "contact", "pair", "suggestion", "own path"
ADD, ADMINISTRATOR, ANYONE = "add", "administrator", "anyone"
PERSON = "person"  # administrators, also for deleted contacts
USUAL = "usual"


@dataclass(frozen=True, slots=True)
class Row:
    """Expected outcomes for the rights `edit`, `view` and none.

    An outcome is a status. With `shows`, it is whether the answer has this id, or the
    decision about a chat. `{name}` and `"$name"` stand for the values of the contact's
    rows. `but` has exceptions by kind of contact. `channel` has the outcomes for a
    token with the scope `chats:report` only, with USUAL for all other kinds.
    """

    request: str
    edit: Outcome
    view: Outcome
    none: Outcome
    of: str = CONTACT
    body: Any = None
    shows: str = ""
    but: Mapping[str, Outcome] = field(default_factory=dict)
    channel: Mapping[str, Outcome] = field(default_factory=lambda: {USUAL: 403})

    @property
    def route(self) -> str:
        """Return the method and the path of the OpenAPI document."""
        route = self.request.partition("?")[0]
        if not route.startswith("GET /oauth2/"):
            route = route.replace(" /", f" {PREFIX}/")
        for name, documented in DOCUMENTED_AS.items():
            route = route.replace(name, documented)
        return route


def shown(request: str, id_: str, *, of: str = CONTACT) -> Row:
    """Return the row of a list, which shows the id to those who may view it."""
    return Row(request, SHOWN, SHOWN, HIDDEN, of=of, shows=id_)


def read(request: str) -> Row:
    return Row(request, 200, 200, 404)


def write(request: str, body: Any = None, *, status: int = 200, **more: Any) -> Row:
    return Row(request, status, 403, 404, body=body, **more)


URL = "https://shop.example/rights"
NOTE = {"note_type": "common", "params": {"text": "A note"}}
LINK = {"url": URL, "metadata": {"entity_type": "contacts", "entity_id": "$entity_id"}}
THEIRS = {"source": SOURCE, "external_id": "$external_id"}
CALLERS_CHAT = {"source": SOURCE, "external_id": MINE}
NEW_CHAT = {"source": SOURCE, "external_id": "new"}
HOOK = {"destination": "https://shop.example/hook"}
REVIEW = {"review": "rejected"}
PIXEL = "/contacts/{entity_id}/pixels/{pixel_id}"
REPORTED = {USUAL: 200, "deleted": 400, "foreign": 400}
OTHERS_PIXEL = "/contacts/{own_id}/pixels/{pixel_id}"

ROWS = (
    shown("GET /short_links", "link_id"),
    shown("GET /short_links?filter[entity_id]={entity_id}", "link_id"),
    Row("POST /short_links", SHOWN, SHOWN, HIDDEN, body=[LINK], shows="entity_id"),
    read("GET /short_links/{link_id}"),
    write("PATCH /short_links/{link_id}", {"is_disabled": True}),
    shown("GET /contacts", "root_id"),
    read("GET /contacts/{entity_id}"),
    Row("POST /contacts", 200, 200, 403, of=ADD, body=[{"name": "New"}]),
    Row("PATCH /contacts", 200, 403, 400, body=[{"id": "$entity_id", "name": "New"}]),
    write("PATCH /contacts/{entity_id}", {"name": "New"}),
    shown("GET /contacts/{entity_id}/visits", "visit_id"),
    shown("GET /contacts/{entity_id}/consents", "consent_id"),
    Row("GET /contacts/{entity_id}/personal_data", 200, 404, 403, of=PERSON),
    Row("DELETE /contacts/{entity_id}/personal_data", 202, 404, 403, of=PERSON),
    Row("GET /erasures/{erasure_id}", 200, 200, 403, of=ADMINISTRATOR),
    shown("GET /contacts/notes", "note_id"),
    shown("GET /contacts/notes?filter[entity_id]={entity_id}", "note_id"),
    Row(
        *("POST /contacts/notes", 200, 200, 400),
        body=[{"entity_id": "$entity_id", **NOTE}],
    ),
    read("GET /contacts/notes/{note_id}"),
    shown("GET /contacts/{entity_id}/notes", "note_id"),
    Row("POST /contacts/{entity_id}/notes", 200, 200, 404, body=[NOTE]),
    read("GET /contacts/{entity_id}/notes/{note_id}"),
    Row("GET /contacts/{own_id}/notes/{note_id}", 404, 404, 404, of=OWN_PATH),
    shown("GET /events", "note_id"),
    shown("GET /events?filter[entity_id]={entity_id}", "note_id"),
    read("GET /events/{event_id}"),
    shown("GET /contacts/{entity_id}/pixels", "pixel_id"),
    write(f"PATCH {PIXEL}", REVIEW),
    write(f"DELETE {PIXEL}", status=204),
    Row(f"PATCH {OTHERS_PIXEL}", 404, 403, 404, of=OWN_PATH, body=REVIEW),
    Row(f"DELETE {OTHERS_PIXEL}", 404, 403, 404, of=OWN_PATH),
    Row("POST /pixels/exchange", 200, 200, 200, of=ANYONE, body={"user_agent": "Any"}),
    shown("GET /chats", "chat_id"),
    shown("GET /chats?filter[entity_id]={entity_id}", "chat_id"),
    read("GET /chats/{chat_id}"),
    # Ids of chats are the channel's: the same one is free in another account.
    Row(
        *("POST /chats", 200, 403, 409),
        body=THEIRS,
        but={"foreign": 200},
        channel={USUAL: 200, "deleted": 409},
    ),
    Row(
        *("POST /chats", 200, 200, 400),
        body={**NEW_CHAT, "entity_id": "$entity_id"},
        channel=REPORTED,
    ),
    # To name the contact of an anonymous chat merges the two.
    Row(
        *("POST /chats", 200, 403, 400),
        body={**CALLERS_CHAT, "entity_id": "$entity_id"},
        channel=REPORTED,
    ),
    # The browser of a contact joins the chat, or is only suggested to others.
    Row(
        *("POST /chats", "merged", "suggested", "suggested"),
        body={**CALLERS_CHAT, "visitor_uid": "$visitor_uid"},
        shows=DECISION,
        but=dict.fromkeys(("anonymous", "deleted", "foreign"), "none"),
        channel={
            USUAL: "merged",
            **dict.fromkeys(("anonymous", "deleted", "foreign"), "none"),
        },
    ),
    write(
        *("POST /chats/{chat_id}/visitor", {"visitor_uid": "$visitor_uid"}),
        channel={USUAL: 200, "deleted": 404, "foreign": 404},
    ),
    Row(
        *("POST /contacts/merge", 200, 403, 400),
        of=PAIR,
        body={"contacts": ["$own_id", "$entity_id"]},
    ),
    Row(
        *("POST /contacts/merge", 200, 403, 400),
        of=PAIR,
        body={"contacts": ["$entity_id", "$own_id"]},
    ),
    shown("GET /merges", "merge_id"),
    shown("GET /merges", "undone_merge_id", of=PAIR),
    read("GET /merges/{merge_id}"),
    Row("GET /merges/{undone_merge_id}", 200, 200, 404, of=PAIR),
    write("POST /merges/{merge_id}/undo"),
    write("POST /merges/{undone_merge_id}/undo", status=409, of=PAIR),
    shown("GET /merge_suggestions", "suggestion_id", of=SUGGESTION),
    Row("GET /merge_suggestions/{suggestion_id}", 200, 200, 404, of=SUGGESTION),
    write("POST /merge_suggestions/{suggestion_id}/accept", of=SUGGESTION),
    write("POST /merge_suggestions/{suggestion_id}/reject", of=SUGGESTION),
    Row("GET /account", 200, 200, 200, of=ANYONE, channel={USUAL: 200}),
    Row(
        *("GET /oauth2/account/subdomain", 200, 200, 200),
        of=ANYONE,
        channel={USUAL: 200},
    ),
    Row("GET /users", 200, 200, 403, of=ADMINISTRATOR),
    Row("GET /users/{user_id}", 200, 200, 403, of=ADMINISTRATOR),
    Row("GET /webhooks", 204, 204, 403, of=ADMINISTRATOR),
    Row(
        *("POST /webhooks", 201, 201, 403),
        of=ADMINISTRATOR,
        body={**HOOK, "settings": ["note_contact"]},
    ),
    Row("DELETE /webhooks", 404, 404, 403, of=ADMINISTRATOR, body=HOOK),
)
# Routes that need no token.
PUBLIC = {
    "POST /oauth2/access_token",
    "POST /oauth2/revoke",
    "GET /oauth2/account/current/subdomain",
    "GET /api/v4/openapi.json",
    "GET /healthz",
    "GET /readyz",
}
