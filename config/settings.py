"""Every setting, read from the environment; .env.example lists them with their meaning."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from config.requests.headers import static_headers
from config.setting_values import SettingValues

BASE_DIR = Path(__file__).resolve().parent.parent
env = SettingValues()
env.file_read(BASE_DIR / ".env")

# ---- where we are ----
DEBUG = env.bool("DEBUG", default=False)
VAR_DIR = Path(env.str("BATON_VAR_DIR", default=str(BASE_DIR / "var")))
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", urlsplit(PUBLIC_URL).hostname]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
IS_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
# Browsers keep it for so long, whatever is set later; said over https only.
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=0)

# ---- secrets ----
SECRET_KEY = env.str("SECRET_KEY", default="only-for-development" * 3 if DEBUG else "")
# First key encrypts, every key decrypts. Make one: manage.py make_key
ENCRYPTION_KEYS: list[str] = env.list("BATON_ENCRYPTION_KEYS", default=[])
# Opens http and loopback addresses to connectors: for simulators only.
ALLOW_LOCAL_VENDORS = env.bool("ALLOW_LOCAL_VENDORS", default=False)
# An outside AI agent, or a model, on this machine or in this network.
ALLOW_LOCAL_AGENTS = env.bool("ALLOW_LOCAL_AGENTS", default=ALLOW_LOCAL_VENDORS)
# How vendors are reached: the variables that other programs read too, and our own bundle.
VENDOR_PROXY = env.str("HTTPS_PROXY", default="")
VENDOR_NO_PROXY = env.str("NO_PROXY", default="")
VENDOR_CA_BUNDLE = env.str("VENDOR_CA_BUNDLE", default="")

# Languages beside those that come along: one JSON file each.
WORDS_FOLDER = env.str("WORDS_FOLDER", default="")

# Where Django's admin is; empty closes it.
ADMIN_PATH = env.str("ADMIN_PATH", default="admin").strip("/")

# ---- applications ----
INSTALLED_APPS = [
    # For its runserver, which knows sockets: any other process would load Twisted for nothing.
    *(["daphne"] if "runserver" in sys.argv else []),
    # Its modules are for whoever serves its pages: config/urls.py loads them.
    "config.apps.GuardedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "config.apps.ConfigConfig",
    "integrations.apps.IntegrationsConfig",
    "conversations.apps.ConversationsConfig",
    "handoffs.apps.HandoffsConfig",
]
MIDDLEWARE = [
    "config.requests.near_addresses.NearAddresses",
    "config.requests.api_answers.ApiAnswers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.requests.headers.ResponseHeaders",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.requests.plain.PlainRequests",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.requests.signed_in.SignedIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.requests.bounds.DatabaseOutage",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
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
                "integrations.projects.frame.context.portal",
            ],
            "libraries": {"handoff_tags": "handoffs.portal.tags"},
            "builtins": ["integrations.projects.frame.times"],
        },
    },
]
# The one inversion: conversations must not import handoffs, yet somebody must answer.
CONVERSATION_RESPONDER = "handoffs.responder.HandoffResponder"

# ---- stores ----
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_database = env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'baton.sqlite3'}")
IS_SQLITE = "sqlite" in _database["ENGINE"]
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=10)
DATABASE_FROZEN_SECONDS = env.float("DATABASE_FROZEN_SECONDS", default=4.0)
DATABASE_POOL_SECONDS = env.float("DATABASE_POOL_SECONDS", default=3.0)
if IS_SQLITE:
    _options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Persistent connections exhaust PostgreSQL under ASGI; a pool with a hard cap does not.
    _database["CONN_MAX_AGE"] = 0
    # Whoever waits too long for a connection is told so, instead of everybody waiting longer.
    _options = {
        "pool": {
            "min_size": 1,
            "max_size": DATABASE_POOL_SIZE,
            "max_waiting": DATABASE_POOL_SIZE * 20,
            "timeout": DATABASE_POOL_SECONDS,
        },
        # A network that goes silent must not hold a message for the kernel's quarter of an hour.
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        # A process that freezes inside a transaction keeps its locks no longer than this, so that
        # whoever takes over from it can write.
        "options": f"-c idle_in_transaction_session_timeout={DATABASE_FROZEN_SECONDS * 1000:.0f}",
    }
# What the URL's query says, such as sslmode, stays.
_database["OPTIONS"] = _options | _database.get("OPTIONS", {})
DATABASES = {"default": _database}

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "conversations.journal.channel_layer.BoundedChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 15}], "prefix": "baton"},
    }
}

# ---- background work ----
CELERY_BROKER_URL = REDIS_URL

# ---- files of end users and live agents ----
# Seen by every web and relay process; served by the portal alone, never as static files.
MEDIA_ROOT = Path(env.str("FILES_DIR", default=str(VAR_DIR / "files")))
FILE_UPLOAD_PERMISSIONS = 0o600

# ---- pages ----
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Without `collectstatic` the files are served as they lie, uncompressed.
WHITENOISE_USE_FINDERS = not STATIC_ROOT.exists()
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 60
WHITENOISE_ADD_HEADERS_FUNCTION = static_headers
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["integrations.entry.user_names.UserNameOrEmail"]
PASSWORD_HASHERS = ["integrations.entry.password_hashing.PoolPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", PUBLIC_URL],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}
# The widget lives on customers' pages: its calls are open to every origin by CORS and
# guarded by the channel's own allow-list. No cookie is ever read there.
CORS_ALLOW_ALL_ORIGINS = True
CORS_URLS_REGEX = r"^/api/v1/(widget|access-token|sessions(/[^/]+(/\w+)?)?)$"
CORS_ALLOW_HEADERS = ("authorization", "content-type", "last-event-id", "x-token", "x-host")
CORS_PREFLIGHT_MAX_AGE = 600
# A portal in a local network may be asked by a public page, once its visitor has agreed.
CORS_ALLOW_PRIVATE_NETWORK = True

# ---- REST ----
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["integrations.entry.parser.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Baton",
    "DESCRIPTION": "Handoff, messaging and integration calls of the Baton portal.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "accessToken": {
                "type": "http",
                "scheme": "bearer",
                "description": "What `access_token_create` gives.",
            },
            "apiKey": {
                "type": "apiKey",
                "in": "header",
                "name": "x-api-key",
                "description": "From Settings > API keys, with the permission of the call.",
            },
        }
    },
    # What every operation has, whoever describes it.
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "conversations.api.common_answers.common_answers",
    ],
    "ENUM_NAME_OVERRIDES": {
        "HandoffStatus": "handoffs.api.schema.STATUSES",
        "HandoffState": "handoffs.api.schema.STATES",
        "ConversationChannel": "handoffs.api.conversation_schema.CHANNELS",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# ---- limits and clocks, in seconds unless the name says otherwise ----
ACCESS_TOKEN_SECONDS = env.int("ACCESS_TOKEN_SECONDS", default=900)
ACCESS_TOKEN_REFRESH_SECONDS = env.int("ACCESS_TOKEN_REFRESH_SECONDS", default=86400)
CHAT_TURN_SECONDS = env.float("CHAT_TURN_SECONDS", default=45.0)
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=600)
SOCKET_HEARTBEAT_SECONDS = env.int("SOCKET_HEARTBEAT_SECONDS", default=30)
SOCKETS_PER_SESSION = 10
# For each address that requests come from.
ACCESS_TOKENS_PER_MINUTE = env.int("ACCESS_TOKENS_PER_MINUTE", default=240)
SESSIONS_PER_MINUTE = env.int("SESSIONS_PER_MINUTE", default=120)
# Wrong passwords: of one user name from one address and of one address in a minute, of one user
# name from all addresses in 15 minutes.
SIGN_IN_WINDOW_SECONDS = 60
SIGN_IN_TRIES = env.int("SIGN_IN_TRIES", default=5)
SIGN_IN_TRIES_PER_ADDRESS = env.int("SIGN_IN_TRIES_PER_ADDRESS", default=20)
SIGN_IN_TRIES_PER_NAME = env.int("SIGN_IN_TRIES_PER_NAME", default=20)
# Whoever does nothing in the portal for so long is signed out; a workspace may ask for less.
SIGN_IN_IDLE_MINUTES = env.int("SIGN_IN_IDLE_MINUTES", default=720)
# For each widget, from wherever they come; above it each address has a small share.
SESSIONS_PER_MINUTE_PER_CHANNEL = env.int("SESSIONS_PER_MINUTE_PER_CHANNEL", default=1200)
REQUEST_MAX_BYTES = env.int("REQUEST_MAX_BYTES", default=2 * 1024 * 1024)
# 0 is no limit. A burst is what a client may send at once, for instance after a reconnect.
SOCKET_FRAMES_PER_SECOND = env.float("SOCKET_FRAMES_PER_SECOND", default=50.0)
SOCKET_FRAMES_BURST = env.int("SOCKET_FRAMES_BURST", default=200)
# A client that reads nothing for this long is cut off.
SOCKET_SEND_SECONDS = env.float("SOCKET_SEND_SECONDS", default=15.0)
FRAME_MAX_BYTES = 131072
# For each session, over all its sockets, streams and polls.
HANDSHAKES_PER_MINUTE = env.int("HANDSHAKES_PER_MINUTE", default=60)
JOURNAL_BYTES_PER_MINUTE = env.int("JOURNAL_BYTES_PER_MINUTE", default=16 * 1024 * 1024)
MESSAGE_MAX_CHARACTERS = 20_000
JOURNAL_RECHECK_SECONDS = env.float("JOURNAL_RECHECK_SECONDS", default=5.0)
# For each conversation.
AI_AGENT_MESSAGES_WAITING = env.int("AI_AGENT_MESSAGES_WAITING", default=50)
AI_AGENT_TURNS_PER_MINUTE = env.int("AI_AGENT_TURNS_PER_MINUTE", default=60)
LIVE_AGENT_MESSAGES_WAITING = env.int("LIVE_AGENT_MESSAGES_WAITING", default=200)
# The AI agent's turns, and the tools that run, in one process at once.
TURNS_AT_ONCE = env.int("TURNS_AT_ONCE", default=12)
# Turns that wait for an outside AI agent in one process: on its event loop, in no thread.
OUTSIDE_TURNS_AT_ONCE = env.int("OUTSIDE_TURNS_AT_ONCE", default=200)
# A handoff waits so long at most for the summary of the project's language model.
MODEL_SUMMARY_SECONDS = env.float("MODEL_SUMMARY_SECONDS", default=4.0)
# Calls to customers' webhook endpoints under way in one process; on its event loop as well.
WEBHOOKS_AT_ONCE = env.int("WEBHOOKS_AT_ONCE", default=100)
# Text messages under way in one worker, in and out.
SMS_AT_ONCE = env.int("SMS_AT_ONCE", default=50)
# What comes faster than this waits: from one number, and to all of a project.
SMS_TEXTS_PER_MINUTE = env.int("SMS_TEXTS_PER_MINUTE", default=10)
SMS_TEXTS_PER_MINUTE_PER_PROJECT = env.int("SMS_TEXTS_PER_MINUTE_PER_PROJECT", default=100)
# A text that its carrier has not taken for so long is given up.
SMS_GIVE_UP_SECONDS = env.int("SMS_GIVE_UP_SECONDS", default=4 * 3600)
# After so much silence the end user is asked, and after so much more the conversation ends.
SMS_IDLE_SECONDS = env.int("SMS_IDLE_SECONDS", default=24 * 3600)
SMS_IDLE_CLOSE_SECONDS = env.int("SMS_IDLE_CLOSE_SECONDS", default=600)
WEBHOOK_DELIVERY_KEEP_DAYS = env.int("WEBHOOK_DELIVERY_KEEP_DAYS", default=14)
RELAY_HEARTBEAT_SECONDS = env.float("RELAY_HEARTBEAT_SECONDS", default=1.0)
RELAY_DEAD_AFTER_SECONDS = env.float("RELAY_DEAD_AFTER_SECONDS", default=5.0)
RELAY_RECHECK_SECONDS = env.float("RELAY_RECHECK_SECONDS", default=2.0)
HANDOFF_CONNECT_SECONDS = env.int("HANDOFF_CONNECT_SECONDS", default=60)
HANDOFF_QUEUE_MAX_SECONDS = env.int("HANDOFF_QUEUE_MAX_SECONDS", default=86400)
HANDOFF_AWAY_SECONDS = env.int("HANDOFF_AWAY_SECONDS", default=120)
HANDOFF_PLACE_KEPT_SECONDS = env.int("HANDOFF_PLACE_KEPT_SECONDS", default=3600)
HANDOFF_ACTIVE_SILENCE_SECONDS = env.int("HANDOFF_ACTIVE_SILENCE_SECONDS", default=86400)
DELIVERY_DEADLINE_SECONDS = env.int("DELIVERY_DEADLINE_SECONDS", default=240)
VENDOR_END_DEADLINE_SECONDS = env.int("VENDOR_END_DEADLINE_SECONDS", default=86400)
VENDOR_CALL_KEEP_DAYS = env.int("VENDOR_CALL_KEEP_DAYS", default=14)
# A vendor may take less.
ATTACHMENT_MAX_BYTES = env.int("ATTACHMENT_MAX_BYTES", default=25 * 1024 * 1024)
ATTACHMENTS_PER_MINUTE = env.int("ATTACHMENTS_PER_MINUTE", default=20)  # for each conversation
ATTACHMENT_KEEP_DAYS = env.int("ATTACHMENT_KEEP_DAYS", default=30)
# How often a file can be fetched by the address in its conversation; 0 is without a limit.
ATTACHMENT_DOWNLOADS_MAX = env.int("ATTACHMENT_DOWNLOADS_MAX", default=100)
# How long a vendor may fetch a file from the portal.
ATTACHMENT_URL_SECONDS = env.int("ATTACHMENT_URL_SECONDS", default=3600)
# ClamAV's daemon, as in unix:/run/clamav/clamd.ctl or tcp://127.0.0.1:3310; empty: none is asked.
FILE_SCANNER = env.str("FILE_SCANNER", default="")
FILE_SCANNER_SECONDS = env.float("FILE_SCANNER_SECONDS", default=30.0)
DATABASE_THREADS = env.int("DATABASE_THREADS", default=8)

# ---- mail ----
# smtp+tls://user:password@mail.example.com:587; dummymail:// sends none.
_mail = env.email_url("EMAIL_URL", default="dummymail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="baton@localhost")

# ---- single sign-on by OpenID Connect ----
# The issuer as the provider writes it; PUBLIC_URL/login/single-sign-on/back/ is registered there.
SINGLE_SIGN_ON_ISSUER = env.str("SINGLE_SIGN_ON_ISSUER", default="")
SINGLE_SIGN_ON_CLIENT_ID = env.str("SINGLE_SIGN_ON_CLIENT_ID", default="")
SINGLE_SIGN_ON_CLIENT_SECRET = env.str("SINGLE_SIGN_ON_CLIENT_SECRET", default="")
SINGLE_SIGN_ON_NAME = env.str("SINGLE_SIGN_ON_NAME", default="single sign-on")
# Without domains everybody whom the provider knows may try; an account or invitation is needed.
SINGLE_SIGN_ON_DOMAINS: list[str] = env.list("SINGLE_SIGN_ON_DOMAINS", default="") or []
# The workspace, by its slug, that people of these domains join without an invitation, as what.
SINGLE_SIGN_ON_WORKSPACE = env.str("SINGLE_SIGN_ON_WORKSPACE", default="")
SINGLE_SIGN_ON_ROLE = env.str("SINGLE_SIGN_ON_ROLE", default="reader")
# Passwords are then taken from superusers alone, for the day on which the provider is away.
SINGLE_SIGN_ON_ONLY = env.bool("SINGLE_SIGN_ON_ONLY", default=False)

# ---- metrics ----
# Without a token the web process has no /metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Workers: 0 is off; several on one machine take the next free ports.
METRICS_PORT = env.int("METRICS_PORT", default=0)
METRICS_HOST = env.str("METRICS_HOST", default="127.0.0.1")

# ---- logs ----
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "config.logs.logs_configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.LineFormatter", "as_json": not DEBUG}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Servers and libraries bring handlers of their own; here all lines have one form.
        "uvicorn": {"handlers": [], "propagate": True},
        "django": {"handlers": [], "propagate": True},
        # At INFO it writes each socket's URL, and an SDK may carry its access token there.
        "uvicorn.error": {"handlers": [], "level": "WARNING", "propagate": True},
        # Whole URLs, with their queries.
        "uvicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
        # The ids of people's keys.
        "fido2": {"level": "WARNING"},
        # One line for each task and each tick of the clock is no news.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}

# What of all this could not be meant so; a system check tells each.
SETTING_PROBLEMS = env.problems
