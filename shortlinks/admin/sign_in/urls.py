"""The pages of allauth that we use. Others, such as sign-up, do not exist."""

from allauth.account import views as account
from allauth.socialaccount import views as social
from django.urls import include, path, re_path

from shortlinks.admin.sign_in import own_access, provider_pages

urlpatterns = [
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("again/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path(
        "password/forgotten/", own_access.password_reset, name="account_reset_password"
    ),
    path(
        "password/sent/",
        account.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/link/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("second-factor/", include("allauth.mfa.urls")),
    path("sessions/", own_access.sessions, name="usersessions_list"),
    path("sessions/token/", own_access.revoke_token, name="admin_revoke_own_token"),
    path("cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("error/", social.login_error, name="socialaccount_login_error"),
    path(
        "oidc/<slug:provider_id>/login/",
        provider_pages.login,
        name="openid_connect_login",
    ),
    path(
        "oidc/<slug:provider_id>/login/callback/",
        provider_pages.callback,
        name="openid_connect_callback",
    ),
]
