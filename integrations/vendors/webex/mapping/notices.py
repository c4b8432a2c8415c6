"""Verifies and reads one call of Webex's, of either path; does no I/O.

Live bodies were seen flattened, and with parts as JSON in a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.contract.rich_content import VendorFile
from integrations.kit.json_values import (
    Json,
    as_count,
    as_id,
    as_object,
    as_text,
    count_read,
    json_digest,
)
from integrations.kit.pasted import split_address
from integrations.kit.plain_json import vendor_object
from integrations.kit.signatures import require_recent, require_signature

SIGNATURE_HEADER, TIMESTAMP_HEADER = "x-webexcc-signature", "x-webexcc-timestamp"
WINDOW = timedelta(minutes=5)
# The asset signs messages of the flow and of live agents, the subscriptions sign all else.
_SECRETS = ("asset_webhook_secret", "subscription_secret")

APPENDED, APPEND_FAILED = "task-message:appended", "task-message:append-failed"
NEW, CONNECT, CONNECTED = "task:new", "task:connect", "task:connected"
PARKED, ENDED, FAILED = "task:parked", "task:ended", "task:failed"
TRANSFERRED = "task:conference-transferred"
# Told, and nothing for the end user: nobody comes or goes, or another event says who.
NOTED = frozenset(
    {CONNECT, "task:on-hold", "task:hold-done", "task:consulting", "task:consult-done"}
    | {"task:conferencing", "task:conference-done", "task:origin-updated"}
)
ALREADY_OPEN = "CONVERSATION_ALREADY_OPEN"
CREATION_FAILED = "CONVERSATION_CREATION_FAILED"
# Why an accepted task came to nothing: the code of our error, and what to do about it.
REFUSALS: Mapping[str, tuple[str, str]] = {
    "CHANNEL_ASSET_UNDEFINED": ("invalid_routing", "no asset has the business address"),
    "ENTRY_POINT_NOT_FOUND": ("invalid_routing", "the asset has no active entry point"),
    "FEATURE_FLAG_DISABLED": ("missing_permission", "Cisco has not enabled this Beta for you"),
    "ORG_DIGITAL_CONTACT_LIMIT_EXCEEDED": ("no_live_agents", "too many contacts are open"),
    CREATION_FAILED: ("cannot_connect", "Webex could not create the conversation, twice"),
    ALREADY_OPEN: ("rejected", "another task is open for it, which somebody has to end"),
}
# What an append may be sent again after.
NOT_FOUND, INTERNAL_ERROR = "NOT_FOUND", "INTERNAL_ERROR"
_SPEAKERS = frozenset({"agent", "system"})
_KEY_MARKS = frozenset({"keyuri", "jwe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One call as far as we know it; what it lacks is empty."""

    kind: str
    task_id: str
    origin: str
    at: datetime
    event_id: str
    message_type: str
    data: Json = field(repr=False)
    message: Json = field(repr=False)

    @property
    def sender(self) -> str:
        """Who wrote: agent, system or nobody."""
        return as_text(self.data.get("senderType")).strip().lower()

    @property
    def sender_id(self) -> str:
        """The live agent's id, of either of the two kinds that Webex has."""
        return as_id(self.data.get("senderId"))

    @property
    def is_outbound(self) -> bool:
        """Say whether this is a word to the end user; live bodies vary in what they say of it."""
        direction = as_text(self.data.get("messageDirection")).strip().upper()
        return direction == "OUTBOUND" or (direction != "INBOUND" and self.sender in _SPEAKERS)

    @property
    def alias(self) -> str:
        """The message's id, which its repeats share."""
        return as_id(self.message.get("aliasId"))

    @property
    def text(self) -> str:
        """What was written, maybe in HTML."""
        return as_text(self.message.get("text"))

    @property
    def reason(self) -> str:
        """Why something failed, in Webex's code."""
        return as_text(self.data.get("reason"))[:64]

    @property
    def files(self) -> tuple[VendorFile, ...]:
        """The files that can be fetched as they are."""
        return tuple(
            VendorFile(
                file_name=as_text(one.get("fileName")) or "file",
                mime_type=as_text(one.get("mimeType")) or "application/octet-stream",
                url=as_text(one.get("url")),
            )
            for one in self._attachments()
            if not _is_encrypted(one)
        )

    @property
    def has_encrypted_file(self) -> bool:
        """Say whether a file can only be read with keys of the organization's."""
        return any(map(_is_encrypted, self._attachments()))

    @property
    def other_task(self) -> str:
        """The task that is open already; its id stands last in a sentence."""
        words = as_text(self.data.get("errorMessage")).replace(".", " ").split()
        return next((word for word in reversed(words) if _is_uuid(word)), "")

    @property
    def has_lost_its_files(self) -> bool:
        """Say whether a message of ours with files was appended without them."""
        is_of_text = self.message_type != "text-with-attachments"
        return not (is_of_text or self.message.get("attachments"))

    def _attachments(self) -> Iterator[Json]:
        found = self.message.get("attachments")
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict) and as_text(one.get("url")):
                yield one


