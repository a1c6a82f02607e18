from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from shortlinks.admin import (
    dashboard,
    exports,
    import_upload,
    onboarding,
    short_link_tools,
    staff_invitations,
)
from shortlinks.admin.sign_in import password_page, sign_in_again
from shortlinks.api import health, problems
from shortlinks.api.documentation import Docs
from shortlinks.api.oauth import (
    AccessToken,
    AccountDomain,
    CurrentAccountDomain,
    TokenRevocation,
)

to_admin = RedirectView.as_view(pattern_name="admin:index")

urlpatterns = [
    path("", to_admin),
    path("admin", to_admin),
    path("api/v4/", include("shortlinks.api.urls")),
    path("api/docs", Docs.as_view()),
    path("oauth2/access_token", AccessToken.as_view()),
    path("oauth2/revoke", TokenRevocation.as_view()),
    path("oauth2/account/subdomain", AccountDomain.as_view()),
    path("oauth2/account/current/subdomain", CurrentAccountDomain.as_view()),
    path(
        "admin/opened-today/",
        admin.site.admin_view(dashboard.opened_today, cacheable=True),
        name="admin_opened_today",
    ),
    path(
        "admin/onboarding/",
        admin.site.admin_view(onboarding.steps, cacheable=True),
        name="admin_onboarding",
    ),
    path(
        "admin/onboarding/dismiss/",
        admin.site.admin_view(onboarding.dismiss),
        name="admin_onboarding_dismiss",
    ),
    path(
        "admin/onboarding/account/",
        admin.site.admin_view(onboarding.begin),
        name="admin_first_account",
    ),
    path(
        "admin/onboarding/link/",
        admin.site.admin_view(short_link_tools.first_link),
        name="admin_first_link",
    ),
    path(
        "admin/statistics/<str:name>",
        admin.site.admin_view(exports.download),
        name="admin_statistics",
    ),
    path(
        "admin/link-lookup/",
        admin.site.admin_view(short_link_tools.lookup_link),
        name="admin_link_lookup",
    ),
    path(
        "admin/import/",
        admin.site.admin_view(import_upload.upload_contacts),
        name="admin_import_contacts",
    ),
    path(
        "admin/import-users/",
        admin.site.admin_view(import_upload.upload_users),
        name="admin_import_users",
    ),
    path(
        "admin/staff/",
        admin.site.admin_view(staff_invitations.invite),
        name="admin_staff",
    ),
    path("admin/login/", password_page.sign_in, name="account_login"),
    path("admin/continue/", sign_in_again.send_kept, name="admin_continue"),
    path("admin/account/", include("shortlinks.admin.sign_in.urls")),
    path(
        "admin/password_change/",
        RedirectView.as_view(pattern_name="account_change_password"),
    ),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error
