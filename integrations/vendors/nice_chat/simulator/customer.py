"""What each frame of a customer does: in the web client's dialect and in the mobile ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.nice_chat.simulator import events
from integrations.vendors.nice_chat.simulator.world import (
    OVER,
    GuestSocket,
    NiceChatWorld,
    Thread,
    moment,
)

MAX_FIELD = 1024
ALIASES: Mapping[str, str] = {
    "AuthorizeConsumer": "AuthorizeCustomer",
    "ReconnectCustomer": "ReconnectConsumer",
    "MessageSeenByCustomer": "MessageSeenByConsumer",
    "SetCustomerCustomFields": "SetConsumerCustomFields",
    "SetContactCustomFields": "SetConsumerContactCustomFields",
}
Body = Mapping[str, Any]


class FrameRefusedError(Exception):
    """CXone refuses a frame; without a code, by the name of the event's own failure."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def answer(world: NiceChatWorld, socket: GuestSocket, frame: Body) -> list[dict[str, Any]]:
    """Do what a frame asks, and return what its sender gets; anything odd raises."""
    payload = frame["payload"]
    event = ALIASES.get(payload["eventType"], payload["eventType"])
    is_register = event == "AuthorizeCustomer"
    if frame["action"] != ("register" if is_register else "chatWindowEvent"):
        raise ValueError("action")
    _judge(world, payload)
    if not frame["eventId"]:
        raise ValueError("eventId")
    call = Call(world, socket, payload)
    if not is_register and not socket.is_authorized:
        raise FrameRefusedError("The customer is not authorized.")
    name, data = EVENTS[event](call)
    replies = [{"eventId": frame["eventId"], "postback": {"eventType": name, "data": data}}]
    # The web client begins its heartbeat with this.
    return [{"authorizationStatus": "authorized"}, *replies] if is_register else replies


def _judge(world: NiceChatWorld, payload: Body) -> None:
    switches = world.switches
    if (
        payload["brand"]["id"] != switches.brand_id
        or payload["channel"]["id"] != switches.channel_id
    ):
        raise ValueError("brand or channel")
    for name in ("data", "destination", "visitor"):
        if not isinstance(payload.get(name, {}), dict):
            raise ValueError(name)


