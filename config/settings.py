"""All settings, read from the environment; `.env.example` lists them."""

from pathlib import Path

import django_stubs_ext

from config import env, identity_providers, logs, production_checks
from deploy import keys

django_stubs_ext.monkeypatch()  # allows ModelAdmin[X] at run time

BASE_DIR = Path(__file__).resolve().parent.parent

# --- addresses and secrets --------------------------------------------------
# A process reads only the secrets of its role. The others do not exist in it, so code
# that needs one fails. Commands, which have no role, read all.
ROLE = env.choice("ROLE", ["", *keys.USED_BY])
SECRETS = keys.USED_BY.get(ROLE, keys.SERVICE)
DEBUG = env.flag("DEBUG", default=False)
if "SECRET_KEY" in SECRETS:
    SECRET_KEY = env.secret("SECRET_KEY", minimum=50)
    SECRET_KEY_FALLBACKS = env.list_("SECRET_KEY_FALLBACKS")
BASE_URL = env.http_url("BASE_URL", "http://127.0.0.1:8000")
SHORT_BASE_URL = env.http_url("SHORT_BASE_URL", "http://127.0.0.1:8001")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", [env.host(BASE_URL)])
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
HTTPS = BASE_URL.startswith("https:")
production_checks.check(base_url=BASE_URL, debug=DEBUG, allowed_hosts=ALLOWED_HOSTS)

# --- keys, the newest first -------------------------------------------------
if "TOKEN_KEYS" in SECRETS:
    TOKEN_KEYS = env.keyring("TOKEN_KEYS")
if "PIXEL_KEYS" in SECRETS:
    PIXEL_KEYS = env.keyring("PIXEL_KEYS")
if "WEBHOOK_KEYS" in SECRETS:
    WEBHOOK_KEYS = env.keyring("WEBHOOK_KEYS")
if "VISITOR_UID_KEY" in SECRETS:
    VISITOR_UID_KEY = env.secret("VISITOR_UID_KEY", minimum=32).encode()

# --- links and visits -------------------------------------------------------
ALLOW_PRIVATE_TARGETS = env.flag("ALLOW_PRIVATE_TARGETS", default=False)
EXTRA_SHORT_HOSTS = env.hosts("EXTRA_SHORT_HOSTS")
DEMO_SITE_URL = env.http_url("DEMO_SITE_URL", "")
DNS_NAMESERVERS = env.nameservers("DNS_NAMESERVERS")
LINK_CACHE_MAX_LINKS = int(
    env.number("LINK_CACHE_MAX_LINKS", 200_000, minimum=1_000, maximum=5e6)
)
LINK_CACHE_TTL_SECONDS = env.number(
    "LINK_CACHE_TTL_SECONDS", 30, minimum=1, maximum=300
)
VISIT_COMMIT_TIMEOUT_SECONDS = env.number(
    "VISIT_COMMIT_TIMEOUT_SECONDS", 0.7, minimum=0.1, maximum=10
)
VISIT_DETAILS_RETENTION_DAYS = int(
    env.number("VISIT_DETAILS_RETENTION_DAYS", 90, minimum=0, maximum=36_500)
)
VISIT_PROCESSING_DELAY_SECONDS = env.number(
    "VISIT_PROCESSING_DELAY_SECONDS", 1.0, minimum=0, maximum=30
)
# In 10 minutes, for each redirect process; 0 means no limit.
MAX_VISITS_PER_LINK_AND_ADDRESS = int(
    env.number("MAX_VISITS_PER_LINK_AND_ADDRESS", 100, minimum=0, maximum=1e6)
)
SUSPECT_POLICY = env.choice("SUSPECT_POLICY", ["hold", "note", "ignore"])
BOT_NETWORKS_PATH = env.bot_networks("BOT_NETWORKS_PATH")
ASN_DATABASE_PATH = env.database_file("ASN_DATABASE_PATH")
REFRESH_PUBLISHED_NETWORKS = env.flag("REFRESH_PUBLISHED_NETWORKS", default=False)
SPOOL_DIR = Path(env.text("SPOOL_DIR", str(BASE_DIR / "var" / "spool")))
SPOOL_MAX_BYTES = (
    int(env.number("SPOOL_MAX_MB", 1024, minimum=1, maximum=1e6)) * 1024**2
)
# Requests a second; 0 means no limit.
API_RATE_LIMIT_PER_TOKEN = int(
    env.number("API_RATE_LIMIT_PER_TOKEN", 50, minimum=0, maximum=100_000)
)
API_RATE_LIMIT_PER_ACCOUNT = int(
    env.number("API_RATE_LIMIT_PER_ACCOUNT", 200, minimum=0, maximum=100_000)
)
# For each account; 0 means no limit.
MAX_CONTACTS_PER_ACCOUNT = int(
    env.number("MAX_CONTACTS_PER_ACCOUNT", 2_000_000, minimum=0, maximum=1e12)
)
MAX_LINKS_PER_ACCOUNT = int(
    env.number("MAX_LINKS_PER_ACCOUNT", 20_000_000, minimum=0, maximum=1e12)
)
MAX_UNFINISHED_IMPORTS_PER_ACCOUNT = int(
    env.number("MAX_UNFINISHED_IMPORTS_PER_ACCOUNT", 20, minimum=0, maximum=10_000)
)
MAX_WEBHOOKS_PER_ACCOUNT = int(
    env.number("MAX_WEBHOOKS_PER_ACCOUNT", 100, minimum=0, maximum=10_000)
)
API_MAX_BODY_BYTES = 4 * 1024 * 1024

