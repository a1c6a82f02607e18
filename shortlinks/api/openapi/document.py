"""The whole document, composed from the operations of all subjects."""

from collections.abc import Sequence
from dataclasses import replace

from shortlinks.api.openapi import (
    accounts,
    chats,
    contacts,
    merges,
    notes,
    personal_data,
    pixels,
    problems,
    service,
    short_links,
    webhooks,
)
from shortlinks.api.openapi.operations import Operation
from shortlinks.api.openapi.schemas import COMPONENTS, Json

SUBJECTS = (
    short_links,
    contacts,
    notes,
    pixels,
    chats,
    merges,
    personal_data,
    webhooks,
    accounts,
    service,
)
# Each change of this version has a section in docs/api-changelog.md.
VERSION = "4.1"
DESCRIPTION = """\
Personal short links for the contacts of a CRM: amoCRM's `POST /api/v4/short_links` and
the endpoints around it that clients call.

No route has a trailing slash. `Accept` is ignored. `HEAD` works wherever `GET` does.
An empty list is 204 without a body. Times are Unix seconds. Ignore keys that you do not
know, because new keys may be added to responses. Every response has an `X-Request-Id`.
Include it when you report an error."""
TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Create a token in the admin, with `manage.py issue_token`, or with"
    " `/oauth2/access_token`. A token has the permissions of its user and a list of"
    " scopes. Each operation names the scope that it needs.",
}


def operations() -> Sequence[Operation]:
    return [
        replace(each, tag=each.tag or subject.TAG)
        for subject in SUBJECTS
        for each in subject.OPERATIONS
    ]


def document() -> Json:
    paths: dict[str, Json] = {}
    for each in operations():
        paths.setdefault(each.path, {})[each.method.lower()] = each.to_openapi()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "shortlinks",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(e.tag for e in operations())],
        "paths": paths,
        "components": {
            "schemas": COMPONENTS,
            "responses": problems.responses(),
            "securitySchemes": {"token": TOKEN},
        },
    }
