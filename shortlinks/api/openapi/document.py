"""The whole document, put together from the operations of all subjects."""

from collections.abc import Sequence

from shortlinks.api.openapi import (
    accounts,
    chats,
    contacts,
    merges,
    notes,
    pixels,
    problems,
    service,
    short_links,
    webhooks,
)
from shortlinks.api.openapi.operations import Operation
from shortlinks.api.openapi.schemas import Components, Json

SUBJECTS = (
    short_links,
    contacts,
    notes,
    pixels,
    chats,
    merges,
    webhooks,
    accounts,
    service,
)
DESCRIPTION = """\
Personal short links for the contacts of a CRM: amoCRM's `POST /api/v4/short_links` and
the neighbours that clients call.

No route has a trailing slash, `Accept` is ignored, and `HEAD` answers wherever `GET`
does. Lists are 204 without a body when they are empty. Times are Unix seconds. New keys
may come into answers: pass over those you do not know. Every answer has an
`X-Request-Id`: name it when you ask what went wrong."""


def operations() -> Sequence[Operation]:
    return [each for subject in SUBJECTS for each in subject.OPERATIONS]


def document() -> Json:
    components: Components = {}
    paths: dict[str, Json] = {}
    for each in operations():
        paths.setdefault(each.path, {})[each.method.lower()] = each.rendered(components)
    responses = problems.responses(components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "shortlinks",
            "version": "4",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(e.tag for e in operations())],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": responses,
            "securitySchemes": {"token": TOKEN},
        },
    }


TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Of `manage.py issue_token`, the admin, or `/oauth2/access_token`."
    " A token has its user's rights, and the scopes that an operation names.",
}
