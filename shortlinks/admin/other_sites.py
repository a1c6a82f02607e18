"""Ways from a page of the admin to another site."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def leave(request: HttpRequest, url: str) -> HttpResponse:
    """Open the URL by a page, instead of a redirect.

    The request may follow a form. The content security policy forbids its redirect to
    another site, but not what the next page opens.
    """
    response = render(request, "shortlinks/other_site.html", {"url": url})
    response.headers["Refresh"] = f"0; url={url}"
    response.headers["Cache-Control"] = "no-store"
    return response
