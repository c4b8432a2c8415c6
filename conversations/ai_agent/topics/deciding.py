"""Decides what a message leads to: an answer, tools, a handoff, or a question of the AI agent's.

Nothing is run or written here. In order: what the AI agent has asked is answered; a topic that may
never be answered hands off; a wish for a human is followed as the project's policy says; a topic
does what its actions say; and what nobody understands counts as a miss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conversations.ai_agent.phrases.consent import consent_read, leaves
from conversations.ai_agent.phrases.moods import is_angry, is_small_talk
from conversations.ai_agent.phrases.wishes import wants_human
from conversations.ai_agent.topics.actions import TopicAction, topic_actions
from conversations.ai_agent.topics.asking import ValueAsking
from conversations.ai_agent.topics.decision import Decision
from conversations.ai_agent.topics.dialog import ANSWER, CONFIRM, HUMAN, VALUE, Dialog
from conversations.ai_agent.topics.matching import TopicIndex, TopicMatch, TopicText
from conversations.ai_agent.topics.policy import AI_FIRST, BALANCED, OFF, TriggerPolicy, policy_of
from conversations.ai_agent.topics.prepared_topics import human_topic, topic_find
from conversations.ai_agent.topics.rules import Facts, facts_of, holds
from conversations.ai_agent.topics.wording import content_said
from conversations.models import Conversation, Destination, Topic
from conversations.releases.content import Content
from integrations.behaviour.sentences import own_or, sentence
from integrations.contract.integration_keys import payload_keys
from integrations.models import Integration

# Why a handoff begins that no topic has asked for; they stand in the Handoff API.
WISH, ANGER, MISSED, FORBIDDEN = "human_requested", "frustration", "not_understood", "policy"


def decide(
    conversation: Conversation, content: Content, text: str, *, without: Sequence[str] = ()
) -> Decision:
    """Return what a message of the end user's leads to; `without` are topics that do not count."""
    return _Deciding(conversation, content, text, without).decide()


def forbidden_decide(conversation: Conversation, content: Content, text: str) -> Decision | None:
    """Return the handoff of a message about a topic that no AI agent may answer, or None."""
    return _Deciding(conversation, content, text, ()).forbidden()


