"""All settings come from the environment or a ``.env`` file; each has a default for a laptop."""

import logging
import os
import secrets
import zoneinfo
from pathlib import Path
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from narada_site.environment import (
    is_this_machine,
    keep_private,
    read_address,
    read_contact,
    read_database,
    read_env_file,
    read_flag,
    read_list,
    read_mail_server,
    read_number,
    read_secret,
    read_text,
    read_token_keys,
)
from narada_site.places import check_packages, find_data_folder, find_settings_file

BASE_DIR = Path(__file__).resolve().parent.parent
check_packages(BASE_DIR)
#: The file of settings; it need not be there.
SETTINGS_FILE = read_env_file(find_settings_file(BASE_DIR))

#: The data of this installation: database, keys, queues, budgets.
VAR_DIR = Path(read_text("NARADA_VAR") or find_data_folder(BASE_DIR))
# What is made from here on is for its owner only, whatever it is.
os.umask(0o077)
try:
    VAR_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"{VAR_DIR} (NARADA_VAR) cannot be used: {error}") from error

#: Shows the program's inside on each error, so it is for working on Narada.
DEBUG = read_flag("DEBUG", False)

ALLOWED_HOSTS = read_list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
DATABASES = {"default": read_database(f"sqlite:///{quote(str(VAR_DIR))}/narada.sqlite3")}
REDIS_URL = read_address("REDIS_URL", "", ("redis", "rediss"))

keep_private(VAR_DIR, DATABASES["default"])

#: Others reach the pages, so cookies are for HTTPS.
IS_PUBLIC = not all(is_this_machine(host) for host in ALLOWED_HOSTS)
#: The operator says so, or other machines depend on the secrets: then none is made up here.
IN_PRODUCTION = not DEBUG and (
    bool(read_text("DEBUG"))
    or not is_this_machine(str(DATABASES["default"].get("HOST", "")))
    or not is_this_machine(urlsplit(REDIS_URL).hostname or "")
)
SECRET_KEY = read_secret("SECRET_KEY", lambda: secrets.token_urlsafe(50), VAR_DIR, IN_PRODUCTION)
#: Newest first; the first one encrypts, all decrypt (MultiFernet).
TOKEN_ENCRYPTION_KEYS = read_token_keys(VAR_DIR, IN_PRODUCTION)

