"""What the vendor offers to take, and what the end user takes of it: once, the newest alone."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.db.models import F

from conversations.errors import ChoiceClosedError, ClientFaultError
from conversations.socket.responder import GivenAnswer
from handoffs.models import Handoff, Offer
from handoffs.sending.form_answers import form_filled
from handoffs.sending.masking import masked, masks_of
from integrations.contract.rich_content import Answer
from integrations.kit.text_form import FORM_ID

# What is written behind a word or a number without meaning anything, once it is folded.
_TRAILING = " .,;:!?…。、)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RichLine:
    """What a message's payload says, and what is kept of it for an answer."""

    text: str = field(repr=False)
    payload: Mapping[str, Any] = field(repr=False)
    replies: Mapping[str, dict[str, str]] = field(repr=False)
    form: dict[str, Any] | None = field(repr=False)

    @property
    def content(self) -> dict[str, Any]:
        """Return the model as JSON under its name, or nothing for a plain text."""
        return {"content": self.payload["content"]} if "content" in self.payload else {}

    @property
    def offers(self) -> bool:
        """Say whether an answer to it can come back."""
        return bool(self.replies or self.form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an end user takes: the text everybody reads, and what the journal says of it."""

    text: str = field(repr=False)
    journal: dict[str, str]


def offer_store(handoff: Handoff, line_id: uuid.UUID, line: RichLine, message_id: str) -> list[str]:
    """Keep what a journaled line offers, in place of any older offer; return changed fields."""
    if not line.offers:
        return []
    Offer.objects.update_or_create(
        event_id=line_id,
        defaults=cast(
            dict[str, Any],
            {
                "handoff": handoff,
                "attempt": handoff.attempt,
                "vendor_message_id": message_id,
                "replies": dict(line.replies),
                "form": line.form,
                "values": None,
            },
        ),
    )
    handoff.open_offer = line_id
    return ["open_offer"]


def offer_change(
    handoff: Handoff, line_id: uuid.UUID, line: RichLine, message_id: str
) -> list[str]:
    """Let an edited message offer what it holds now, unless what it offered is past."""
    is_past = handoff.open_offer != line_id and Offer.objects.filter(pk=line_id).exists()
    if is_past:
        return []
    if not line.offers:
        return offer_withdraw(handoff, line_id)
    return offer_store(handoff, line_id, line, message_id)


def offer_withdraw(handoff: Handoff, line_id: uuid.UUID) -> list[str]:
    """Close what a line offers, if it is open; return changed fields."""
    if handoff.open_offer != line_id:
        return []
    handoff.open_offer = None
    return ["open_offer"]


def offer_take(handoff: Handoff, given: GivenAnswer) -> Taken:
    """Take what a client names; the caller holds the conversation's lock.

    Raises ChoiceClosedError for an offer that is not open, ClientFaultError for what it never had.
    """
    offer = _offer(handoff.conversation_id, given.message_id)
    if handoff.open_offer != offer.pk:
        raise ChoiceClosedError("choice_closed")
    if given.payload == FORM_ID and offer.form is not None:
        return _take_form(handoff, offer, given)
    reply = cast(Mapping[str, Any], offer.replies).get(given.payload)
    if reply is None:
        raise ClientFaultError("payload.answer.payload is not a choice of that message.")
    if given.values:
        raise ClientFaultError("payload.answer.values is for the answer to a form.")
    return _take(handoff, offer, given.payload, reply["label"])


def offer_check_closed(conversation_id: str, given: GivenAnswer) -> None:
    """Raise for an answer while nobody is asked: always, by whether there was such an offer."""
    _offer(conversation_id, given.message_id)
    raise ChoiceClosedError("choice_closed")


def offer_match(handoff: Handoff, text: str) -> Taken | None:
    """Take the choice that a typed text means; None for free text. The caller holds the lock."""
    if handoff.open_offer is None:
        return None
    offer = Offer.objects.filter(pk=handoff.open_offer).first()
    if offer is None:
        return None
    found = reply_meant(cast(Mapping[str, dict[str, str]], offer.replies), text)
    return _take(handoff, offer, found, offer.replies[found]["label"]) if found else None


def reply_meant(replies: Mapping[str, Mapping[str, str]], text: str) -> str | None:
    """Return the id of the one reply whose label or number in the text form a text is."""
    whole = _folded(text)
    for said in dict.fromkeys((whole, whole.rstrip(_TRAILING))):
        found = set(_with_label(replies, said)) if said else set()
        if found:
            return found.pop() if len(found) == 1 else None
        if said.isdecimal() and len(said) <= 4 and 1 <= int(said) <= len(replies):
            return list(replies)[int(said) - 1]
    return None


def answer_of(handoff_id: str, payload: Mapping[str, Any]) -> Answer | None:
    """Return what the vendor gets for a journaled message; None for text.

    What another vendor has offered is text for this one.
    """
    if not (said := payload.get("answer")):
        return None
    same = Offer.objects.filter(handoff=handoff_id, handoff__attempt=F("attempt"))
    offer = same.filter(pk=said["message_id"]).first()
    if offer is None:
        return None
    if said["payload"] == FORM_ID:
        token, values = offer.form["token"], offer.values or {}
    else:
        token, values = offer.replies[said["payload"]]["token"], {}
    return Answer(
        vendor_message_id=offer.vendor_message_id,
        token=token,
        label=payload["text"],
        values=values,
    )


def _offer(conversation_id: str, message_id: uuid.UUID) -> Offer:
    offer = Offer.objects.filter(pk=message_id, handoff__conversation_id=conversation_id).first()
    if offer is None:
        raise ClientFaultError("payload.answer.message_id is not a message that offers anything.")
    return offer


def _take_form(handoff: Handoff, offer: Offer, given: GivenAnswer) -> Taken:
    values, text = form_filled(offer.form, given.values)
    offer.values = cast(Any, _masked(handoff, offer, values))
    offer.save(update_fields=["values"])
    return _take(handoff, offer, FORM_ID, text)


def _masked(handoff: Handoff, offer: Offer, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as they leave; of what was chosen they hold the vendor's own token."""
    masks = masks_of(handoff.behaviour)
    chosen = {asked["name"] for asked in offer.form["fields"] if asked["kind"] == "select"}
    return {
        name: value if name in chosen else masked(value, masks) for name, value in values.items()
    }


def _take(handoff: Handoff, offer: Offer, payload: str, text: str) -> Taken:
    handoff.open_offer = None
    handoff.save(update_fields=["open_offer"])
    return Taken(text=text, journal={"message_id": str(offer.pk), "payload": payload})


def _with_label(replies: Mapping[str, Mapping[str, str]], said: str) -> Iterator[str]:
    for payload, reply in replies.items():
        label = _folded(reply["label"])
        if said in (label, label.rstrip(_TRAILING)):
            yield payload


def _folded(text: str) -> str:
    """Return a text without what people do not mean: letters' case and width, further blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
