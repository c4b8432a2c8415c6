"""What a vendor offers reads as numbered lines by SMS, and a number that is texted takes it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from conversations.journal.frames import EventType
from conversations.models import Conversation, Event
from conversations.models.conversation import TEXT_PLATFORM
from conversations.sms.wording import line_text
from handoffs.models import Handoff
from handoffs.receiving.rich_lines import rich_line
from handoffs.sending.offers import RichLine, reply_meant
from integrations.behaviour.sentence import Tongue
from integrations.connections.carriers.reading import TextLimits
from integrations.contract.carrier import ThreadPolicy
from integrations.contract.connector import OutboundMessage, VendorSession
from integrations.contract.events import LiveAgentJoined, LiveAgentMessage
from integrations.contract.rich_content import Answer
from tests.contract.bench import Bench, Listener, until

# Of these no kind has anything to choose from (Webex), or there are no kinds at all.
WITHOUT_CHOICES = {"webex", "five9", "salesforce_live_chat"}
LIMITS = TextLimits(characters=1600, media_bytes=0, media_files=0)


def texted(line: RichLine) -> str:
    """What stands on the phone of a line of the journal."""
    payload = {"attachments": [], **line.payload, "text": line.text}
    event = Event(type=EventType.LIVE_AGENT_MESSAGE, payload=payload, sequence=7)
    text = line_text(event, locale="en", policy=ThreadPolicy(), limits=LIMITS)
    return text.text if text else ""


async def received(
    bench: Bench, of: Listener, session: VendorSession, kind: str
) -> LiveAgentMessage:
    """The message that a kind becomes, whoever sends it."""

    def all_of() -> list[LiveAgentMessage]:
        return [*of.of(LiveAgentMessage), *of.of_bots()]

    before = {one.vendor_event_id for one in all_of()}
    await bench.act(session, "rich", kind=kind)
    await until(lambda: [one for one in all_of() if one.vendor_event_id not in before])
    return next(one for one in all_of() if one.vendor_event_id not in before)


def spoken() -> Handoff:
    """A handoff in English, by text: it is kept nowhere, and asks for no words of a project."""
    conversation = Conversation(locale="en", platform=TEXT_PLATFORM)
    conversation.__dict__["_known_tongue"] = Tongue("en", {})
    return Handoff(conversation=conversation)


async def test_what_is_offered_is_numbered_in_a_text_and_the_number_takes_it(bench: Bench):
    session, listener = await bench.started(bench.connector(), channel="sms")
    await listener.wait_for(LiveAgentJoined)
    handoff = spoken()
    taken: dict[str, str] = {}

    for kind in await bench.desk("GET", "/rich"):
        event = await received(bench, listener, session, kind)
        line = rich_line(handoff, event.text, event.markup, event.rich)
        text = texted(line)
        assert text or event.files, kind
        for number, reply in enumerate(line.replies.values(), start=1):
            assert f"{number}. {reply['label']}" in text, kind
        if not line.replies:
            continue
        wanted = list(line.replies)[-1]
        assert reply_meant(line.replies, f" {len(line.replies)}. ") == wanted
        reply = line.replies[wanted]
        message = OutboundMessage(
            message_id=str(uuid.uuid4()),
            text=reply["label"],
            sent_at=datetime.now(UTC),
            answer=Answer(
                vendor_message_id=event.vendor_message_id,
                token=reply["token"],
                label=reply["label"],
            ),
        )
        said_before = await bench.said_by(session, "end_user")
        await bench.connector().send_message(listener.session, message)
        said = await bench.said_by(session, "end_user")
        assert len(said) == len(said_before) + 1, kind
        # Some vendors want a word of their own in place of the label.
        assert said[-1].strip(), kind
        taken[kind] = said[-1]

    assert bool(taken) is (bench.key not in WITHOUT_CHOICES)
    assert len(set(taken.values())) > 1 or not taken
