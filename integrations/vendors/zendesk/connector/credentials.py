"""What an admin entered: the rules that no single field can express, and Test connection.

The test reads what the key may read, and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

from integrations.contract.checks import CALL_SECONDS, Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import RejectedError
from integrations.http.url_guard import is_local_host
from integrations.kit.json_values import Json, as_text
from integrations.kit.pasted import split_address
from integrations.vendors.zendesk.client import ZendeskMessagingClient, ZendeskSupportClient
from integrations.vendors.zendesk.mapping.outgoing import NEXT

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

WEBHOOK_VERSION = "v2"
# Without these the conversation is deaf, or never ends.
NEEDED_TRIGGERS = (
    "conversation:message",
    "switchboard:passControl",
    "switchboard:releaseControl",
)
_INTEGRATION_KEY = "int_"
_STAFF = ("agent", "admin")


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
    parts = split_address(credentials.get("base_url_override", ""))
    host = parts.hostname or ""
    if is_local_host(host) or host.endswith(ZENDESK_SUFFIX):
        return f"{parts.scheme}://{parts.netloc}"
    return f"https://{credentials.get('subdomain', '')}{ZENDESK_SUFFIX}"


class ConnectionChecks:
    """One run of the test; keeps what its checks found."""

    def __init__(
        self,
        *,
        client: ZendeskMessagingClient,
        support: ZendeskSupportClient | None,
        credentials: Mapping[str, str],
    ) -> None:
        """Share the connector's clients."""
        self._client = client
        self._support = support
        self._credentials = credentials
        self._integration_id = credentials.get("integration_id", "")
        self._is_integration_key = credentials.get("key_id", "").startswith(_INTEGRATION_KEY)
        self._webhooks: list[Json] | None = None

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order; some need a key of the whole app."""
        checks: list[tuple[str, Check]] = [("access", self._access), ("webhook", self._webhook)]
        if not self._is_integration_key:
            checks += [("integration", self._integration), ("switchboard", self._switchboard)]
        if self._support is not None:
            checks.append(("support", self._support_api))
        return run_checks(checks)

    async def _access(self) -> str:
        if not self._credentials.get("key_id") or not self._credentials.get("key_secret"):
            raise CheckFailedError("invalid_auth", "No API key pair was entered.")
        with _not_found():
            self._webhooks = await self._client.list_webhooks(
                "me" if self._is_integration_key else self._integration_id
            )
        return ""

    async def _webhook(self) -> str:
        webhook_id = self._credentials.get("webhook_id", "")
        found = [item for item in self._accessed() if item.get("id") == webhook_id]
        if not found:
            raise CheckFailedError(
                "invalid_routing", "The integration has no webhook with this ID."
            )
        _judge_webhook(found[0], self._credentials)
        return ""

    async def _integration(self) -> str:
        self._accessed()
        with _not_found():
            found = await self._client.get_integration(self._integration_id)
        if found.get("type") != "custom":
            raise CheckFailedError("wrong_type", f"Its type is {as_text(found.get('type'))}.")
        if found.get("status", "active") != "active":
            raise CheckFailedError("disabled", f"Its status is {as_text(found.get('status'))}.")
        return ""

    async def _switchboard(self) -> str:
        self._accessed()
        with _not_found():
            boards = await self._client.list_switchboards()
            if not boards:
                raise CheckFailedError("invalid_routing", "The app has no switchboard.")
            board_id = as_text(boards[0].get("id"))
            entries = await self._client.list_switchboard_integrations(board_id)
        if boards[0].get("enabled", True) is not True:
            raise CheckFailedError("disabled", "The switchboard is switched off.")
        self._judge_entries(entries)
        return ""

    def _judge_entries(self, entries: list[Json]) -> None:
        own = [item for item in entries if item.get("integrationId") == self._integration_id]
        if not own:
            raise CheckFailedError("invalid_routing", "The integration is not on the switchboard.")
        target = self._credentials.get("switchboard_integration_name", "") or NEXT
        if target == NEXT and not own[0].get("nextSwitchboardIntegrationId"):
            raise CheckFailedError("wrong_type", "Nothing follows the integration.")
        if target != NEXT and not any(_is_named(item, target) for item in entries):
            raise CheckFailedError(
                "invalid_routing", f"Nothing on the switchboard is called {target}."
            )
        own_name = self._credentials.get("own_switchboard_name", "")
        if own_name and not _is_named(own[0], own_name):
            name = as_text(own[0].get("name"))
            raise CheckFailedError("wrong_type", f"The integration is called {name}.")

    async def _support_api(self) -> str:
        assert self._support is not None
        self._accessed()
        user = await self._support.users_me(timeout=CALL_SECONDS)
        role = as_text(user.get("role"))
        # Zendesk answers a wrong token with an anonymous user in some accounts.
        if not user.get("id"):
            raise CheckFailedError("invalid_auth")
        if role not in _STAFF:
            raise CheckFailedError("missing_permission", f"The user's role is {role}.")
        return ""

    def _accessed(self) -> list[Json]:
        """Return the webhooks that the first check has found; without them all is skipped."""
        if self._webhooks is None:
            raise CheckFailedError("skipped")
        return self._webhooks


def _judge_webhook(webhook: Json, credentials: Mapping[str, str]) -> None:
    version, target = as_text(webhook.get("version")), as_text(webhook.get("target"))
    if version and version != WEBHOOK_VERSION:
        raise CheckFailedError("wrong_type", f"The webhook's version is {version}.")
    ours = credentials.get("webhook_url", "")
    accepted = (ours, *credentials.get("webhook_url_aliases", "").split())
    if target not in accepted if ours else not target.rstrip("/").endswith("/events"):
        wanted = f", not {ours}" if ours else ""
        raise CheckFailedError("wrong_type", f"The webhook calls {target}{wanted}.")
    triggers = webhook.get("triggers")
    named = {as_text(item) for item in triggers} if isinstance(triggers, list) else set()
    missing = [name for name in NEEDED_TRIGGERS if name not in named and "*" not in named]
    if missing:
        raise CheckFailedError("disabled", f"It is not subscribed to {', '.join(missing)}.")


def _is_named(entry: Json, target: str) -> bool:
    return target in (entry.get("id"), entry.get("name"), entry.get("integrationType"))


@contextmanager
def _not_found() -> Iterator[None]:
    """Tell what Zendesk does not know by the name that was entered."""
    try:
        yield
    except RejectedError as error:
        if error.status != 404:
            raise
        raise CheckFailedError("invalid_routing", f"{error.message} {error.vendor_code}") from error


def _subdomain(typed: str) -> str:
    """Take the subdomain out of whatever address was pasted."""
    text = typed.lower()
    host = (split_address(text).hostname or "") if "://" in text else text.split("/")[0]
    return host.removesuffix(ZENDESK_SUFFIX) or typed


def _override_error(url: str) -> str:
    host = split_address(url).hostname or ""
    is_known = host.endswith((ZENDESK_SUFFIX, LEGACY_SUFFIX)) or is_local_host(host)
    if not host or is_known:
        return ""  # whether this machine may be called at all is judged with the address itself
    return (
        f"The host ends neither in {ZENDESK_SUFFIX} nor in {LEGACY_SUFFIX}. Leave this empty, or "
        "enter https://api.smooch.io."
    )
