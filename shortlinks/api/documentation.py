"""The API's documentation: `/api/v4/openapi.json`, and `/api/docs` for people."""

import hashlib
from functools import cache

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from shortlinks.api.openapi.document import document
from shortlinks.api.views import PublicView


class OpenApi(PublicView):
    """The document. It is public and the same for all, so any cache may keep it."""

    def get(self, request: Request) -> HttpResponse:
        content, etag = _published()
        headers = {"ETag": etag, "Cache-Control": "public, max-age=300"}
        response = HttpResponse(
            content, content_type="application/json", headers=headers
        )
        return _not_modified_or(request._request, response, etag)


class Docs(PublicView):
    def get(self, request: Request) -> HttpResponse:
        return render(request._request, "shortlinks/api_docs.html")


@cache
def _published() -> tuple[bytes, str]:
    content = msgspec.json.encode(document())
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _not_modified_or(
    request: HttpRequest, response: HttpResponse, etag: str
) -> HttpResponse:
    """Return 304 if the client's copy is current, or else the response."""
    not_modified = get_conditional_response(request, etag=etag, response=response)
    return not_modified or response