def parsed(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return the item of a call; raises WebhookVerificationError before reading the body."""
    _verify(request, credentials)
    body = vendor_object(request.body)
    _refuse_old(request.headers.get(TIMESTAMP_HEADER, ""), body)
    org_id = as_text(body.get("comciscoorgid"))
    if org_id and org_id.lower() != credentials.get("org_id", "").lower():
        raise WebhookVerificationError("webhook: the call is of another organization")
    notice = notice_of(body)
    key = notice.task_id or notice.origin
    if not key:
        return WebhookResult()  # about agents or captures: nobody waits for it
    item = WebhookItem(item_id=item_id_of(notice), key=key, body=body)
    return WebhookResult(items=(item,))


def _verify(request: WebhookRequest, credentials: Mapping[str, str]) -> None:
    given = request.headers.get(SIGNATURE_HEADER, "").lower()
    of_asset, of_subscriptions = (credentials.get(name, "") for name in _SECRETS)
    try:
        require_signature(given, of_asset, request.body)
    except WebhookVerificationError:
        require_signature(given, of_subscriptions, request.body)


def _refuse_old(header: str, body: Json) -> None:
    """Judge the time where the header is there; whether the asset sends it is not known."""
    if not header:
        return
    stamp = milliseconds(header)
    if stamp is None or stamp != milliseconds(body.get("comciscotimestamp")):
        raise WebhookVerificationError("webhook: the timestamp is not the body's")
    require_recent(datetime.fromtimestamp(stamp / 1000, UTC), WINDOW)


def refusal_of(notice: Notice) -> tuple[str, str]:
    """Return the code of our error for a failed task, and a sentence for the operator."""
    code, sentence = REFUSALS.get(notice.reason, ("rejected", "Webex did not create the task"))
    return code, f"create_task: {sentence} ({notice.reason or 'no reason given'})"


def notice_of(body: Json) -> Notice:
    """Read a call; nothing in it makes this raise."""
    data = _opened(body.get("data"))
    params = _opened(data.get("channelParams"))
    message = _opened(params.get("message")) or params or data
    kind = as_text(body.get("type"))
    named = as_id(data.get("taskId"))
    task_id = named or (as_id(body.get("id")) if kind.startswith("task:") else "")
    at = _moment(body.get("comciscotimestamp")) or _moment(data.get("createdTime"))
    # A lifecycle event's id is its task's, and comes again with the next one.
    parts = [body.get("id"), kind, task_id, str(body.get("comciscotimestamp"))]
    return Notice(
        kind=kind,
        task_id=task_id,
        origin=_name(data.get("origin")),
        at=at or datetime.now(UTC),
        event_id=json_digest(parts)[:32],
        message_type=as_text(params.get("type")),
        data=data,
        message=message,
    )


def item_id_of(notice: Notice) -> str:
    """Name a call so that its repeat, on whichever of the two paths, has the same name."""
    if notice.kind == APPENDED and notice.alias:
        way = "out" if notice.is_outbound else "in"
        return f"{way}:{notice.task_id}:{notice.alias}"[:200]
    return notice.event_id


def milliseconds(value: object) -> int | None:
    """Read a time in milliseconds, which comes as a number or as a text."""
    return as_count(count_read(value.strip()) if isinstance(value, str) else value)


def _moment(value: object) -> datetime | None:
    found = milliseconds(value)
    return datetime.fromtimestamp(found / 1000, UTC) if found else None


def _opened(value: object) -> Json:
    """Return an object, also where it comes as JSON in a text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return vendor_object(value)
    return as_object(value)


def _name(value: object) -> str:
    """Return an id, which stands by itself in events and in an object in requests."""
    return as_id(value) or as_id(as_object(value).get("id"))


def _is_encrypted(attachment: Json) -> bool:
    names = {name.lower() for name in attachment}
    query = split_address(as_text(attachment.get("url"))).query
    names |= {name.lower() for name, _ in parse_qsl(query)}
    return not names.isdisjoint(_KEY_MARKS)


def _is_uuid(word: str) -> bool:
    return len(word) == 36 and [len(part) for part in word.split("-")] == [8, 4, 4, 4, 12]
