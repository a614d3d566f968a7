"""Django's settings: one flat file, the same for development and production.

What differs between machines comes from mailservices/config.py. RFC and product rules live elsewhere.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from mailservices import config, log
from mailservices.mail import passwords

CONFIG = config.load()
ROOT = Path(__file__).resolve().parent
VERSION = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT.parent / "CHANGELOG.md").read_text(), re.MULTILINE)[1]  # type: ignore[index]

SECRET_KEY = CONFIG.secret_key
DEBUG = False
ALLOWED_HOSTS = list(CONFIG.web_hosts)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in CONFIG.web_hosts if CONFIG.web_https]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "webadmin.directory",
    "webadmin.mailstore",
    "webadmin.queue",
    "webadmin.trace",
    "webadmin.audit",
    "webadmin.signing",
    "webadmin.policy",
    "webadmin.certificates",
    "webadmin.webhooks",
    "webadmin.reports",
    "webadmin.jobs",
    "webadmin.records",
    "webadmin.security",
    "webadmin.own",
    "webadmin.privacy",
    "webadmin.dashboard",
]

MIDDLEWARE = [
    "webadmin.forwarded.Client",
    "webadmin.records.well_known.policies",
    "webadmin.own.well_known.mail_programs",
    "webadmin.privacy.well_known.keys",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "webadmin.manners.PaceTold",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "webadmin.access.SignInFirst",
    "webadmin.access.Gate",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "webadmin.urls"
WSGI_APPLICATION = "webadmin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webadmin.dashboard.context.page",
            ],
            "builtins": [f"django.templatetags.{name}" for name in ("i18n", "l10n", "static")],
        },
    }
]

#: Connections of one process, and seconds that a request waits for one. One that cannot be made is given up soon:
#: while it is tried again, ever more seldom, the pool begins no other, though the database may be back.
POOL = {"min_size": 0, "max_size": 8, "timeout": 5, "reconnect_timeout": 1}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": CONFIG.database.host,
        "PORT": CONFIG.database.port,
        "USER": CONFIG.database.user,
        "NAME": CONFIG.database.name,
        "PASSWORD": CONFIG.database.password,
        # A cut network must not hang a page: design.md, trap "tcp_user_timeout".
        "OPTIONS": {"connect_timeout": 5, "tcp_user_timeout": 10_000, "pool": POOL},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CONFIG.redis_url,
        "OPTIONS": {"socket_connect_timeout": 3, "socket_timeout": 3},
    }
}

AUTH_USER_MODEL = "directory.Administrator"
AUTHENTICATION_BACKENDS = ["webadmin.identity.People"]
PASSWORD_HASHERS = ["webadmin.hashers.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "address", "display_name"]},
    },
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"

# Signing in (allauth; what is ours about it is in identity.py).
ACCOUNT_ADAPTER = "webadmin.identity.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = False
# Passwords are limited as the mail servers' are; codes of second factors by allauth.
ACCOUNT_RATE_LIMITS = {"login": None}
ACCOUNT_USER_DISPLAY = str
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
MFA_ADAPTER = "webadmin.identity.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not CONFIG.web_https
SOCIALACCOUNT_ADAPTER = "webadmin.identity.ProviderAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "provider",
                "name": CONFIG.oidc.name,
                "client_id": CONFIG.oidc.client_id,
                "secret": CONFIG.oidc.client_secret,
                "settings": {"server_url": CONFIG.oidc.issuer},
            }
        ]
        if CONFIG.oidc
        else [],
    }
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.web_https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIG.web_https else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if CONFIG.web_https else 0
X_FRAME_OPTIONS = "DENY"


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # Signing in by an identity provider is a form that leads there.
        "form-action": [SELF, *([_origin(CONFIG.oidc.issuer)] if CONFIG.oidc else [])],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
# Served from where they lie, nothing is to be collected. Pages name them with the version: browsers may keep them.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 7 * 24 * 3600

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING_CONFIG = None
log.set_up("web", CONFIG.log_level)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "webadmin.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["webadmin.access.Permitted"],
    "DEFAULT_FILTER_BACKENDS": ["webadmin.access.WithinReach"],
    "DEFAULT_RENDERER_CLASSES": ["webadmin.manners.Json"],
    "DEFAULT_THROTTLE_CLASSES": ["webadmin.manners.Pace"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "webadmin.api.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "webadmin.api.problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Facteur",
    "DESCRIPTION": "Everything that the pages do. Lists are paged by cursor; any GET may name the wanted fields, "
    "with commas between them: `?fields=id,name`. Answers say how fast one may ask (RateLimit).",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webadmin.schema.tell_manners",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    # Some hundred operations are slow to draw, and slow to find one's way in.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none", "defaultModelsExpandDepth": 0},
}

PASSWORD_LIMIT = passwords.OCTETS
#: Octets of one request to the API: ten thousand accounts with their hashes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20
