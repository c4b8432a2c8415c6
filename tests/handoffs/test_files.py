"""Files in the journal: what the end user sends, what a live agent sent, and who is told what."""

from __future__ import annotations

import uuid

import pytest

from conversations.errors import NotAllowedError
from conversations.files.attachments import attachment_object
from conversations.journal.selectors import transcript_get
from conversations.models import Attachment, Conversation, Event
from conversations.socket.responder import responder
from handoffs.lifecycle.services import session_store
from handoffs.models import Delivery, Handoff
from handoffs.responder import message_accept
from handoffs.sending.files import file_store, message_fetched
from handoffs.sending.outbox import deliveries_pending
from handoffs.states import State
from integrations.contract.connector import VendorSession
from integrations.contract.events import LiveAgentMessage
from integrations.contract.rich_content import VendorFile
from tests import factories
from tests.conversations.uploading import PNG, stored
from tests.factories import joined
from tests.handoffs.receiving import behaving, new_lines, receive, sequence

pytestmark = pytest.mark.django_db


def send(conversation_id: str, *file_ids: uuid.UUID, text: str = "", client_id: str = ""):
    return message_accept(
        conversation_id=conversation_id,
        text=text,
        client_event_id=client_id,
        metadata=None,
        file_ids=file_ids,
    )


def from_agent(*names: str, text: str = "") -> LiveAgentMessage:
    files = [
        VendorFile(file_name=name, mime_type="image/png", url="https://files.example/1")
        for name in names or ("map.png",)
    ]
    return factories.spoke(text, agent_name="Noor Halvorsen", files=tuple(files))


def fetched(handoff: Handoff, event: LiveAgentMessage, *contents: bytes | None) -> LiveAgentMessage:
    """Return a message as the relay passes it on; None is a file that could not be fetched."""
    ids = [
        None if content is None else file_store(handoff.conversation_id, file, content)
        for file, content in zip(event.files, contents, strict=True)
    ]
    return message_fetched(event, ids)


# ---- the end user's ----


def test_a_message_with_files_is_journaled_with_them_and_queued_for_the_vendor(active):
    file = stored(active.conversation_id)

    [line] = send(active.conversation_id, file.pk, text="My receipt")

    assert (line.payload["text"], line.payload["attachments"]) == (
        "My receipt",
        [attachment_object(file)],
    )
    file.refresh_from_db()
    assert file.event == line
    [pending] = deliveries_pending(active.pk)
    assert (pending.text, pending.file_ids, pending.parts_sent) == (
        "My receipt",
        (str(file.pk),),
        0,
    )


def test_the_transcript_names_the_files(active):
    file = stored(active.conversation_id)

    send(active.conversation_id, file.pk)
    send(active.conversation_id, file.pk, text="My receipt")

    said = [entry["text"] for entry in transcript_get(active.conversation)]
    assert said[-2:] == ["[File: receipt.png]", "My receipt\n[File: receipt.png]"]


def test_the_same_message_twice_is_one(active):
    file = stored(active.conversation_id)

    [first] = send(active.conversation_id, file.pk, client_id="c1")
    [again] = send(active.conversation_id, file.pk, client_id="c1")

    assert first == again
    assert Delivery.objects.count() == 1


def test_a_file_of_another_session_cannot_be_sent(active):
    strange = stored(factories.conversation().pk)
    of_agent = stored(active.conversation_id, direction=Attachment.Direction.FROM_LIVE_AGENT)

    for file_id in (strange.pk, of_agent.pk, uuid.uuid4()):
        with pytest.raises(NotAllowedError, match="not in this session"):
            send(active.conversation_id, file_id)
    assert not Delivery.objects.exists()


def test_the_ai_agent_gets_no_files():
    conversation = factories.conversation()
    file = stored(conversation.pk)

    with pytest.raises(NotAllowedError, match="live agent"):
        send(conversation.pk, file.pk)

    assert Conversation.objects.get(pk=conversation.pk).answer_due_at is None


def test_a_switch_keeps_the_end_users_files_back():
    handoff = behaving(attachments_user=False)
    file = stored(handoff.conversation_id)

    with pytest.raises(NotAllowedError, match="takes them"):
        send(handoff.conversation_id, file.pk)


# ---- the widget is told ----


def test_who_joins_says_which_files_are_taken():
    handoff = behaving(State.QUEUED)
    before = sequence(handoff)

    receive(handoff, joined())

    [(_, payload)] = new_lines(handoff, before)
    assert payload["attachment_limits"]["max_bytes"] == 5 * 1024 * 1024
    assert "image/png" in payload["attachment_limits"]["mime"]


def test_what_the_vendor_said_of_its_files_counts_before_what_is_known_of_it():
    handoff = behaving(State.QUEUED)
    megabyte = 1024 * 1024
    told = VendorSession(vendor_conversation_id="v-1", state={"max_file_bytes": 2 * megabyte})
    handoff.vendor_session = session_store(told)
    handoff.save()

    limits = responder().attachment_limits(conversation_id=str(handoff.conversation_id))

    assert limits is not None
    assert limits.max_bytes == 2 * megabyte


def test_who_joins_says_nothing_of_files_where_none_are_taken():
    handoff = behaving(State.QUEUED, attachments_user=False)
    before = sequence(handoff)

    receive(handoff, joined())

    [(_, payload)] = new_lines(handoff, before)
    assert set(payload) == {"agent"}


# ---- the live agent's ----


def test_a_fetched_file_becomes_a_message_with_an_attachment_once(active):
    event = fetched(active, from_agent(), PNG)
    before = sequence(active)

    receive(active, event, event)

    [(kind, payload)] = new_lines(active, before)
    [file] = Attachment.objects.all()
    assert (kind, payload["text"]) == ("LIVE_AGENT_MESSAGE", "")
    assert payload["attachments"] == [attachment_object(file)]
    assert (file.name, file.mime_type, file.file.read()) == ("map.png", "image/png", PNG)
    assert file.event == Event.objects.get(pk=payload["message_id"])


def test_text_and_files_of_one_message_are_one_line_in_order_and_what_did_not_come_is_named(active):
    event = from_agent("a.png", "b.png", "c.png", text="Three maps")
    before = sequence(active)

    receive(active, fetched(active, event, PNG, None, PNG))

    (kind, payload), (_, missing) = new_lines(active, before)
    assert (kind, payload["text"]) == ("LIVE_AGENT_MESSAGE", "Three maps")
    assert [file["title"] for file in payload["attachments"]] == ["a.png", "c.png"]
    assert missing["code"] == "file_not_fetched" and "b.png" in missing["message"]


def test_a_file_that_is_not_what_it_claims_is_never_shown_as_a_picture(active):
    receive(active, fetched(active, from_agent(), b"<script>"))

    [file] = Attachment.objects.all()
    assert file.mime_type == "application/octet-stream"


def test_a_file_that_could_not_be_fetched_is_a_line_that_names_it(active):
    before = sequence(active)

    receive(active, from_agent("../map.png"))

    [(kind, payload)] = new_lines(active, before)
    assert (kind, payload["code"], payload["message"]) == (
        "SYSTEM_MESSAGE",
        "file_not_fetched",
        "The live agent sent the file map.png. It could not be fetched; ask for it in another way.",
    )


def test_a_live_agent_may_send_a_file_before_we_saw_them_join(queued):
    before = sequence(queued)

    receive(queued, fetched(queued, from_agent(), PNG))

    assert [kind for kind, _ in new_lines(queued, before)] == [
        "LIVE_AGENT_JOINED",
        "LIVE_AGENT_MESSAGE",
    ]
