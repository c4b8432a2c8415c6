"""What an admin enters: read out of whatever was pasted, and tested against Genesys Cloud."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

from integrations.contract.checks import Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import MissingPermissionError
from integrations.http.client import HttpClient
from integrations.kit.json_values import Json, as_object, as_text
from integrations.kit.pasted import split_address
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.channel import conversation_topics
from integrations.vendors.genesys.manifest import REGIONS

OVERRIDES = ("login_base_url", "api_base_url")
_IDS = ("integration_id", "client_id", "queue_id")
# Nothing has this id, so nothing can come of asking to change it.
NOBODY = "00000000-0000-4000-8000-000000000000"
_TOKEN_REFUSALS = (400, 401, 403, 404)
_OUR_PATH = re.compile(r"/handoff/webhooks/(?:[^/]+/)+events$")


# ---- what was pasted ----


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the credentials as they are kept, with a sentence for each change worth showing."""
    kept = dict(values)
    notices: list[str] = []
    if region := kept.get("region", ""):
        kept["region"] = domain_from(region)
        if kept["region"] != region:
            notices.append(f"The region was read as {kept['region']}.")
    for name in _IDS:
        text = kept.get(name, "")
        kept[name] = id_from(text)
        if "/" in text and kept[name] != text:
            notices.append("The id was taken out of the address that was pasted.")
    for name in OVERRIDES:
        kept[name] = kept.get(name, "").rstrip("/")
    return kept, tuple(notices)


def domain_from(text: str) -> str:
    """Find a region's domain in whatever names it: an AWS region, a host, an address."""
    wanted = text.strip().lower()
    if wanted in REGIONS:
        return REGIONS[wanted]
    host = host_of(wanted if "://" in wanted else f"https://{wanted}")
    # Longest first: mypurecloud.com.au also begins with mypurecloud.com.
    for domain in sorted(REGIONS.values(), key=len, reverse=True):
        if host == domain or host.endswith(f".{domain}"):
            return domain
    return text


def id_from(text: str) -> str:
    """Find the one id in a pasted address; anything else stays as it is."""
    found = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower())
    return found[-1] if found else text


def host_of(url: str) -> str:
    """Return an address's host; empty where there is none."""
    return split_address(url).hostname or ""


# ---- the connection test: reads, and writes that cannot succeed ----


class ConnectionChecks:
    """One run of the test; keeps what its checks have found."""

    def __init__(
        self, client: GenesysClient, http: HttpClient, credentials: Mapping[str, str]
    ) -> None:
        """Share the connector's client."""
        self._client = client
        self._http = http
        self._credentials = credentials
        self._has_token = False
        self._integration: Json = {}

    def run(self, *, is_probe: bool = False) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order.

        A probe tries no permission by doing, and makes no channel: a client has 20 of them, and
        one too many closes another.
        """
        checks: list[tuple[str, Check]] = [
            ("token", self._token),
            ("integration", self._find_integration),
            ("webhook", self._webhook),
            ("routing", self._routing),
        ]
        if not is_probe:
            checks.append(("permissions", self._permissions))
            if self._credentials.get("use_notifications", "true") != "false":
                checks.append(("notifications", self._notifications))
        if self._credentials.get("queue_id"):
            checks.append(("queue", self._queue))
        return run_checks(checks)

    async def _token(self) -> str:
        response = await self._client.tokens.answer(refusals=_TOKEN_REFUSALS)
        if response.status in _TOKEN_REFUSALS:
            raise CheckFailedError("invalid_auth", f"Genesys answered {response.status}.")
        await self._client.tokens.current()
        self._has_token = True
        return ""

    async def _find_integration(self) -> str:
        self._need(self._has_token)
        with _named_permission("messaging:integration:view"):
            found = await self._client.integration()
        self._integration = found
        created = as_text(found.get("createStatus"))
        if created and created.lower() != "completed":
            raise CheckFailedError("not_published", f"createStatus is {created[:40]}.")
        status = as_text(found.get("status"))
        if status and status.lower() != "active":
            raise CheckFailedError("disabled", f"status is {status[:40]}.")
        return self._http.without_secrets(as_text(found.get("name")))

    async def _webhook(self) -> str:
        self._need(bool(self._integration))
        theirs = as_text(self._integration.get("outboundNotificationWebhookUrl"))
        ours = self._credentials.get("webhook_url", "")
        accepted = (ours, *self._credentials.get("webhook_url_aliases", "").split())
        is_ours = theirs in accepted if ours else _OUR_PATH.search(theirs) is not None
        if not is_ours:
            wanted = ours or "an address that ends like Webhook URL"
            raise CheckFailedError("webhook_not_seen", f"Genesys calls {theirs}, not {wanted}.")
        return ""

    async def _routing(self) -> str:
        recipient = as_object(self._integration.get("recipient"))
        self._need(bool(self._integration))
        recipient_id = as_text(recipient.get("id")) or as_text(self._integration.get("id"))
        try:
            found = await self._client.recipient(recipient_id)
        except MissingPermissionError:
            return "The role may not read the routing (routing:message:manage)."
        flow = as_object(found.get("flow"))
        if not flow:
            raise CheckFailedError("not_published", "No flow is attached.")
        return as_text(flow.get("name"))

    async def _permissions(self) -> str:
        """Ask for things that cannot be done: only a lacking permission is told apart."""
        self._need(bool(self._integration))
        with _named_permission("conversation:message:receive"):  # an empty message is refused
            await self._client.inbound_message({}, returns=(400,))
        with _named_permission("conversation:communication:disconnect"):
            await self._client.disconnect(NOBODY, NOBODY, returns=(400, 404, 409))
        return ""

    async def _notifications(self) -> str:
        """Subscribe to a conversation that nobody has, on a channel that nobody listens to."""
        self._need(self._has_token)
        channel = await self._client.create_channel()
        answers = await self._client.subscribe(
            as_text(channel.get("id")), conversation_topics([NOBODY]), is_replacing=True
        )
        rejected = [answer for answer in answers if answer.get("state") == "Rejected"]
        if rejected:
            missing = rejected[0].get("missingPermissions")
            names = missing if isinstance(missing, list) else []
            wanted = ", ".join(map(as_text, names)) or "analytics:conversationDetail:view"
            raise CheckFailedError("missing_permission", f"The role lacks {wanted}.")
        return ""

    async def _queue(self) -> str:
        self._need(self._has_token)
        with _named_permission("routing:queue:view"):
            queue = await self._client.queue(self._credentials["queue_id"])
        return as_text(queue.get("name"))

    @staticmethod
    def _need(is_there: bool) -> None:
        if not is_there:
            raise CheckFailedError("skipped")


@contextmanager
def _named_permission(permission: str) -> Iterator[None]:
    try:
        yield
    except MissingPermissionError as error:
        raise CheckFailedError("missing_permission", f"The role lacks {permission}.") from error