# --- webhooks ---------------------------------------------------------------
WEBHOOK_ALLOW_PRIVATE_TARGETS = env.flag("WEBHOOK_ALLOW_PRIVATE_TARGETS", default=False)
WEBHOOK_PROXY = env.http_url("WEBHOOK_PROXY", "")

# --- e-mail -----------------------------------------------------------------
_EMAIL = env.email("EMAIL_URL")
EMAIL_BACKEND = _EMAIL["BACKEND"]
EMAIL_FILE_PATH = _EMAIL.get("FILE_PATH")
EMAIL_HOST = _EMAIL.get("HOST", "")
EMAIL_PORT = _EMAIL.get("PORT", 25)
EMAIL_HOST_USER = _EMAIL.get("HOST_USER", "")
EMAIL_HOST_PASSWORD = _EMAIL.get("HOST_PASSWORD", "")
EMAIL_USE_TLS = _EMAIL.get("USE_TLS", False)
EMAIL_USE_SSL = _EMAIL.get("USE_SSL", False)
EMAIL_TIMEOUT = 5  # seconds; the worker that sends e-mails also writes notes
DEFAULT_FROM_EMAIL = env.sender("EMAIL_FROM", f"shortlinks@{env.host(BASE_URL)}")

# --- stores -----------------------------------------------------------------
# 0 means no limit, for commands and migrations. Servers and workers have a limit.
DATABASE_STATEMENT_TIMEOUT_SECONDS = env.number(
    "DATABASE_STATEMENT_TIMEOUT_SECONDS", 0, minimum=0, maximum=3600
)
_DATABASE = env.database("DATABASE_URL", password=env.text("DATABASE_PASSWORD", ""))
DATABASE_PARAMETERS = _DATABASE["OPTIONS"]  # from the URL, such as sslmode
DATABASES = {
    "default": _DATABASE
    | {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 2,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 5000,
            # A standby counts as unavailable, instead of failing at the first write.
            "target_session_attrs": "read-write",
            # Plan prepared statements once. Otherwise Postgres plans larger ones for
            # each request, which takes several times as long as running them.
            "options": "-c plan_cache_mode=force_generic_plan"
            f" -c statement_timeout={int(DATABASE_STATEMENT_TIMEOUT_SECONDS * 1000)}"
            " -c idle_in_transaction_session_timeout=15000",
            **DATABASE_PARAMETERS,
        },
    }
}
REDIS_URL = env.redis_url("REDIS_URL", password=env.text("REDIS_PASSWORD", ""))
REDIS_KEY_PREFIX = env.text("REDIS_KEY_PREFIX", "sl:")