class Call:
    """One frame, its sender, and what it may do."""

    def __init__(self, world: NiceChatWorld, socket: GuestSocket, payload: Body) -> None:
        self.world = world
        self.socket = socket
        self.data: Body = payload["data"]
        self.identity: Body = (
            payload.get("consumerIdentity") or payload.get("customerIdentity") or {}
        )
        given = self.identity.get("idOnExternalPlatform")
        if given and socket.customer_id and given != socket.customer_id:
            raise FrameRefusedError("This socket is another customer's.")
        self.customer_id = given or socket.customer_id

    def authorize(self) -> tuple[str, Body]:
        """Let a customer in by the id it says."""
        if self.world.switches.secured_sessions or not self.customer_id:
            raise FrameRefusedError("A transaction token is needed.", "ConsumerReconnectionFailed")
        self.data["authorization"]["authorizationCode"]
        self.socket.customer_id, self.socket.is_authorized = self.customer_id, True
        return "ConsumerAuthorized", {
            "status": "success",
            "consumerIdentity": {"idOnExternalPlatform": self.customer_id, "image": ""},
            "customer": {"customFields": []},
            "contact": {"customFields": []},
        }

    def recover_thread(self) -> tuple[str, Body]:
        """Give a thread of a messaging channel with its newest messages."""
        self._need_channel(is_live=False)
        return "ThreadRecovered", self._recovered(self._named(or_last=True))

    def recover_livechat(self) -> tuple[str, Body]:
        """Give a live chat; one that is closed may be gone."""
        self._need_channel(is_live=True)
        thread = self._named(or_last=True)
        if thread.is_over and self.world.switches.closed_is_gone:
            raise FrameRefusedError("The live chat is closed.")
        return "LivechatRecovered", self._recovered(thread)

    def load_more(self) -> tuple[str, Body]:
        """Give the next older page."""
        thread = self._named()
        end = int(self.data["scrollToken"])
        page, token = self._page(thread, end)
        return "MoreMessagesLoaded", {"messages": page, "scrollToken": token, "contactHistory": []}

    def list_threads(self) -> tuple[str, Body]:
        """List the customer's threads."""
        own = [t for t in self.world.conversations.values() if t.customer_id == self.customer_id]
        return "ThreadListFetched", {"threads": [events.thread_view(one) for one in own]}

    def load_metadata(self) -> tuple[str, Body]:
        """Give a thread's newest message and who has it."""
        thread = self._named()
        owner = events.user(thread.agents[-1]) if thread.agents else None
        last = events.cut(self.world, thread.messages[-1]) if thread.messages else None
        return "ThreadMetadataLoaded", {"lastMessage": last, "ownerAssignee": owner}

    def send_message(self) -> tuple[str, Body]:
        """Take a message; the first one of a contact opens it."""
        thread, content = self._thread_to_write(), self.data["messageContent"]
        files = [self._attachment(one) for one in self.data.get("attachments") or []]
        text = content["payload"]["text"]
        if (
            content["type"] != "TEXT"
            or not self.data["idOnExternalPlatform"]
            or (not text and not files)
        ):
            raise FrameRefusedError("A message needs an id, and a text or a file.")
        is_new = thread.contact is None or thread.contact.status in OVER
        if is_new:
            self._open_contact(thread)
        made = events.message(
            thread,
            {"type": "TEXT", "payload": {"text": text}, "text": text},
            external_id=self.data["idOnExternalPlatform"],
            attachments=files,
        )
        if postback := content.get("postback") or content["payload"].get("postback"):
            thread.answers[made["id"]] = {"label": text, "postback": postback}
        self._tell(thread, made, is_new=is_new)
        return "MessageSent", {}

    def seen(self) -> tuple[str, Body]:
        """Mark what agents wrote as seen."""
        for one in self._named().messages:
            one["customerStatistics"]["seenAt"] = one["customerStatistics"]["seenAt"] or moment()
        return "MessageSeenByConsumer", {}

    def type_on(self) -> tuple[str, Body]:
        """Show the customer's typing."""
        self._named().is_typing = True
        return "SenderTypingStarted", {}

    def type_off(self) -> tuple[str, Body]:
        """Hide the customer's typing."""
        self._named().is_typing = False
        return "SenderTypingEnded", {}

    def customer_fields(self) -> tuple[str, Body]:
        """Set fields of the customer."""
        known = self.world.switches.customer_fields
        for thread in self.world.conversations.values():
            if thread.customer_id == self.customer_id:
                thread.customer_fields |= _fields(self.data["customFields"], known)
        return "ConsumerCustomFieldsSet", {}

    def contact_fields(self) -> tuple[str, Body]:
        """Set fields of the newest contact."""
        if contact := self._named().contact:
            known = self.world.switches.case_fields
            contact.custom_fields |= _fields(self.data["customFields"], known)
        return "ConsumerContactCustomFieldsSet", {}

    def end_contact(self) -> tuple[str, Body]:
        """Close the contact of a live chat for the customer."""
        self._need_channel(is_live=True)
        thread = self._named()
        if thread.contact is None or thread.contact.contact_id != self.data["contact"]["id"]:
            raise FrameRefusedError("There is no such contact.", "SendingMessageFailed")
        if not thread.is_over:
            thread.ended_by = "customer"
            thread.agents.clear()
            events.push_status(self.world, thread, "closed")
        return "ContactEnded", {}

    def archive(self) -> tuple[str, Body]:
        """Let a thread take no more messages."""
        self._need_channel(is_live=False)
        thread = self._named()
        thread.is_archived, thread.ended_by = True, thread.ended_by or "customer"
        return "ThreadArchived", {}

    def grant(self) -> tuple[str, Body]:
        """Make a token for one GET."""
        self._named()
        token = self.world.grant(f"url:{self.data['url']}").token
        return "AuthorizationTokenGenerated", {"authorizationToken": {"token": token}}

    def nothing(self) -> tuple[str, Body]:
        """Take what leaves no trace here."""
        return "Accepted", {}

    # -- What they share ----------------------------------------------------------------------

    def _named(self, *, or_last: bool = False) -> Thread:
        named = self.data.get("thread", {}).get("idOnExternalPlatform")
        if named is None and or_last:
            own = [
                t for t in self.world.conversations.values() if t.customer_id == self.customer_id
            ]
            named = own[-1].external_id if own else ""
        thread = self.world.thread_of(self.customer_id, named or "")
        if thread is None:
            raise FrameRefusedError("There is no such thread.")
        return thread

    def _need_channel(self, *, is_live: bool) -> None:
        if self.world.switches.is_live_chat != is_live:
            raise FrameRefusedError("This channel is of the other kind.")

    def _thread_to_write(self) -> Thread:
        world, named = self.world, self.data["thread"]["idOnExternalPlatform"]
        found = world.thread_of(self.customer_id, named)
        if found is None:
            found = self._new_thread(named)
        if found.is_archived:
            raise FrameRefusedError("The thread is archived.")
        if world.switches.is_live_chat and found.contact and found.contact.status in OVER:
            raise FrameRefusedError("The live chat is closed.")
        return found

    def _new_thread(self, named: str) -> Thread:
        world = self.world
        own = [t for t in world.conversations.values() if t.customer_id == self.customer_id]
        if named in world.conversations or (own and not world.switches.has_multiple_threads):
            raise FrameRefusedError("The customer cannot have this thread.")
        thread = Thread(
            external_id=named,
            customer_id=self.customer_id,
            first_name=self.identity.get("firstName") or "",
            last_name=self.identity.get("lastName") or "",
            queue=world.switches.queue,
        )
        given = self.data.get("consumer", {}).get("customFields", [])
        thread.customer_fields = _fields(given, world.switches.customer_fields)
        return thread

    def _open_contact(self, thread: Thread) -> None:
        switches = self.world.switches
        given = self.data.get("consumerContact", {}).get("customFields", [])
        fields = _fields(given, [*switches.case_fields, switches.required_field])
        if switches.required_field and not fields.get(switches.required_field):
            raise FrameRefusedError("A field of the pre-contact form is missing.")
        self.world.conversations.add(thread)
        thread.ended_by = None
        thread.contacts.append(self.world.new_contact(fields))

    def _tell(self, thread: Thread, made: Body, *, is_new: bool) -> None:
        told = {"thread": events.thread_view(thread), "case": events.case(thread)}
        sent = {"idOnExternalPlatform": made["idOnExternalPlatform"]}
        events.push(self.world, thread, "MessageSent", {**told, "message": sent})
        if is_new:
            events.push(self.world, thread, "CaseCreated", told)
        if self.world.switches.echoes:
            events.push_message(self.world, thread, made)
            events.push_message(self.world, thread, made, "MessageAddedIntoCase")
        if is_new:
            events.push_positions(self.world)

    def _attachment(self, given: Body) -> dict[str, Any]:
        stored = self.world.files.get(given["url"].rpartition("/")[2])
        if stored is None or not given["friendlyName"]:
            raise FrameRefusedError("This file was not uploaded.")
        return file_view(self.world, stored)

    def _recovered(self, thread: Thread) -> dict[str, Any]:
        page, token = self._page(thread, len(thread.messages))
        contact = thread.contact
        owner = events.user(thread.agents[-1]) if thread.agents else None
        return {
            "thread": events.thread_view(thread),
            "contact": {
                "id": contact.contact_id,
                "status": contact.status,
                "customFields": events.pairs(contact.custom_fields),
            }
            if contact
            else None,
            "ownerAssignee": owner,
            "inboxAssignee": owner,
            "messages": page,
            "messagesScrollToken": token,
            "contactHistory": [],
            "customer": {"customFields": events.pairs(thread.customer_fields)},
        }

    def _page(self, thread: Thread, end: int) -> tuple[list[Any], str]:
        """Return a page, newest first, and the token of the next older one; empty for none."""
        begin = max(end - self.world.switches.page_size, 0)
        page = [events.cut(self.world, one) for one in thread.messages[begin:end]]
        return page[::-1], str(begin) if begin else ""


