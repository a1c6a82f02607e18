"""Navigation from a page of the admin to another site."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def leave(request: HttpRequest, url: str) -> HttpResponse:
    """Return a page that opens the URL, instead of a redirect.

    After a form was sent, the content security policy forbids a redirect to another
    site, but a page may open one.
    """
    response = render(request, "shortlinks/other_site.html", {"url": url})
    response.headers["Refresh"] = f"0; url={url}"
    response.headers["Cache-Control"] = "no-store"
    return response
