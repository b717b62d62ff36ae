"""Django's settings. What differs from one machine to the next comes from portal.environment."""

from __future__ import annotations

import logging
import os

from django.utils.csp import CSP
from django.utils.module_loading import import_string
from whitenoise.compress import Compressor

from portal import (
    database_time,
    environment,
    environment_checks,
    logs,
    mail_settings,
    metrics_settings,
    oidc_settings,
    secret_files,
    statement_limits,
)
from portal.embedded_postgres import CHECKOUT
from portal.languages import languages

PRODUCTION = environment.mode() is environment.Mode.PRODUCTION
environment_checks.check_environment(
    import_string("scopes.sources.registry.troubles"),
    import_string("scopes.sources.registry.addresses"),
    import_string("scopes.roles.ROLES"),
    secret_files.fill_in(os.environ, import_string("scopes.sources.registry.is_secret")),
)

DEBUG = environment.debug()
SECRET_KEY = environment.secret_key()
SECRET_KEY_FALLBACKS = environment.secret_key_fallbacks()
ALLOWED_HOSTS = environment.hosts()
CSRF_TRUSTED_ORIGINS = environment.trusted_origins()
# Whether the sandbox may be run and talked to. Not to be set from outside.
SANDBOX_ALLOWED = not PRODUCTION
# How people know the application that they connect their providers to.
PORTAL_URL = environment.public_url()
PORTAL_HOST_NAME = environment.host_name()
# How many links one person is sent within 30 days, across integrations; a lead may override it.
PORTAL_HOST_URL = environment.host_url()
PORTAL_LINKS_A_MONTH = environment.links_a_month()
# Without a sender no mails are sent.
MAILERS = mail_settings.mailers()
MAIL_SERVICE = mail_settings.mail_service()
MAIL_FROM = DEFAULT_FROM_EMAIL = mail_settings.mail_from()
MAIL_REPLY_TO = mail_settings.reply_to()
ANYMAIL = mail_settings.anymail()
PORTAL_REMINDERS = environment.reminders()
PORTAL_REMINDER_DAYS = environment.reminder_days()
EVENTS_TO_LOOPBACK = environment.events_to_loopback()
# Without a token there are no metrics; a worker has an address of its own for them.
PORTAL_METRICS_TOKEN = metrics_settings.metrics_token()
PORTAL_WORKER_METRICS = metrics_settings.worker_metrics()
WEBHOOK_STALE_SECONDS = environment.webhook_stale_seconds()
# The sources set no limit of their own.
WEBHOOK_LARGEST_MEGABYTES = environment.largest_webhook()

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
INSTALLED_APPS = [
    "portal",  # first, so that its commands come before Django's
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_structlog",
    "procrastinate.contrib.django",
    "ninja",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "scopes",
]
if not PRODUCTION:
    INSTALLED_APPS += ["django_linear_migrations", "django_migration_linter"]
MIDDLEWARE = [
    "portal.request_ids.RequestIds",
    "scopes.views.health.probes",
    "django.middleware.security.SecurityMiddleware",
    "portal.compression.Compression",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "portal.request_checks.RequestChecks",
    "portal.statement_limits.StatementLimits",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.logs.RequestLog",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.database_outage.DatabaseOutage",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [CHECKOUT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"desk": "scopes.admin.tags"},
        },
    }
]

DATABASES = {"default": environment.database() | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
STATEMENT_SECONDS = environment.statement_seconds()
statement_limits.watch_connections()
database_time.watch_connections()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The queue finds the bodies of its jobs here, when it is first asked.
PROCRASTINATE_IMPORT_PATHS = ["scopes.jobs"]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""

LANGUAGE_CODE = "en"
# A catalogue in locale/ makes a language.
LOCALE_PATHS = [CHECKOUT / "locale"]
LANGUAGES = languages(LOCALE_PATHS)
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [CHECKOUT / "static"]
STATIC_ROOT = CHECKOUT / "staticfiles" if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
# Compressing those of Swagger and ReDoc takes half a minute, and nobody downloads them but a developer of theirs.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
_STATIC_STORAGE = (
    "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if PRODUCTION
    else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nobody uploads files to keep
    "staticfiles": {"BACKEND": _STATIC_STORAGE},
}

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
PASSWORD_RESET_TIMEOUT = 60 * 60

# Limits of second factors, and codes that were used, are kept in the cache: all processes must share it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "scopes_cachedvalue",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
# Who must have a second factor: names of roles, "administrator" for superusers, or "all".
PORTAL_SECOND_FACTOR = environment.second_factor()
PORTAL_OPENING_REASON_MINUTES = environment.opening_reason_minutes()
ACCOUNT_ADAPTER = "scopes.admin.second_factor.Accounts"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login_failed": "30/15m/ip,5/15m/key"}
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_SIGNUP_ENABLED = False
# Agents sign in here alone where there is no issuer.
OIDC_ISSUER = oidc_settings.issuer()
OIDC_NAME = oidc_settings.name()
OIDC_GROUPS_CLAIM = oidc_settings.groups_claim()
OIDC_ROLES = oidc_settings.roles()
SOCIALACCOUNT_PROVIDERS = oidc_settings.providers()
SOCIALACCOUNT_ADAPTER = "scopes.admin.single_sign_on.Company"
MFA_ADAPTER = "scopes.admin.second_factor.Factors"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1

# Cookies ignore the port, so other programs on this host (the sandbox) must not share our names.
_COOKIE_PREFIX = "__Host-portal" if PRODUCTION else "portal"
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}_session"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}_csrf"
# Kept by a person's browser from the press of a link's button until its consent returns.
CONSENT_COOKIE_NAME = f"{_COOKIE_PREFIX}_consent"
# Kept by a person's browser who switched the language of a link's pages; it is for them alone.
LANGUAGE_COOKIE_NAME = f"{'__Secure-' if PRODUCTION else ''}portal_language"
# Kept by an agent's browser for the page of a link that it made, which alone reads it; so it can't be a `__Host-` one.
LINK_ADDRESS_COOKIE_NAME = f"{'__Secure-' if PRODUCTION else ''}portal_link_address"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONSENT_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_AGE = 12 * 60 * 60
# How many proxies stand in front of us; sign-in is throttled by the address that the outermost one saw.
PROXIES = environment.proxies()

# Behind a proxy, gunicorn learns of https by X-Forwarded-Proto from the addresses in FORWARDED_ALLOW_IPS.
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
# Whether the host's other names are reached by https only is not ours to say. It may run without a mailer.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", "mail.W001"]
# Not "no-referrer": a form would then be sent with `Origin: null`, and refused as forged.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

LOGGING = logs.configuration(machine_readable=PRODUCTION)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # the one that portal.request_ids chose
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line a request, the one that knows how it ended
