"""The one settings file. What differs between installations is an environment variable (`dashboard.variables`)."""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.management.utils import get_random_secret_key

from dashboard import installation, variables

BASE_DIR = Path(__file__).resolve().parent.parent

# Where everything written goes

TAPEDECK_DATA: Path = variables.TAPEDECK_DATA.read()
installation.prepare(TAPEDECK_DATA)
SPOOL_DIR = TAPEDECK_DATA / "spool"
ARCHIVE_DIR = TAPEDECK_DATA / "archive"

# The address, and who may come

TAPEDECK_HOST = variables.TAPEDECK_HOST.read()
TAPEDECK_PORT = variables.TAPEDECK_PORT.read()
TAPEDECK_ADMIN_PASSWORD = variables.TAPEDECK_ADMIN_PASSWORD.read()
SECRET_KEY = variables.TAPEDECK_SECRET_KEY.read() or installation.secret(
    TAPEDECK_DATA, "secret_key", make=get_random_secret_key
)
TAPEDECK_WEBHOOK_SECRET = installation.secret(TAPEDECK_DATA, "webhook_secret", make=installation.new_token)
"""The unguessable part of the address that other software sends its callbacks and events to."""

# The service: a real ACS resource, or the embedded one

TAPEDECK_EMBEDDED = not (variables.ACS_ENDPOINT.is_set() or variables.ACS_CONNECTION_STRING.is_set())
LOCAL_ACS_PORT = variables.LOCAL_ACS_PORT.read()
LOCAL_ACS_RETENTION_SECONDS = variables.LOCAL_ACS_RETENTION_SECONDS.read()
LOCAL_ACS_ENDPOINT = ""
LOCAL_ACS_ACCESS_KEY = ""
LOCAL_ACS_MANAGEMENT_KEY = ""
LOCAL_ACS_EVENT_GRID_KEY = ""
if TAPEDECK_EMBEDDED:
    LOCAL_ACS_ENDPOINT = f"http://127.0.0.1:{LOCAL_ACS_PORT}"
    LOCAL_ACS_ACCESS_KEY = variables.LOCAL_ACS_ACCESS_KEY.read() or installation.secret(
        TAPEDECK_DATA, "local_acs_access_key", make=installation.new_key
    )
    LOCAL_ACS_MANAGEMENT_KEY = variables.LOCAL_ACS_MANAGEMENT_KEY.read() or installation.secret(
        TAPEDECK_DATA, "local_acs_management_key", make=installation.new_key
    )
    LOCAL_ACS_EVENT_GRID_KEY = variables.LOCAL_ACS_EVENT_GRID_KEY.read() or installation.secret(
        TAPEDECK_DATA, "local_acs_event_grid_key", make=installation.new_key
    )
    ACS_ENDPOINT = LOCAL_ACS_ENDPOINT
    ACS_ACCESS_KEY = LOCAL_ACS_ACCESS_KEY
    EVENT_GRID_ENDPOINT = LOCAL_ACS_ENDPOINT
    EVENT_GRID_TOPIC = "acs"
    EVENT_GRID_SUBSCRIPTION = "tapedeck"
    EVENT_GRID_KEY = LOCAL_ACS_EVENT_GRID_KEY
else:
    _endpoint, _access_key = variables.ACS_CONNECTION_STRING.read()
    ACS_ENDPOINT = variables.ACS_ENDPOINT.read() or _endpoint
    ACS_ACCESS_KEY = variables.ACS_ACCESS_KEY.read() or _access_key
    EVENT_GRID_ENDPOINT = variables.EVENT_GRID_ENDPOINT.read()
    EVENT_GRID_TOPIC = variables.EVENT_GRID_TOPIC.read()
    EVENT_GRID_SUBSCRIPTION = variables.EVENT_GRID_SUBSCRIPTION.read()
    EVENT_GRID_KEY = variables.EVENT_GRID_KEY.read()

ACS_CONTENT_HOSTS: tuple[str, ...] = variables.ACS_CONTENT_HOSTS.read() or variables.ACS_CONTENT_HOSTS_DEFAULT
ACS_DELETE_AFTER_ARCHIVE = variables.ACS_DELETE_AFTER_ARCHIVE.read()
ACS_RETENTION_SECONDS = variables.ACS_RETENTION_SECONDS.read()
if TAPEDECK_EMBEDDED and not variables.ACS_RETENTION_SECONDS.is_set():
    ACS_RETENTION_SECONDS = LOCAL_ACS_RETENTION_SECONDS

TAPEDECK_CRASH_AT = variables.TAPEDECK_CRASH_AT.read()
TAPEDECK_PUBLIC_URL = variables.TAPEDECK_PUBLIC_URL.read()
if TAPEDECK_EMBEDDED and not TAPEDECK_PUBLIC_URL:
    # The embedded service runs on this machine, so its callbacks need no address that the world can reach.
    TAPEDECK_PUBLIC_URL = installation.own_address(host=TAPEDECK_HOST, port=TAPEDECK_PORT)

# Hosts, cookies, transport

_public = urlsplit(TAPEDECK_PUBLIC_URL)
_over_tls = _public.scheme == "https"
DEBUG = False
ALLOWED_HOSTS = sorted(
    {"127.0.0.1", "localhost", "[::1]", *variables.TAPEDECK_ALLOWED_HOSTS.read()}
    | ({installation.url_host(_public.hostname)} if _public.hostname else set())
    | ({installation.url_host(TAPEDECK_HOST)} if TAPEDECK_HOST not in installation.EVERY_ADDRESS else set())
)
CSRF_TRUSTED_ORIGINS = [TAPEDECK_PUBLIC_URL] if _over_tls else []
SESSION_COOKIE_NAME = "tapedeck_session"
SESSION_COOKIE_SECURE = _over_tls
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "tapedeck_csrf"
CSRF_COOKIE_SECURE = _over_tls
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = _over_tls
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked on loopback by the supervisor, without the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _over_tls else None
SECURE_HSTS_SECONDS = 31_536_000 if _over_tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _over_tls
SECURE_HSTS_PRELOAD = _over_tls
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Applications

INSTALLED_APPS = [
    "dashboard",
    "recordings",
    "django_htmx",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.middleware.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.ViewerZone",
    "dashboard.middleware.FailureId",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.chrome.chrome",
            ],
        },
    }
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The database

_database = dj_database_url.parse(variables.DATABASE_URL.read() or f"sqlite:///{TAPEDECK_DATA / 'tapedeck.sqlite3'}")
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        # Writers queue for the lock at BEGIN instead of failing when they upgrade a read.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # An event is acknowledged once it is committed, so a commit must survive a power cut: synchronous=FULL.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    _database["CONN_MAX_AGE"] = None
else:
    # The web server's threads share a few connections; a thread each would use up the server's hundred.
    _database["OPTIONS"] = {"pool": {"min_size": 0, "max_size": 12, "timeout": 5}}
DATABASES = {"default": _database}

# Files

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": TAPEDECK_DATA / "files"},
    },
    "archive": {
        "BACKEND": "recordings.storage.ArchiveFiles",
        "OPTIONS": {"location": ARCHIVE_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = TAPEDECK_DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]

# Background work

CELERY_BROKER_URL = variables.CELERY_BROKER_URL.read()
CELERY_QUEUE_PREFIX = variables.CELERY_QUEUE_PREFIX.read()

# The logs: to standard error, which the supervisor keeps under TAPEDECK_DATA/log

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"class": "dashboard.logs.Line", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.request": {"level": "ERROR"},
        # A sweep starts every second or two; that it did is no news.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "kombu.connection": {"level": "ERROR"},
    },
}
