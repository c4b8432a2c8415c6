"""What a live agent gets when a handoff begins: transcript, summary, context and a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conversations.ai_agent.topics.dialog import Dialog
from conversations.journal.frames import EventType
from conversations.journal.selectors import TranscriptEntry, transcript_get
from conversations.models import Event
from handoffs.models import Handoff
from handoffs.relay.screen_pop.facts import attributes_of, standard_context
from handoffs.relay.screen_pop.links import transcript_url
from handoffs.relay.screen_pop.model_summary import SummaryWish, summary_model
from handoffs.relay.screen_pop.summary import BY_MODEL, BY_SENTENCES, BY_TOOL, summary_of
from handoffs.sending.masking import masked, masks_of
from integrations.contract.connector import TranscriptLine
from integrations.contract.registry import manifest_get

_SPEAKERS = {"user": "end_user", "bot": "ai_agent", "live_agent": "live_agent", "system": "system"}
SUMMARY_MAX, ATTRIBUTES_MAX = 4000, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPop:
    """The transcript that goes along, the routing with what we add to it, and a link to it all."""

    transcript: list[TranscriptLine] = field(repr=False)
    routing: Mapping[str, Any] = field(repr=False)
    # For where the vendor's own limit cuts the transcript; empty where none goes along.
    transcript_url: str = field(repr=False)
    # Who has made the summary; and what the model is asked for it, where one is set.
    summary_by: str = ""
    wish: SummaryWish | None = field(default=None, repr=False)


def transcript_lines(handoff: Handoff, *, limit: int) -> list[TranscriptLine]:
    """Return what was said before the handoff, masked; what came after travels as deliveries."""
    trigger = Event.objects.filter(
        conversation_id=handoff.conversation_id,
        type=EventType.POLY_AGENT_TRIGGERED_HANDOFF,
        payload__handoff_id=handoff.pk,
    ).first()
    said = transcript_get(
        handoff.conversation, until_sequence=trigger.sequence if trigger else 0, limit=limit
    )
    masks = masks_of(handoff.behaviour)
    return [replace(line, text=masked(line.text, masks)) for line in map(_line, said)]


def screen_pop_of(handoff: Handoff) -> ScreenPop:
    """Return what a vendor is given at the beginning, masked and as long as the admin chose."""
    behaviour = handoff.behaviour
    mode = str(handoff.routing.get("transcript") or behaviour.transcript_mode)
    if handoff.conversation.is_discarded:
        mode = "none"
    said = transcript_lines(handoff, limit=behaviour.transcript_max_messages + 1)
    is_cut = len(said) > behaviour.transcript_max_messages
    said = said[-behaviour.transcript_max_messages :]
    url = "" if mode == "none" else transcript_url(handoff)
    link = url if mode == "link" or behaviour.transcript_link else ""
    routing = dict(handoff.routing) | ({} if mode == "full" else {"transcript": mode})
    summary = _summary(handoff, said, mode, link)
    routing |= {"summary": summary.text} if summary.text else {}
    if note := str(routing.get("note") or ""):
        routing["note"] = masked(note, masks_of(behaviour))
    routing |= _attributes(handoff, said, link)
    routing = _answered(handoff, routing)
    if mode == "none":
        return ScreenPop(transcript=[], routing=routing, transcript_url="")
    more = [_more(said[0], url)] if is_cut and said else []
    return ScreenPop(
        transcript=[*_before(handoff), *more, *said],
        routing=routing,
        transcript_url=url,
        summary_by=summary.by,
        wish=summary.wish,
    )


def _answered(handoff: Handoff, routing: dict[str, Any]) -> dict[str, Any]:
    """Add what the end user answered before the conversation, where no tool says otherwise.

    Nobody vouches for it: an address is an attribute to read, and never an identity.
    """
    answers = handoff.conversation.context.get("form") or {}
    integration = handoff.integration
    if not answers or integration is None:
        return routing
    person = {"user_display_name": answers["name"]} if answers.get("name") else {}
    if manifest_get(integration.connector_key).declares_attributes:
        return {**person, **routing}  # the transcript tells them
    masks = masks_of(handoff.behaviour)
    attributes = dict(routing.get("attributes") or {})
    free = [name for name in answers if name not in attributes]
    room = max(ATTRIBUTES_MAX - len(attributes), 0)
    attributes |= {name: masked(answers[name], masks) for name in free[:room]}
    return {**person, **routing, "attributes": attributes}


def _before(handoff: Handoff) -> list[TranscriptLine]:
    """Return the answers as a line of the transcript: every vendor's live agent reads that."""
    answers = handoff.conversation.context.get("form") or {}
    text = "; ".join(f"{name}: {answer}" for name, answer in answers.items())
    if not text:
        return []
    said = masked(f"Answered before the conversation: {text}", masks_of(handoff.behaviour))
    at = handoff.conversation.started_at
    return [TranscriptLine(speaker="system", text=said, sent_at=at)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Summary:
    """A summary as it goes along, and what the model may be asked to put in its place."""

    text: str = ""
    by: str = ""
    wish: SummaryWish | None = None


def _summary(handoff: Handoff, said: Sequence[TranscriptLine], mode: str, link: str) -> _Summary:
    """Return the tool's summary or one of our own, with the link where it is all there is."""
    masks = masks_of(handoff.behaviour)
    # In front: what is cut is cut at its end.
    head = f"Transcript: {link}\n" if mode == "link" and link else ""
    given, by = masked(str(handoff.routing.get("summary") or ""), masks), BY_TOOL
    wish = None
    wants_own = handoff.behaviour.summary != "off" or mode in ("summary", "link")
    if not given and wants_own and mode != "none":
        given, by, wish = _own_summary(handoff, said, head)
    text = f"{head}{given}".strip()[:SUMMARY_MAX]
    return _Summary(text=text, by=by if given else "", wish=wish)


def _own_summary(
    handoff: Handoff, said: Sequence[TranscriptLine], head: str
) -> tuple[str, str, SummaryWish | None]:
    """Return what the model has said before, or the sentences and what it is to be asked."""
    kept = handoff.summary or {}
    if kept.get("by") == BY_MODEL:
        return str(kept["text"]).removeprefix(head), BY_MODEL, None
    text = summary_of(said, Dialog.read(handoff.conversation.dialog).topics)
    agent = summary_model(handoff) if handoff.behaviour.summary == "model" and text else None
    if agent is None:
        return text, BY_SENTENCES, None
    wish = SummaryWish(
        agent=agent,
        transcript=said,
        language=handoff.conversation.locale,
        head=head,
        masks=masks_of(handoff.behaviour),
    )
    return text, BY_SENTENCES, wish


def _attributes(
    handoff: Handoff, said: Sequence[TranscriptLine], link: str
) -> dict[str, dict[str, Any]]:
    """Return the tool's attributes with the standard context beside them; the tool's win."""
    behaviour, integration = handoff.behaviour, handoff.integration
    if behaviour.standard_context == "off" or integration is None:
        return {}
    own = handoff.routing.get("attributes") or {}
    facts = standard_context(handoff.conversation, said, link)
    declared = manifest_get(integration.connector_key).declares_attributes
    ours = attributes_of(
        facts,
        behaviour.context_names,
        only_named=declared or behaviour.standard_context == "named",
    )
    added = [name for name in ours if name not in own][: max(ATTRIBUTES_MAX - len(own), 0)]
    return {"attributes": {**{name: ours[name] for name in added}, **own}}


def _more(first: TranscriptLine, link: str) -> TranscriptLine:
    return TranscriptLine(speaker="system", text=f"Earlier lines: {link}", sent_at=first.sent_at)


def _line(entry: TranscriptEntry) -> TranscriptLine:
    return TranscriptLine(
        speaker=_SPEAKERS[entry["sender"]], text=entry["text"], sent_at=entry["ts"]
    )