# --- observability ----------------------------------------------------------
METRICS_DIR = Path(env.text("METRICS_DIR", str(BASE_DIR / "var" / "metrics")))
METRICS_HOST = env.bind_address("METRICS_HOST")
METRICS_PORT = int(env.number("METRICS_PORT", 9464, minimum=1, maximum=65535))
HEALTH_HOST = env.bind_address("HEALTH_HOST")
HEALTH_PORT = int(env.number("HEALTH_PORT", 0, minimum=0, maximum=65535))  # 0: off
SENTRY_DSN = env.sentry_dsn("SENTRY_DSN")
OTLP_ENDPOINT = env.endpoint("OTEL_EXPORTER_OTLP_ENDPOINT")
LOG_FORMAT = env.choice("LOG_FORMAT", logs.FORMATS)

# --- Django -----------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",  # before the admin, to replace its templates
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",  # for templates of allauth
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular_sidecar",  # the files of Swagger UI
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "shortlinks",
]
MIDDLEWARE = [
    "shortlinks.api.csp.ContentSecurityPolicyMiddleware",
    "shortlinks.api.instrumentation.RequestMetricsMiddleware",
    "shortlinks.api.path_middleware.ApiPathMiddleware",
    "shortlinks.api.proxy_headers.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "shortlinks.admin.nul_middleware.NulMiddleware",
    "shortlinks.admin.browser_middleware.AdminSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "shortlinks.admin.browser_middleware.AdminCsrfMiddleware",
    "shortlinks.admin.browser_middleware.AdminUserMiddleware",
    "shortlinks.admin.browser_middleware.AdminMessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "shortlinks.admin.sign_in.sign_in_again.SignInAgainMiddleware",
    "shortlinks.admin.sign_in.second_factor.SecondFactorMiddleware",
    "shortlinks.api.unavailable_page.UnavailableMiddleware",
    "shortlinks.admin.sign_in.session_limits.SessionLimitsMiddleware",
    "shortlinks.admin.localization.LocalizationMiddleware",
    "shortlinks.admin.staff_middleware.StaffCookieMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the templates of unfold, which they extend or replace.
        "DIRS": [BASE_DIR / "shortlinks" / "overrides"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shortlinks.admin.sign_in.context.entrance",
            ]
        },
    }
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "shortlinks.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
_DATA = BASE_DIR / "shortlinks" / "domain" / "data"
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATION}.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {
        "NAME": f"{_VALIDATION}.CommonPasswordValidator",
        "OPTIONS": {"password_list_path": _DATA / "leaked_passwords.txt.gz"},
    },
    {"NAME": "shortlinks.domain.auth.password_strength.GuessablePasswordValidator"},
]
PASSWORD_HASHERS = ["shortlinks.domain.auth.password_hashing.LimitedPasswordHasher"]
PASSWORD_RESET_TIMEOUT = 7 * 86_400  # of invitations; other links work for an hour
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
APPEND_SLASH = False
MESSAGE_STORAGE = "shortlinks.admin.encrypted_messages.EncryptedMessages"
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_BODY_BYTES
FILE_UPLOAD_HANDLERS = [
    "shortlinks.admin.upload_handler.ImportUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
# Here and not only in the app, so that our texts precede Django's. `make messages`
# keeps the catalogs.
LOCALE_PATHS = [
    BASE_DIR / "shortlinks" / "locale",
    BASE_DIR / "shortlinks" / "locale_unfold",
]
FORMAT_MODULE_PATH = ["shortlinks.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
# Before the files of unfold, which they replace.
STATICFILES_DIRS = [BASE_DIR / "shortlinks" / "overrides_static"]
STATIC_ROOT = env.text("STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None  # files are served from the packages

# Browsers accept a cookie with this prefix only from the host itself.
_OWN_HOST = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_OWN_HOST}sessionid"
CSRF_COOKIE_NAME = f"{_OWN_HOST}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
# Seconds, after the last request and after the sign-in.
SESSION_COOKIE_AGE = int(
    env.number("SESSION_IDLE_HOURS", 12, minimum=0.25, maximum=720) * 3600
)
SESSION_MAX_AGE = int(
    env.number("SESSION_MAX_DAYS", 7, minimum=0.25, maximum=90) * 86_400
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_FAILURE_VIEW = "shortlinks.admin.sign_in.sign_in_again.csrf_failure"
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # AdminCsrfMiddleware is a subclass of Django's
    "security.W008",  # the proxy redirects http to https
    "security.W021",  # only the owner of the domain may enable preloading
]

# --- sign-in ----------------------------------------------------------------
# `administrators` includes operators. Other users may have one, too.
REQUIRE_SECOND_FACTOR = env.choice(
    "REQUIRE_SECOND_FACTOR",
    ["nobody", "administrators", "everyone"],
    default="nobody" if production_checks.is_local(BASE_URL) else "administrators",
)
OIDC_PROVIDERS = identity_providers.parse(
    "OIDC_PROVIDERS", env.text("OIDC_PROVIDERS", "[]")
)
ACCOUNT_ADAPTER = "shortlinks.admin.sign_in.account_adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # administrators and providers supply it
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # and after the second factor, if there is one
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = (
    "shortlinks.domain.auth.password_links.PasswordLinkTokens"  # noqa: S105  a class
)
ACCOUNT_RATE_LIMITS = False  # `guess_limits` cannot lock out others
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900  # seconds
ACCOUNT_SESSION_REMEMBER = True  # for SESSION_IDLE_HOURS
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_ADAPTER = "shortlinks.admin.sign_in.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "shortlinks.admin.sign_in.second_factor.AuthenticateForm",
    "reauthenticate": "shortlinks.admin.sign_in.second_factor.ReauthenticateForm",
    "add_webauthn": "shortlinks.admin.sign_in.second_factor.AddPasskeyForm",
    "edit_webauthn": "shortlinks.admin.sign_in.second_factor.EditPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TRUST_ENABLED = True
MFA_TRUST_COOKIE_NAME = f"{_OWN_HOST}trusted"
MFA_TRUST_COOKIE_AGE = 30 * 86_400  # seconds
KNOWN_BROWSER_COOKIE_NAME = f"{_OWN_HOST}known"
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Over http, browsers support passkeys only for localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SOCIALACCOUNT_ADAPTER = "shortlinks.admin.sign_in.openid_connect.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"APPS": identity_providers.apps(OIDC_PROVIDERS)}
}
SOCIALACCOUNT_LOGIN_ON_GET = False  # a link of another site signs nobody in
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5  # seconds
USERSESSIONS_TRACK_ACTIVITY = False  # SessionLimitsMiddleware does it
CACHES = {"default": {"BACKEND": "shortlinks.domain.auth.used_codes.UsedCodes"}}

# --- appearance of the admin ------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "shortlinks.admin.navigation.title",
    "SITE_HEADER": "shortlinks.admin.navigation.title",
    "SITE_URL": None,
    "SITE_SYMBOL": "link",
    "SITE_FAVICONS": [{"rel": "icon", "href": "data:,"}],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "shortlinks.admin.dashboard.dashboard",
    "SIDEBAR": {"navigation": "shortlinks.admin.navigation.sections"},
    "STYLES": [
        "shortlinks.admin.navigation.colors",
        "shortlinks.admin.navigation.style",
    ],
    "SCRIPTS": [
        "shortlinks.admin.navigation.strict_policy",
        "shortlinks.admin.navigation.keyboard",
        "shortlinks.admin.navigation.accessible_names",
        "shortlinks.admin.navigation.unsaved_entries",
    ],
    # In colors.css, because the content security policy forbids inline styles.
    "COLORS": "shortlinks.admin.navigation.inline_colors",
}

# API views extend `ApiView`, which checks `api/gates.py`; others respond with 403.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
}

# --- logs, in which codes and tokens are masked -----------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {name: {"()": f} for name, f in logs.FORMATTERS.items()},
    "filters": {"one_line": {"()": logs.OneLineFilter}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}
    },
    "root": {
        "handlers": ["console"],
        "level": env.choice("LOG_LEVEL", ["INFO", "DEBUG", "WARNING", "ERROR"]),
    },
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # 4xx is an error of the client
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"filters": ["one_line"]},
        # one or two lines for each task would be too many
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # logs URLs, and those of webhooks may contain secrets
        "urllib3": {"level": "ERROR"},
    },
}
