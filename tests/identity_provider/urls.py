from typing import Any

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_exempt

PAGE = """<!doctype html><title>Provider</title>
<form method="post"><input type="hidden" name="next" value="{}">
<label>Who are you? <input name="name"></label><button>Enter</button></form>"""


@csrf_exempt
def who(request: HttpRequest) -> HttpResponse:
    """Sign in anybody, without a secret."""
    if request.method != "POST":
        return HttpResponse(format_html(PAGE, request.GET.get("next", "/")))
    user: Any = User.objects.get_or_create(username=request.POST["name"])[0]
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(request.POST["next"])


urlpatterns = [path("who/", who), path("", include("allauth.idp.urls"))]
