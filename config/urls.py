"""Django's doors: the API for programs, the admin for people."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from shortlinks.api import problems
from shortlinks.api.oauth import AccessToken


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


urlpatterns = [
    path("api/v4/", include("shortlinks.api.urls")),
    path("oauth2/access_token", AccessToken.as_view()),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
]
handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error
