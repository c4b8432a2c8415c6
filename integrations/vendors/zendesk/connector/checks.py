"""Test connection for Zendesk Messaging: reads what the key may read and writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

from integrations.contract.checks import CALL_SECONDS, Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import ConnectorError, InvalidAuthError, MissingPermissionError
from integrations.contract.failures import CheckCode
from integrations.kit.json_values import Json, as_text
from integrations.vendors.zendesk.client import ZendeskMessagingClient, ZendeskSupportClient
from integrations.vendors.zendesk.mapping.control import NEXT

WEBHOOK_VERSION = "v2"
# Without these the conversation is deaf, or never ends.
NEEDED_TRIGGERS = (
    "conversation:message",
    "switchboard:passControl",
    "switchboard:releaseControl",
)
_OWN = "me"
_INTEGRATION_KEY = "int_"
_EVENTS_PATH = "/events"
_STAFF = ("agent", "admin")
_REFUSALS: dict[type[ConnectorError], CheckCode] = {
    InvalidAuthError: "invalid_auth",
    MissingPermissionError: "missing_permission",
}
_NOT_FOUND = 404


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
        self._webhooks: list[Json] | None = None

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order; some need a key of the whole app."""
        checks: list[tuple[str, Check]] = [("access", self._access), ("webhook", self._webhook)]
        if not self._is_integration_key:
            checks += [("integration", self._integration), ("switchboard", self._switchboard)]
        if self._support is not None:
            checks.append(("support", self._support_api))
        return run_checks(checks)

    @property
    def _is_integration_key(self) -> bool:
        return self._credentials.get("key_id", "").startswith(_INTEGRATION_KEY)

    async def _access(self) -> str:
        if not self._credentials.get("key_id") or not self._credentials.get("key_secret"):
            raise CheckFailedError("invalid_auth", "No API key pair was entered.")
        integration = _OWN if self._is_integration_key else self._integration_id
        with _refusals():
            self._webhooks = await self._client.list_webhooks(integration)
        return ""

    async def _webhook(self) -> str:
        self._need_access()
        webhook_id = self._credentials.get("webhook_id", "")
        found = [item for item in self._webhooks or () if item.get("id") == webhook_id]
        if not found:
            raise CheckFailedError(
                "invalid_routing", "The integration has no webhook with this ID."
            )
        _judge_webhook(found[0], self._credentials)
        return ""

    async def _integration(self) -> str:
        self._need_access()
        with _refusals():
            found = await self._client.get_integration(self._integration_id)
        if found.get("type") != "custom":
            raise CheckFailedError("wrong_type", f"Its type is {as_text(found.get('type'))}.")
        if found.get("status", "active") != "active":
            raise CheckFailedError("disabled", f"Its status is {as_text(found.get('status'))}.")
        return ""

    async def _switchboard(self) -> str:
        self._need_access()
        with _refusals():
            boards = await self._client.list_switchboards()
            if not boards:
                raise CheckFailedError("invalid_routing", "The app has no switchboard.")
            board_id = as_text(boards[0].get("id"))
            entries = await self._client.list_switchboard_integrations(board_id)
        self._judge_switchboard(boards[0], entries)
        return ""

    def _judge_switchboard(self, board: Json, entries: list[Json]) -> None:
        if board.get("enabled", True) is not True:
            raise CheckFailedError("disabled", "The switchboard is switched off.")
        own = [item for item in entries if item.get("integrationId") == self._integration_id]
        if not own:
            raise CheckFailedError("invalid_routing", "The integration is not on the switchboard.")
        target = self._credentials.get("switchboard_integration_name", "") or NEXT
        if target == NEXT:
            if not own[0].get("nextSwitchboardIntegrationId"):
                raise CheckFailedError("wrong_type", "Nothing follows the integration.")
        elif not any(_is_named(item, target) for item in entries):
            raise CheckFailedError(
                "invalid_routing", f"Nothing on the switchboard is called {target}."
            )
        own_name = self._credentials.get("own_switchboard_name", "")
        if own_name and not _is_named(own[0], own_name):
            raise CheckFailedError(
                "wrong_type", f"The integration is called {as_text(own[0].get('name'))}."
            )

    async def _support_api(self) -> str:
        assert self._support is not None
        self._need_access()
        user = await self._support.users_me(timeout=CALL_SECONDS)
        role = as_text(user.get("role"))
        # Zendesk answers a wrong token with an anonymous user in some accounts.
        if not user.get("id"):
            raise CheckFailedError("invalid_auth")
        if role not in _STAFF:
            raise CheckFailedError("missing_permission", f"The user's role is {role}.")
        return ""

    @property
    def _integration_id(self) -> str:
        return self._credentials.get("integration_id", "")

    def _need_access(self) -> None:
        if self._webhooks is None:
            raise CheckFailedError("skipped")


def _judge_webhook(webhook: Json, credentials: Mapping[str, str]) -> None:
    version, target = as_text(webhook.get("version")), as_text(webhook.get("target"))
    if version and version != WEBHOOK_VERSION:
        raise CheckFailedError("wrong_type", f"The webhook's version is {version}.")
    ours = credentials.get("webhook_url", "")
    accepted = (ours, *credentials.get("webhook_url_aliases", "").split())
    is_ours = target in accepted if ours else target.rstrip("/").endswith(_EVENTS_PATH)
    if not is_ours:
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
def _refusals() -> Iterator[None]:
    """Turn Zendesk's refusal of a call into the check's result."""
    try:
        yield
    except ConnectorError as error:
        code = next((code for kind, code in _REFUSALS.items() if isinstance(error, kind)), None)
        if code is None and error.status == _NOT_FOUND:
            code = "invalid_routing"
        if code is None:
            raise
        named = f": {error.vendor_code}" if error.vendor_code else ""
        raise CheckFailedError(code, f"Zendesk answered {error.status}{named}.") from error
