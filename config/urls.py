"""Django's doors: the API for programs, the admin for people."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from shortlinks.admin import exports, first_steps, handmade, home, imports
from shortlinks.api import health, problems
from shortlinks.api.documentation import Docs
from shortlinks.api.oauth import AccessToken

to_admin = RedirectView.as_view(pattern_name="admin:index")

urlpatterns = [
    path("", to_admin),
    path("admin", to_admin),
    path("api/v4/", include("shortlinks.api.urls")),
    path("api/docs", Docs.as_view()),
    path("oauth2/access_token", AccessToken.as_view()),
    path(
        "admin/opened-today/",
        admin.site.admin_view(home.opened_today, cacheable=True),
        name="admin_opened_today",
    ),
    path(
        "admin/first-steps/",
        admin.site.admin_view(first_steps.steps, cacheable=True),
        name="admin_first_steps",
    ),
    path(
        "admin/first-steps/aside/",
        admin.site.admin_view(first_steps.dismiss),
        name="admin_first_steps_aside",
    ),
    path(
        "admin/first-steps/account/",
        admin.site.admin_view(first_steps.begin),
        name="admin_first_account",
    ),
    path(
        "admin/first-steps/link/",
        admin.site.admin_view(handmade.first_link),
        name="admin_first_link",
    ),
    path(
        "admin/numbers/<str:name>",
        admin.site.admin_view(exports.download),
        name="admin_numbers",
    ),
    path("admin/whose/", admin.site.admin_view(handmade.lookup_link), name="admin_whose"),
    path(
        "admin/import/",
        admin.site.admin_view(imports.contacts),
        name="admin_import_contacts",
    ),
    path(
        "admin/import-rights/",
        admin.site.admin_view(imports.permissions_upload),
        name="admin_import_rights",
    ),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error
