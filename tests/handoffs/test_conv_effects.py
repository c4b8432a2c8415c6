"""What tools ask of `conv` happens in the conversation, and nowhere before they have ended."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.journal.frames import SessionEnd
from conversations.journal.selectors import transcript_get
from conversations.journal.services import conversation_end, conversation_lock
from conversations.models import Conversation, EndUser, Event, LogEntry, Variant
from handoffs.api.conversation_items import conversation_items
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from tests import factories

pytestmark = pytest.mark.django_db
QUERY = "Do something"


def talk(*bodies: str, names: tuple[str, ...] = (), **fields: Any) -> Conversation:
    """Return a conversation in which QUERY runs tools with these bodies, one after the other."""
    project = factories.project(no_match_text="I do not know.")
    actions = []
    for number, body in enumerate(bodies):
        name = names[number] if names else f"tool_{number}"
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        factories.tool(project, f"def {name}(conv):\n{lines}", name=name)
        actions.append({"kind": "run_tool", "target": name, "when": "always"})
    factories.topic(project, QUERY, actions=actions, **fields)
    return factories.conversation(factories.channel(project))


def ask(conversation: Conversation, text: str = QUERY) -> list[Event]:
    line = message_accept(
        conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
    )[0]
    answer_all(conversation.pk)
    conversation.refresh_from_db()
    later = Event.objects.filter(conversation=conversation, sequence__gt=line.sequence)
    return list(later.order_by("sequence"))


def said(events: list[Event]) -> list[str]:
    return [e.payload["text"] for e in events if e.type == "POLY_AGENT_MESSAGE"]


def logged(conversation: Conversation) -> list[tuple[str, str]]:
    rows = LogEntry.objects.filter(conversation=conversation).order_by("id")
    return [(row.code, row.content) for row in rows]


def test_what_is_queued_hangs_on_the_next_message_in_the_words_of_the_wire():
    conversation = talk(
        """
conv.set_response_suggestions(["Yes", "No"])
conv.add_attachments([Attachment("https://e.example/a", "weblink", title="Shop")])
conv.attachments.append(Attachment("https://e.example/b.png", content_type="image"))
conv.webchat.set_chat_call_actions([ChatCallAction("+4930123", "Call us")])
conv.say("one")
conv.say("two")
"""
    )

    first, last = ask(conversation)

    assert first.payload["response_suggestions"] == first.payload["attachments"] == []
    assert last.payload["response_suggestions"] == [
        {"message_text": "Yes", "payload": "Yes"},
        {"message_text": "No", "payload": "No"},
    ]
    link, picture = last.payload["attachments"]
    assert link["content_type"] == "ATTACHMENT_CONTENT_TYPE_URL" and link["title"] == "Shop"
    assert picture["content_type"] == "ATTACHMENT_CONTENT_TYPE_IMAGE"
    assert last.payload["chat_call_actions"] == [{"title": "Call us", "contact_number": "+4930123"}]


def test_a_live_agent_reads_what_was_offered_as_lines():
    conversation = talk(
        """
