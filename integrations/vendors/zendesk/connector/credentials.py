"""The rules for Zendesk's credentials that a single field's pattern cannot express."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from integrations.http.url_guard import is_local_host

ZENDESK_SUFFIX = ".zendesk.com"
# Accounts from before the product was Zendesk's keep their own hosts.
LEGACY_SUFFIX = ".smooch.io"
API_PATH = "/sc"
_KEY_ID = re.compile(r"(act|svc|app|int)_[0-9a-f]{24}")
_NO_KEY_PAIR = (
    "{label} is missing. The other values let Zendesk call this portal; none of them lets the "
    "portal call Zendesk. Create an API key for Conversations in Zendesk and enter both its parts."
)
_KEY_PAIR = {"key_id": "API key ID", "key_secret": "API key secret"}


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept = dict(values)
    notices: list[str] = []
    if (typed := kept.get("subdomain", "").strip()) and (found := _subdomain(typed)) != typed:
        kept["subdomain"] = found
        notices.append(f"The subdomain was cut to {found}.")
    if override := kept.get("base_url_override", "").strip():
        kept["base_url_override"] = override.rstrip("/").removesuffix("/v2")
    key_id = kept.get("key_id", "").strip()
    if key_id and not _KEY_ID.fullmatch(key_id):
        notices.append(
            "The API key ID does not look like one of Zendesk's: app_ or int_ and 24 digits or "
            "letters a to f. It is kept as it is."
        )
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name."""
    errors = {
        name: _NO_KEY_PAIR.format(label=label)
        for name, label in _KEY_PAIR.items()
        if not values.get(name, "").strip()
    }
    errors["base_url_override"] = _override_error(values.get("base_url_override", ""))
    email, token = (values.get(name, "") for name in ("support_email", "support_api_token"))
    if bool(email) != bool(token):
        missing = "support_api_token" if email else "support_email"
        errors[missing] = "API user and API token go together. Enter both, or neither."
    return {name: error for name, error in errors.items() if error}


def api_base_url(credentials: Mapping[str, str]) -> str:
    """Return the address of the Conversations API, as far as the version."""
    override = credentials.get("base_url_override", "").rstrip("/")
    return override or f"https://{credentials.get('subdomain', '')}{ZENDESK_SUFFIX}{API_PATH}"


def support_base_url(credentials: Mapping[str, str]) -> str:
    """Return the address of the Support API; a simulator serves both from one host."""
    parts = _split(credentials.get("base_url_override", ""))
    host = parts.hostname or ""
    if is_local_host(host) or host.endswith(ZENDESK_SUFFIX):
        return f"{parts.scheme}://{parts.netloc}"
    return f"https://{credentials.get('subdomain', '')}{ZENDESK_SUFFIX}"


def _subdomain(typed: str) -> str:
    """Take the subdomain out of whatever address was pasted."""
    text = typed.lower()
    host = (_split(text).hostname or "") if "://" in text else text.split("/")[0]
    return host.removesuffix(ZENDESK_SUFFIX) or typed


def _override_error(url: str) -> str:
    host = _split(url).hostname or ""
    is_known = host.endswith((ZENDESK_SUFFIX, LEGACY_SUFFIX)) or is_local_host(host)
    if not host or is_known:
        return ""  # whether this machine may be called at all is judged with the address itself
    return (
        f"The host ends neither in {ZENDESK_SUFFIX} nor in {LEGACY_SUFFIX}. Leave this empty, or "
        "enter https://api.smooch.io."
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that is never closed; the field itself says so
        return urlsplit("")
