"""Turns in a flow: with a message, after a handoff, in the queue, and where a tool begins one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conversations.ai_agent.conv.place import ConvPlace, HandoffView, conv_place
from conversations.ai_agent.course import Turn
from conversations.ai_agent.flows.position import AFTER, BEGIN, FAILED, Position, position_read
from conversations.ai_agent.flows.runs import FlowTools
from conversations.ai_agent.flows.walk import Walk
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.topics.deciding import decide
from conversations.ai_agent.topics.dialog import Dialog
from conversations.ai_agent.turn import forbidden_turn, turn_run
from conversations.models import Conversation, Event
from conversations.releases.content import content_of

# conv.state of a conversation that a live agent has given back.
SUMMARY = "handoff_summary"
PlaceMaker = Callable[[], ConvPlace]


def built_in_turn(
    conversation: Conversation,
    event: Event,
    handoff_view: HandoffView | None,
    services: Mapping[str, Service] | None = None,
) -> Turn:
    """Let the built-in AI agent think about one message: its flow first, then its topics.

    Writes nothing and holds no transaction. Raises ToolError `busy` where no slot is free for the
    first tool: nothing has run then.
    """
    answer = flow_turn(conversation, event, handoff_view, services)
    if answer is not None:
        return answer
    turn = turn_run(conversation, event, handoff_view, services)
    return flow_follow(turn, conversation, _place_of(conversation, event, handoff_view, services))


def flow_turn(
    conversation: Conversation,
    event: Event,
    handoff_view: HandoffView | None,
    services: Mapping[str, Service] | None = None,
) -> Turn | None:
    """Return what the flow that is under way says to a message, whoever answers beside flows.

    None where there is none, or where the message is another's: a topic matches it, and the flow
    waits. Raises ToolError `busy` as the whole turn does.
    """
    text = event.payload["text"]

    def has_topic() -> bool:
        content, without = content_of(conversation), conversation.disabled_topics
        return not decide(conversation, content, text, without=without).is_miss

    if not is_in_flow(conversation) or (_has_asked(conversation) and has_topic()):
        return None
    if forbidden := forbidden_turn(conversation, event):
        return forbidden
    place = _place_of(conversation, event, handoff_view, services)
    return flow_answer(conversation, text, place, has_topic=has_topic)


def _place_of(
    conversation: Conversation,
    event: Event,
    handoff_view: HandoffView | None,
    services: Mapping[str, Service] | None,
) -> PlaceMaker:
    return partial(
        conv_place,
        conversation,
        until_sequence=event.sequence,
        handoff_view=handoff_view,
        services=services,
    )


def turn_told(trace: Mapping[str, Any]) -> str:
    """Say in a sentence how a turn came about."""
    said = []
    if topic := trace.get("topic"):
        likeness = f" with {trace['score']:.0%} likeness" if trace.get("score") else ""
        said.append(f"Topic “{topic}” matched{likeness}.")
    if steps := trace.get("steps"):
        said.append(f"Steps: {' → '.join(steps)}.")
    elif flow := trace.get("flow"):
        said.append(f"In the flow “{flow}”, step “{trace.get('step', '')}”.")
    if not said:
        is_known = trace and trace.get("why") != "no_match"
        said.append(f"No topic: {trace.get('why', 'a flow')}." if is_known else "No topic matched.")
    return " ".join(said)


def is_in_flow(conversation: Conversation) -> bool:
    """Say whether the next message is a flow's to answer first."""
    return bool(conversation.flow.get("flow"))


def _has_asked(conversation: Conversation) -> bool:
    """Say whether a topic has asked something since the flow: the younger question comes first."""
    return bool(Dialog.read(conversation.dialog).asks)


def flow_answer(
    conversation: Conversation, text: str, place: PlaceMaker, *, has_topic: Callable[[], bool]
) -> Turn | None:
    """Return the flow's answer to a message; None where the topics answer it and the flow waits.

    What is no answer to the flow's question is a topic's where one matches (`has_topic`), and is
    asked for again where none does.
    """
    walk = _walk(conversation, place(), conversation.flow)
    if walk.step is None:
        # The flow is gone from what this conversation was begun with.
        return None
    if not walk.hear(text):
        if has_topic():
            return None
        walk.again()
    return _turn(walk)


