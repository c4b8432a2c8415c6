"""Salesforce's Chat REST API (Live Agent): one method for each noun."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from integrations.contract.errors import ConversationGoneError, InvalidAuthError
from integrations.http.client import REQUEST_SECONDS, FormData, HttpClient
from integrations.http.errors import VendorResponse
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.kit.waiting import RateBudget, RateTiming

# The first version that knows ReconnectSession is 37.
API_VERSION = "48"
UPLOAD_SECONDS = 60.0
# How long the server may hold a poll, where its first answer does not say.
DEFAULT_POLL_SECONDS = 40
_PAUSES = RateTiming(first=1.0, longest=60.0)
_GONE = {403: ConversationGoneError}
# Everything else in the body of a start is ours: a refusal means one of the ids.
_INIT_STATUSES = {400: InvalidAuthError, 403: ConversationGoneError}
_AVAILABILITY_STATUSES = {400: InvalidAuthError}
_TAKEN = 409
_OUT_OF_STEP = 409
_NUMBERS = re.compile(r"(expected|actual)\D{0,40}?(-?[0-9]{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSession:
    """What names a chat to the server; the key and the affinity token are as good as a password."""

    session_id: str
    key: str = field(repr=False)
    affinity: str = field(repr=False)
    poll_seconds: int = DEFAULT_POLL_SECONDS
    # Where the server has moved it; empty: where everything else is.
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """An answer of the long poll; without a sequence nothing is new.

    It is refused where another poll is open, or with `expected_ack` where ours is out of step.
    """

    messages: list[Json] = field(default_factory=list, repr=False)
    sequence: int | None = None
    offset: int | None = None
    is_refused: bool = False
    expected_ack: int | None = None


class LiveChatClient:
    """One deployment's API; keeps no chat."""

    def __init__(self, http: HttpClient, *, base_url: str, org_id: str) -> None:
        """Keep the address; ids are cut to the 15 characters that the API wants."""
        self._http = http
        self._base = f"{base_url.rstrip('/')}/chat/rest"
        self.org_id = org_id[:15]
        self._budget = RateBudget(_PAUSES, account=self.org_id, store=http.pauses)

    async def availability(
        self, deployment_id: str, button_id: str, *, timeout: float = REQUEST_SECONDS
    ) -> list[Json]:
        """Return what the server says of the button: a row, or nothing."""
        response = await self._availability(
            deployment_id, button_id, timeout=timeout, returns=range(0)
        )
        found = as_objects(as_object(response.json()).get("messages"))
        rows = [as_objects(as_object(one.get("message")).get("results")) for one in found]
        return [row for group in rows for row in group]

    async def reach(self, deployment_id: str, button_id: str, *, timeout: float) -> None:
        """Ask for anything: whatever the answer, somebody is there."""
        await self._availability(deployment_id, button_id, timeout=timeout, returns=range(100, 600))

    async def _availability(
        self, deployment_id: str, button_id: str, *, timeout: float, returns: Collection[int]
    ) -> VendorResponse:
        params = {
            "org_id": self.org_id,
            "deployment_id": deployment_id[:15],
            "Availability.ids": f"[{button_id[:15]}]",
        }
        return await self._http.request(
            "availability",
            "GET",
            f"{self._base}/Visitor/Availability",
            headers={"X-LIVEAGENT-API-VERSION": API_VERSION},
            params=params,
            timeout=timeout,
            statuses=_AVAILABILITY_STATUSES,
            returns=returns,
        )

    async def session_id(self) -> ChatSession:
        """Begin a session: nobody sees it before the chat is asked for."""
        async with self._budget.call("session_id"):
            response = await self._http.request(
                "session_id",
                "GET",
                f"{self._base}/System/SessionId",
                headers=_headers("null"),
            )
        fields = as_object(response.json())
        return ChatSession(
            session_id=as_text(fields.get("id")),
            key=as_text(fields.get("key")),
            affinity=as_text(fields.get("affinityToken")),
            poll_seconds=as_count(fields.get("clientPollTimeout")) or DEFAULT_POLL_SECONDS,
        )

    async def chasitor_init(self, session: ChatSession, body: Json, *, sequence: int) -> None:
        """Ask for a chat; raises InvalidAuthError where an id is wrong."""
        await self._post("chasitor_init", "ChasitorInit", session, body, sequence, _INIT_STATUSES)

    async def chat_message(self, session: ChatSession, text: str, *, sequence: int) -> None:
        """Send a text; the server passes over a sequence that it has had."""
        await self._post("chat_message", "ChatMessage", session, {"text": text}, sequence)

    async def typing(self, session: ChatSession, *, is_typing: bool) -> None:
        """Show or hide typing; in a pause it is left out, nobody misses one."""
        if not self._budget.is_held_back():
            await self._post(
                "typing", "ChasitorTyping" if is_typing else "ChasitorNotTyping", session, {}, None
            )

    async def chat_end(self, session: ChatSession) -> None:
        """End the chat for the end user."""
        await self._post("chat_end", "ChatEnd", session, {"reason": "client"}, None)

    async def resync_state(self, session: ChatSession) -> None:
        """Ask for the whole chat once more; it comes with the poll, as ChasitorSessionData."""
        body = {"organizationId": self.org_id}
        await self._post("resync_state", "ChasitorResyncState", session, body, None)

    async def messages(self, session: ChatSession, ack: int) -> Poll:
        """Wait for what is new behind `ack`; nothing came where there is no sequence."""
        response = await self._http.request(
            "messages",
            "GET",
            f"{self._at(session)}/System/Messages",
            headers=_headers(session.affinity, session.key),
            params={"ack": str(ack)},
            timeout=float(session.poll_seconds),
            statuses=_GONE,
            returns=(_OUT_OF_STEP,),
        )
        if response.status == _OUT_OF_STEP:
            return Poll(is_refused=True, expected_ack=_expected(response.body))
        if not response.body:
            return Poll()
        fields = as_object(response.json())
        return Poll(
            messages=as_objects(fields.get("messages")),
            sequence=as_count(fields.get("sequence")),
            offset=as_count(fields.get("offset")),
        )

    async def reconnect_session(self, session: ChatSession, offset: int) -> tuple[str, bool]:
        """Move to another server; return the new affinity token, and whether polls count anew."""
        response = await self._http.request(
            "reconnect_session",
            "GET",
            f"{self._at(session)}/System/ReconnectSession",
            headers=_headers(session.affinity, session.key),
            params={"ReconnectSession.offset": str(offset)},
            statuses=_GONE,
        )
        found = as_objects(as_object(response.json()).get("messages"))
        message = as_object(found[0].get("message")) if found else {}
        affinity = as_text(message.get("affinityToken")) or session.affinity
        return affinity, message.get("resetSequence") is True

    async def upload(
        self, session: ChatSession, url: str, token: str, *, file_name: str, content: bytes
    ) -> None:
        """Send the file that a live agent has asked for."""
        query = {
            "orgId": self.org_id,
            "chatKey": session.key.partition("!")[0],
            "fileToken": token,
            "encoding": "UTF-8",
        }
        # Names as they are written: quoted, a blank would be shown as %20.
        form = FormData(quote_fields=False)
        form.add_field("file", content, filename=file_name)
        await self._http.request(
            "upload",
            "POST",
            f"{url}{'&' if '?' in url else '?'}{urlencode(query)}",
            data=form,
            timeout=UPLOAD_SECONDS,
            statuses=_GONE,
        )

    def is_own(self, server: str) -> bool:
        """Say whether an address is the one that the admin entered."""
        return self._base == f"{server}/chat/rest"

    def _at(self, session: ChatSession) -> str:
        return f"{session.server}/chat/rest" if session.server else self._base

    async def _post(
        self,
        operation: str,
        noun: str,
        session: ChatSession,
        body: Json,
        sequence: int | None,
        statuses: Mapping[int, type[ConversationGoneError | InvalidAuthError]] = _GONE,
    ) -> None:
        numbered = {} if sequence is None else {"X-LIVEAGENT-SEQUENCE": str(sequence)}
        async with self._budget.call(operation):
            await self._http.request(
                operation,
                "POST",
                f"{self._at(session)}/Chasitor/{noun}",
                headers={**_headers(session.affinity, session.key), **numbered},
                json=body,
                statuses=statuses,
                # A number that the server has had: what it stands for was taken.
                returns=() if sequence is None else (_TAKEN,),
            )


def _headers(affinity: str, key: str = "") -> dict[str, str]:
    headers = {"X-LIVEAGENT-API-VERSION": API_VERSION, "X-LIVEAGENT-AFFINITY": affinity}
    return {**headers, "X-LIVEAGENT-SESSION-KEY": key} if key else headers


def _expected(body: bytes) -> int | None:
    """Read which ack the server wants, if that is what it says.

    Clients in use take what it calls actual, and one more.
    """
    words = body[:1000].decode(errors="replace")
    named = {name.lower(): int(number) for name, number in _NUMBERS.findall(words)}
    if "expected" in named:
        return named["expected"]
    return named["actual"] + 1 if "actual" in named else None