def file_view(world: NiceChatWorld, stored: Any) -> dict[str, Any]:
    """Return a file as messages name it."""
    url = f"{world.base_url}/files/{stored.file_id}"
    return {
        "id": stored.file_id,
        "friendlyName": stored.name,
        "url": url,
        "securedPermanentUrl": url,
        "mimeType": stored.mime_type,
        "previewUrl": "",
        "isInline": False,
        "canBeStored": True,
    }


def _fields(given: Any, known: list[str]) -> dict[str, str]:
    """Return the fields that the channel knows; others are dropped without a word."""
    fields = {one["ident"]: one["value"] for one in given}
    if any(not isinstance(value, str) or len(value) > MAX_FIELD for value in fields.values()):
        raise FrameRefusedError("A custom field is no text of up to 1024 characters.")
    return {ident: value for ident, value in fields.items() if ident in known}


EVENTS: Mapping[str, Callable[[Call], tuple[str, Body]]] = {
    "AuthorizeCustomer": Call.authorize,
    "RecoverThread": Call.recover_thread,
    "RecoverLivechat": Call.recover_livechat,
    "LoadMoreMessages": Call.load_more,
    "FetchThreadList": Call.list_threads,
    "LoadThreadMetadata": Call.load_metadata,
    "SendMessage": Call.send_message,
    "MessageSeenByConsumer": Call.seen,
    "SenderTypingStarted": Call.type_on,
    "SenderTypingEnded": Call.type_off,
    "SetConsumerCustomFields": Call.customer_fields,
    "SetConsumerContactCustomFields": Call.contact_fields,
    "EndContact": Call.end_contact,
    "ArchiveThread": Call.archive,
    "GenerateAuthorizationToken": Call.grant,
    **dict.fromkeys(
        (
            "StoreVisitor",
            "StoreVisitorEvents",
            "SendPageViews",
            "SendMessagePreview",
            "UpdateThread",
        ),
        Call.nothing,
    ),
}