#: Where ``narada run`` serves the web pages: HOST:PORT, or what else gunicorn takes.
WEB_BIND = read_text("WEB_BIND") or "127.0.0.1:8000"
CSRF_TRUSTED_ORIGINS = read_list("CSRF_TRUSTED_ORIGINS")
BEHIND_PROXY = read_flag("BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
#: The limits on signing in count by visitor, whom only the proxies' X-Forwarded-For names.
ALLAUTH_TRUSTED_PROXY_COUNT = int(read_number("TRUSTED_PROXY_COUNT", int(BEHIND_PROXY)))
SECURE_COOKIES = read_flag("SECURE_COOKIES", IS_PUBLIC and not DEBUG)
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_HSTS_SECONDS = int(read_number("SECURE_HSTS_SECONDS", 0))
SECURE_SSL_REDIRECT = read_flag("SECURE_SSL_REDIRECT", False)

# The services. Each address is a setting: with them Narada runs against the sandbox unchanged.
SPOTIFY_CLIENT_ID = read_text("SPOTIFY_CLIENT_ID")
SPOTIFY_CLIENT_SECRET = read_text("SPOTIFY_CLIENT_SECRET")
SPOTIFY_API_URL = read_address("SPOTIFY_API_URL", "https://api.spotify.com/v1")
SPOTIFY_ACCOUNTS_URL = read_address("SPOTIFY_ACCOUNTS_URL", "https://accounts.spotify.com")
SPOTIFY_REQUESTS_PER_SECOND = read_number("SPOTIFY_REQUESTS_PER_SECOND", 2.0)
LASTFM_API_KEY = read_text("LASTFM_API_KEY")
LASTFM_API_SECRET = read_text("LASTFM_API_SECRET")
LASTFM_API_URL = read_address("LASTFM_API_URL", "https://ws.audioscrobbler.com/2.0/")
LASTFM_AUTH_URL = read_address("LASTFM_AUTH_URL", "https://www.last.fm/api/auth/")
LASTFM_REQUESTS_PER_SECOND = read_number("LASTFM_REQUESTS_PER_SECOND", 4.0)

#: Whom the services ask about this installation's requests: an address or e-mail address.
USER_AGENT_CONTACT = read_contact("USER_AGENT_CONTACT", "+https://github.com/narada-music/narada")

#: Whoever is due is synced this often by beat.
SYNC_EVERY_MINUTES = int(read_number("SYNC_EVERY_MINUTES", 30, low=1))
#: What came from Spotify's API is purged this many days after a disconnect (its terms allow five);
#: -1 keeps it, for an operator who answers only to themselves.
PURGE_AFTER_DAYS = read_number("PURGE_AFTER_DAYS", 4, low=-1)

INSTALLED_APPS = [
    "likes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "connectors.providers.spotify",
    "connectors.providers.lastfm",
    "django_celery_beat",
    "django_htmx",
]

MIDDLEWARE = [
    "narada_site.health.answer_monitors",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "likes.web.middleware.dress_answers",
    "likes.web.middleware.refuse_null_characters",
    "likes.web.middleware.refuse_bad_filters",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "likes.web.middleware.TellDatabaseFailures",
]

ROOT_URLCONF = "narada_site.urls"
WSGI_APPLICATION = "narada_site.wsgi.application"
ASGI_APPLICATION = "narada_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if str(DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
    # Readers do not block the writer (WAL), and a transaction takes the write lock when it
    # starts, so that two never wait for each other halfway.
    # Each new row changes some page of each index of random keys. With a checkpoint after 8,000
    # pages (32 MB) instead of 1,000, they are copied into the database far less often.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=8000;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = int(read_number("CONN_MAX_AGE", 60))
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Shared by all processes, as the limits on signing in are counted there.
CACHES = {
    "default": {
        "BACKEND": "narada_site.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "narada_cache"}
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "likes.accounts.sign_in.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "likes.accounts.sign_in.SocialAccountAdapter"
#: Where mail is handed in. Without it no page that sends mail exists.
EMAIL_URL = read_text("EMAIL_URL")
if EMAIL_URL:
    vars().update(read_mail_server("EMAIL_URL"))
DEFAULT_FROM_EMAIL = read_text("DEFAULT_FROM_EMAIL", "narada@localhost")
EMAIL_TIMEOUT = 10
#: No mail to whoever is named in the form for a new password but has no account.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
#: Whether strangers may sign up; the first user always may.
SIGN_UP_OPEN = read_flag("SIGN_UP_OPEN", True)
SOCIALACCOUNT_STORE_TOKENS = True
SOCIALACCOUNT_QUERY_EMAIL = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_PROVIDERS = {
    "spotify": {
        "APPS": [{"client_id": SPOTIFY_CLIENT_ID, "secret": SPOTIFY_CLIENT_SECRET}]
        if SPOTIFY_CLIENT_ID
        else [],
        "SCOPE": ["user-library-read"],
        "OAUTH_PKCE_ENABLED": True,
    },
    "lastfm": {
        "APPS": [{"client_id": LASTFM_API_KEY, "secret": LASTFM_API_SECRET}]
        if LASTFM_API_KEY
        else [],
    },
}

CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost//"
if REDIS_URL:
    # A page that queues something, and a worker, must not wait for ever for a Redis that hangs.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    }
else:
    QUEUE_DIR = VAR_DIR / "queue"
    for folder in ("messages", "control", "broken"):
        (QUEUE_DIR / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT = "narada_site.file_queue:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE_DIR / "messages"),
        "data_folder_out": str(QUEUE_DIR / "messages"),
        "control_folder": str(QUEUE_DIR / "control"),
        "broken_folder": str(QUEUE_DIR / "broken"),
        # A second, kombu's default, is a limit of two tasks a second for a worker of two threads.
        "polling_interval": 0.1,
    }
# A worker takes from its queues in turn, so beat's messages never wait behind those for slices.
CELERY_TASK_QUEUES = {name: {"exchange": name} for name in ("celery", "periodic")}
CELERY_TASK_ROUTES = {
    f"likes.tasks.{task}": {"queue": "periodic"} for task in ("dispatch_due", "purge_due")
}
CELERY_BEAT_SCHEDULER = "narada_site.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A queue that cannot be read for a while, as on a full disk, is no reason to end a worker.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None

LANGUAGE_CODE = "en-gb"
TIME_ZONE = read_text("TIME_ZONE", "UTC")
if TIME_ZONE not in zoneinfo.available_timezones():
    raise ImproperlyConfigured(f"TIME_ZONE is {TIME_ZONE!r}, which is no time zone.")
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
#: Static files are served from where the packages keep them, so no step collects them.
WHITENOISE_USE_FINDERS = True

LOG_LEVEL = read_text("LOG_LEVEL", "WARNING").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"LOG_LEVEL is {LOG_LEVEL!r}: one of DEBUG, INFO, WARNING, ERROR.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "class": "narada_site.reporting.SecretsHidden",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "level": LOG_LEVEL},
        "requests": {"class": "logging.StreamHandler", "formatter": "plain"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # These print tokens at DEBUG.
    "loggers": {
        name: {"level": "WARNING"} for name in ("spotipy", "urllib3", "httpx2", "httpcore2")
    }
    # The lines of runserver, with the codes and states in their addresses.
    | {"django.server": {"handlers": ["requests"], "level": "INFO", "propagate": False}},
}
#: What the pages hide that DEBUG shows.
DEFAULT_EXCEPTION_REPORTER = "narada_site.reporting.SafeReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "narada_site.reporting.SafeFilter"

SENTRY_DSN = read_address("SENTRY_DSN", "", ("https", "http"))
if SENTRY_DSN:
    from narada_site.reporting import start_sentry

    start_sentry(SENTRY_DSN)