def flow_resume(conversation: Conversation, place: PlaceMaker, summary: str) -> Turn:
    """Return the turn that goes on where a handoff began, now that it is over or has failed."""
    kept = {name: value for name, value in conversation.flow.items() if name != "resume"}
    walk = _walk(conversation, place(), kept)
    step, why = walk.step, conversation.flow.get("resume")
    if summary:
        walk.state[SUMMARY] = summary
    if why == BEGIN:
        walk.leave()
        walk.begin(str(kept.get("flow", "")))
    elif step is None:
        walk.leave()
    elif why == FAILED and step.on_failed:
        walk.fall_back(step.on_failed)
    elif why == AFTER and step.next_step:
        walk.enter(step.next_step)
    elif step.kind in ("handoff", "function"):
        # It would only hand off again: topics answer from here on.
        walk.leave()
    return _turn(walk)


def flow_follow(turn: Turn, conversation: Conversation, place: PlaceMaker) -> Turn:
    """Return the turn with what its tools asked of flows: one is begun, or left."""
    moves = turn.moves
    if begun := moves.flow or turn.begins_flow:
        return _begun(turn, conversation, place, begun)
    if moves.exits:
        return replace(turn, flow={})
    if moves.step and is_in_flow(conversation):
        walk = _walk(conversation, _with_state(place(), turn), conversation.flow)
        walk.enter(moves.step)
        return _added(turn, _turn(walk))
    return turn


def waiting_answer(conversation: Conversation, place: PlaceMaker, text: str | None) -> Turn:
    """Return what the flow of the queue says: at its beginning, and to each message.

    Its position stands inside that of the flow which has begun the handoff; it hands nothing off.
    """
    kept = dict(conversation.flow.get("waiting", {}))
    walk = _walk(conversation, place(), kept if kept.get("step") else {})
    if not kept.get("step"):
        walk.begin(str(kept.get("flow", "")))
    elif text is not None and not walk.hear(text):
        walk.again()
    outer = {**conversation.flow, "waiting": walk.position.kept() or {"is_over": True}}
    return replace(_turn(walk), returned=None, handoff_calls=(), has_hung_up=False, flow=outer)


def _begun(turn: Turn, conversation: Conversation, place: PlaceMaker, name: str) -> Turn:
    walk = _walk(conversation, _with_state(place(), turn), {})
    walk.begin(name)
    return _added(turn, _turn(walk))


def _walk(conversation: Conversation, place: ConvPlace, kept: Mapping[str, Any]) -> Walk:
    content = content_of(conversation)
    state = dict(place.snapshot.state)
    return Walk(content, position_read(kept), state, FlowTools(place, content))


def _with_state(place: ConvPlace, turn: Turn) -> ConvPlace:
    if turn.state is None:
        return place
    return replace(place, snapshot=replace(place.snapshot, state=turn.state))


def _turn(walk: Walk) -> Turn:
    turn = walk.course.turn()
    returned = walk.returned if walk.returned is not None else turn.returned
    trace = {"flow": walk.position.flow, "step": walk.position.step, "steps": walk.steps_taken}
    return replace(
        turn,
        returned=returned,
        source=turn.source or _source(walk.position),
        state=walk.state,
        flow=walk.position.kept(),
        trace={name: value for name, value in trace.items() if value},
    )


def _source(position: Position) -> str:
    return f"{position.flow} / {position.step}" if position.flow else ""


def _added(turn: Turn, later: Turn) -> Turn:
    """Return both as one: a handoff of the tools counts, and is the flow's where they have none."""
    has_handoff = bool(turn.handoff_calls) or bool((turn.returned or {}).get("handoff"))
    return replace(
        turn,
        messages=[*turn.messages, *later.messages],
        returned=turn.returned if has_handoff else later.returned,
        handoff_calls=turn.handoff_calls or later.handoff_calls,
        source=turn.source if has_handoff else later.source or turn.source,
        state=later.state,
        logs=[*turn.logs, *later.logs],
        effects=[*turn.effects, *later.effects],
        has_hung_up=turn.has_hung_up or later.has_hung_up,
        flow=later.flow,
        trace={**turn.trace, **later.trace},
    )