conv.set_response_suggestions(["Yes"])
conv.add_attachments([Attachment("https://e.example/a", title="Shop")])
return "**Anything** else?"
"""
    )

    [message] = ask(conversation)

    assert message.payload["text"] == "Anything else?"
    assert message.payload["content"]["text"] == "**Anything** else?"
    assert message.payload["content"]["markup"] == "markdown"
    assert message.payload["content"]["choices"][0]["url"] == "https://e.example/a"
    lines = transcript_get(conversation)[-1]["text"]
    assert lines == "Anything else?\n1. Yes\nShop (https://e.example/a)"


def test_an_attachment_that_leads_nowhere_is_left_out_and_logged():
    conversation = talk("conv.add_attachments([Attachment('javascript:alert(1)')])\nreturn 'x'")

    [message] = ask(conversation)

    assert message.payload["attachments"] == []
    [(_, text)] = logged(conversation)
    assert "https://" in text


def test_the_language_changes_once_and_the_client_is_told():
    conversation = talk("conv.set_language('de')\nreturn conv.language")

    changed, message = ask(conversation)
    again = ask(conversation)

    assert (changed.type, changed.payload) == ("LANGUAGE_CHANGED", {"language_code": "de"})
    assert message.payload["text"] == "de"
    assert conversation.locale == "de"
    assert [event.type for event in again] == ["POLY_AGENT_MESSAGE"]


def test_what_is_no_language_and_no_variant_is_logged_and_changes_nothing():
    conversation = talk("conv.set_language('deutsch!')\nconv.set_variant('x')\nreturn 'ok'")

    ask(conversation)

    assert conversation.locale == conversation.variant_id == ""
    assert [text.partition(":")[0] for _, text in logged(conversation)] == [
        "conv.set_language",
        "conv.set_variant",
    ]


def test_a_variant_is_read_and_changed_by_its_name():
    conversation = talk("v = conv.variant_name\nconv.set_variant('south')\nreturn str(v)")
    south = Variant.objects.create(
        project=conversation.project, name="south", attributes={"city": "Rome"}
    )

    assert said(ask(conversation)) == ["None"]
    assert conversation.variant_id == south.public_id
    assert said(ask(conversation)) == ["south"]


def test_metrics_are_kept_once_where_asked_and_told_by_the_conversations_api():
    conversation = talk("conv.write_metric('a', 1, write_once=True)\nconv.write_metric('b', 2)")

    ask(conversation)
    ask(conversation)

    assert [one["name"] for one in conversation.metrics] == ["a", "b", "b"]
    [item] = conversation_items([conversation])
    assert item["metrics"] == {"a": 1, "b": 2}


def test_memory_stays_with_a_verified_end_user_and_is_none_for_others():
    body = "if conv.memory is None: return 'none'\nconv.memory['n'] = conv.memory.get('n', 0) + 1\n"
    conversation = talk(body + "return str(conv.memory['n'])")
    assert said(ask(conversation)) == ["none"]

    EndUser.objects.filter(pk=conversation.end_user_id).update(is_verified=True)

    assert said(ask(conversation)) == ["1"]
    assert said(ask(conversation)) == ["2"]
    assert EndUser.objects.get(pk=conversation.end_user_id).memory == {"n": 2}


def test_a_topic_that_was_taken_out_matches_no_more_until_all_are_let_back():
    conversation = talk("conv.disable_kb_topics(['Hours'])\nreturn 'out'")
    project = conversation.project
    factories.topic(project, "When are you open?", name="Hours", content="Nine to five.")
    back = "def back(conv):\n    conv.clear_disabled_kb_topics()\n    return 'back'"
    factories.topic(project, "Bring it back", factories.tool(project, back, name="back"))

    assert said(ask(conversation, "When are you open?")) == ["Nine to five."]
    ask(conversation)
    assert said(ask(conversation, "When are you open?")) == ["I do not know."]
    ask(conversation, "Bring it back")
    assert said(ask(conversation, "When are you open?")) == ["Nine to five."]


def test_the_tools_of_a_topic_run_in_order_each_with_the_state_of_the_one_before():
    conversation = talk(
        "conv.state.n = 1\nconv.set_language('de')\nreturn 'one'",
        "conv.state.n += 1\nreturn f'{conv.state.n} {conv.language}'",
        "return {'utterance': 'three', 'end_turn': True}",
        "return 'never'",
    )

    assert said(ask(conversation)) == ["one", "2 de", "three"]
    assert conversation.tool_state == {"n": 2}


def test_a_tool_that_fails_ends_the_row_and_the_ones_before_it_count():
    conversation = talk("conv.state.n = 1\nreturn 'one'", "conv.state.n = 9\n1 / 0", "return 'x'")

    texts = said(ask(conversation))

    assert texts[0] == "one" and len(texts) == 2
    assert conversation.tool_state == {"n": 1}
    assert [code for code, _ in logged(conversation)] == ["tool_runtime"]
    assert not Handoff.objects.exists()


def test_calls_without_effect_and_turns_without_an_answer_stand_in_the_log():
    conversation = talk("conv.set_voice('x')\nconv.goto_csat_flow()\nreturn 'ok'")

    ask(conversation)
    ask(conversation, "zxqv")

    assert [code for code, _ in logged(conversation)] == ["no_effect", "no_effect", "no_match"]


def test_one_tool_runs_another_by_its_name_with_the_same_conv():
    conversation = talk(
        "return f'{conv.functions.other(20)} {conv.state.seen}'",
        names=("first",),
    )
    other = "def twice(n):\n    return 2 * n\n"
    other += "def other(conv, n):\n    conv.state.seen = n\n    return twice(n)"
    factories.tool(conversation.project, other, name="other")

    assert said(ask(conversation)) == ["40 20"]
    assert conversation.tool_state == {"seen": 20}


def test_who_is_there_is_asked_while_the_tool_runs():
    conversation = talk(
        """
there = conv.check_availability("salesforce")
try:
    conv.check_availability("nowhere")
except ValueError as error:
    conv.state.why = str(error)
return f"{there.available} {there.business_hours_open}"
"""
    )
    factories.integration(conversation.project)

    [text] = said(ask(conversation))

    assert text in ("None None", "True None", "False None")
    assert "unknown destination" in conversation.tool_state["why"]


def test_a_discarded_conversation_keeps_no_text_after_its_end():
    conversation = talk("conv.discard_recording()\nreturn 'a secret'")
    ask(conversation)
    locked = conversation_lock(conversation.pk)

    conversation_end(locked, SessionEnd.NATURAL_END)

    texts = {line["text"] for line in transcript_get(conversation)}
    assert texts == {"[discarded]"}