class _Deciding:
    """One message, with all that a decision depends on."""

    def __init__(
        self, conversation: Conversation, content: Content, text: str, without: Sequence[str]
    ) -> None:
        self._conversation, self._content, self._text = conversation, content, text
        self._without = without
        self._facts: Facts = facts_of(conversation)
        self._policy: TriggerPolicy = policy_of(conversation.project)
        self._dialog = Dialog.read(conversation.dialog)
        self._found = topic_find(content, text, without=without)
        self._asking = ValueAsking(content, conversation.tongue, text)

    def decide(self) -> Decision:
        """Take the first that has something to say."""
        steps = (self._answered, self.forbidden, self._wished, self._matched, self._angered)
        found = (decision for step in steps if (decision := step()) is not None)
        return next(found, None) or self._missed()

    # ---- what the AI agent has asked ----

    def _answered(self) -> Decision | None:
        asks = self._dialog.asks
        if asks == HUMAN:
            return self._human_answered()
        topic = self._named(self._dialog.topic) if asks else None
        if topic is None:
            return None
        if asks == VALUE:
            return self._value_answered(topic)
        if asks == CONFIRM:
            return self._offer_answered(topic)
        return self._question_answered(topic) if asks == ANSWER else None

    def _human_answered(self) -> Decision | None:
        agrees = consent_read(self._text)
        if agrees or wants_human(self._text):
            return self._hand_off(WISH)
        return None if agrees is None else self._declined()

    def _offer_answered(self, topic: Topic) -> Decision | None:
        agrees = consent_read(self._text)
        if agrees is None:
            return None
        if not agrees:
            return self._declined()
        return self._carry_out(topic, CONFIRM, self._actions(topic, "on_confirm"))

    def _value_answered(self, topic: Topic) -> Decision | None:
        """Take a value that was asked for; None where the message is about something else."""
        if self._is_urgent():
            return None
        if leaves(self._text):
            return self._declined()
        heard = self._asking.hear(self._dialog, topic, other=self._other_than(topic))
        if heard is None and consent_read(self._text) is False:
            return self._declined()
        return heard

    def _is_urgent(self) -> bool:
        """Say whether a message is for a human, whatever was asked."""
        is_forbidden = self._found is not None and self._found[0].is_mandatory
        return is_forbidden or wants_human(self._text)

    def _other_than(self, topic: Topic) -> TopicMatch | None:
        """Return how well another topic matches."""
        is_other = self._found is not None and self._found[0].name != topic.name
        return self._found[1] if self._found is not None and is_other else None

    def _declined(self) -> Decision:
        says = sentence("offer_declined", self._conversation.tongue)
        return Decision(says=[says], why="declined", dialog=self._dialog.closed())

    def _question_answered(self, topic: Topic) -> Decision | None:
        actions = self._actions(topic, "on_answer")
        texts = [
            TopicText(id=number, name="", example_queries=action.answers)
            for number, action in enumerate(actions)
        ]
        match = TopicIndex(texts).match(self._text)
        if match is not None:
            return self._carry_out(topic, ANSWER, [actions[match.topic_id]])
        is_else = self._found is not None or wants_human(self._text)
        if is_else or self._dialog.has_asked_again:
            return None
        again = replace(self._dialog, has_asked_again=True)
        return Decision(says=self._contents(topic), topic=topic, why="asked_again", dialog=again)

    # ---- a topic ----

    def forbidden(self) -> Decision | None:
        """Return the handoff of a topic that the AI agent may not answer."""
        if self._found is None or not self._found[0].is_mandatory:
            return None
        topic, match = self._found
        actions = [one for one in self._actions(topic, "always") if one.kind == "handoff"]
        if actions:
            return replace(self._carry_out(topic, FORBIDDEN, actions[:1]), score=match.score)
        return replace(
            self._hand_off(FORBIDDEN, says=self._contents(topic)),
            topic=topic,
            score=match.score,
            dialog=self._dialog.about(topic.name),
        )

    def _matched(self) -> Decision | None:
        if self._found is None:
            return None
        topic, match = self._found
        return replace(self._of_topic(topic), score=match.score)

    def _of_topic(self, topic: Topic) -> Decision:
        """Do what a topic does at once, or ask what it asks first."""
        at_once = self._actions(topic, "always")
        if at_once:
            return self._carry_out(topic, "topic", at_once)
        says, dialog = self._contents(topic), self._dialog.about(topic.name)
        for when, what in (("on_confirm", CONFIRM), ("on_answer", ANSWER)):
            if self._actions(topic, when):
                dialog = dialog.asking(what, topic.name)
                return Decision(says=says, topic=topic, why=f"asks_{what}", dialog=dialog)
        return Decision(says=says, topic=topic, why="topic", dialog=dialog)

    def _carry_out(self, topic: Topic, why: str, actions: Sequence[TopicAction]) -> Decision:
        """Run tools in order up to the first handoff or flow; it comes last."""
        last = next((one for one in actions if one.kind != "run_tool"), None)
        tools = [one for one in actions if one.kind == "run_tool"]
        if last is not None:
            tools = [one for one in actions[: actions.index(last)] if one.kind == "run_tool"]
        goes_to_flow = last.target if last is not None and last.kind == "goto_flow" else ""
        handoff = self._handoff_of(last) if last is not None and last.kind == "handoff" else None
        says = [] if tools or why in (CONFIRM, ANSWER) else self._contents(topic)
        decision = Decision(
            says=says,
            tools=tools,
            handoff=handoff,
            goes_to_flow=goes_to_flow,
            topic=topic,
            why=why,
            dialog=self._dialog.about(topic.name),
        )
        return self._asking.complete(decision, self._text)

    def _handoff_of(self, action: TopicAction) -> Mapping[str, Any] | bool:
        """Return what a tool would return; without a target the project's rules choose."""
        wanted = {"destination": action.target or self._policy.destination(self._facts)}
        wanted |= {"reason": action.reason, "utterance": action.utterance}
        given: dict[str, Any] = {name: text for name, text in wanted.items() if text}
        if action.note:
            given["hints"] = {"note": action.note}
        return given if "destination" in given or "reason" in given else _default(given)

    def _actions(self, topic: Topic, when: str) -> list[TopicAction]:
        """Return a topic's actions of that time whose conditions hold."""
        found = topic_actions(topic.actions, topic.actions_text)
        wanted = ("always", "condition") if when == "always" else (when,)
        return [
            one
            for one in found
            if one.when in wanted and (not one.condition or holds(one.condition, self._facts))
        ]

    # ---- a wish, anger, misses ----

    def _wished(self) -> Decision | None:
        if not wants_human(self._text) or not self._policy.on_wish:
            return None
        dialog = replace(self._dialog, wishes=self._dialog.wishes + 1)
        if self._policy.level == OFF:
            return self._say("human_declined", "wish_declined", dialog.closed())
        found = self._found[0] if self._found else None
        topic = human_topic(self._content, found, without=self._without)
        if topic is None and not self._can_hand_off():
            return None
        if self._policy.level == BALANCED and dialog.wishes == 1:
            return self._say("human_offered", "wish_offered", dialog.asking(HUMAN))
        if self._policy.level == AI_FIRST and dialog.wishes == 1:
            return self._say("human_later", "wish_later", dialog.closed())
        if topic is None:
            return self._hand_off(WISH)
        does = self._of_topic(topic)
        if does.tools or does.handoff or does.goes_to_flow or does.dialog.asks:
            return does
        return replace(self._hand_off(WISH, says=does.says), topic=topic)

    def _angered(self) -> Decision | None:
        is_reason = self._policy.on_anger and self._policy.level != OFF and is_angry(self._text)
        if not is_reason or not self._can_hand_off():
            return None
        if self._policy.level in (BALANCED, AI_FIRST):
            return self._say("human_offered", "anger_offered", self._dialog.asking(HUMAN))
        return self._hand_off(ANGER)

    def _missed(self) -> Decision:
        """Say that nothing was understood, or hand off where that was said too often."""
        if is_small_talk(self._text):
            return Decision(says=[self._no_match()], why="small_talk", dialog=self._dialog)
        misses = self._dialog.misses + 1
        borne = self._policy.misses_borne
        if borne and misses >= borne and self._can_hand_off():
            if self._policy.level in (BALANCED, AI_FIRST):
                asked = replace(self._dialog, misses=0).asking(HUMAN)
                return self._say("human_offered", "misses_offered", asked)
            return self._hand_off(MISSED)
        dialog = replace(self._dialog.closed(), misses=misses)
        return Decision(says=[self._no_match()], why="no_match", dialog=dialog)

    def _hand_off(self, reason: str, *, says: Sequence[str] = ()) -> Decision:
        """Hand off for a reason of the policy's; the dialog begins anew."""
        place = self._policy.destination(self._facts)
        wanted = {"destination": place, "reason": reason}
        handoff = {name: text for name, text in wanted.items() if text}
        told = list(says) or [sentence("handing_over", self._conversation.tongue)]
        dialog = Dialog(topics=self._dialog.topics)
        return Decision(says=told, handoff=handoff, why=reason, dialog=dialog)

    def _say(self, key: str, why: str, dialog: Dialog) -> Decision:
        text = sentence(key, self._conversation.tongue)
        return Decision(says=[text], why=why, dialog=dialog)

    def _can_hand_off(self) -> bool:
        """Say whether a handoff could lead anywhere: not in a project that is not set up yet."""
        conversation = self._conversation
        if conversation.is_client_managed or self._content.rows(Destination):
            return True
        connected = Integration.objects.filter(
            project=conversation.project,
            environment=conversation.environment,
            integration_key__in=payload_keys(),
        )
        usable = (Integration.Status.CONNECTED, Integration.Status.NEEDS_ATTENTION)
        return connected.filter(status__in=usable).exists()

    def _contents(self, topic: Topic) -> list[str]:
        text = content_said(topic.content, self._facts.state)
        return [text] if text else []

    def _no_match(self) -> str:
        own = self._content.text("no_match_text")
        return own_or(own, "no_match", self._conversation.tongue)

    def _named(self, name: str) -> Topic | None:
        found = self._content.named(Topic, [name]).get(name)
        return found if found is not None and found.is_enabled else None


def _default(given: Mapping[str, Any]) -> Mapping[str, Any] | bool:
    """Return the shape that leaves the place to the project, with what is said before."""
    return {**given, "reason": ""} if given else True
