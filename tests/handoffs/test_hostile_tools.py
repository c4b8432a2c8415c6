"""Whatever a tool does, its message is answered once and nothing unchecked is stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.journal.json_values import has_valid_text
from conversations.models import Conversation, Event, LogEntry
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import MAX_TRIES, answer_all
from integrations.behaviour.sentences import sentence
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db
HUMAN = "I want to talk to a human"

HOSTILE = {
    "an error with NUL": r"raise ValueError('a\x00b')",
    "an error with half a surrogate pair": r"raise ValueError('a\ud800b')",
    "a missing key with NUL": r"return {}['a\x00b']",
    "an attribute with NUL": r"getattr(conv, 'a\x00b')",
    "an error after a line with NUL": r"conv.log.info('\x00')" + "\nraise ValueError('\\x00')",
    "a level that does not exist": "conv.log._baton_add('fatal', 'x', False, {})",
    "a level that is a list": "conv.log._baton_add(['info'], 'x', False, {})",
    "fields that are a list": "conv.log._baton_add('info', 'x', False, [1])",
    "fields that are a text": "conv.log._baton_entries.append({'level': 'info', 'fields': 'x'})",
    "a field that is no number": "conv.log.info('x', much=float('nan'))",
    "a handoff without a destination": "conv._baton_handoffs.append({})",
    "a handoff with another argument": (
        "conv.call_handoff('salesforce')\nconv._baton_handoffs[0]['extra'] = 1"
    ),
    "a destination of NUL": r"conv.call_handoff('\x00')",
    "said NUL": r"conv.say('a\x00b')",
    "returned infinity": "return {'utterance': 'x', 'variant': float('inf')}",
    "an utterance of 20,000 characters": "return {'utterance': 'x' * 20_000}",
    "a text of 20,000 characters": "return 'x' * 20_000",
    "state with NUL": r"setattr(conv.state, 'a\x00b', 1)",
    "a state that contains itself": "x = {}\nx['x'] = [x]\nconv.state.x = {1: x, 2: {3}}",
}


def conversation_with(source: str) -> Conversation:
    project = factories.project(no_match_text="I do not know.")
    factories.integration(project)
    factories.topic(project, HUMAN, factories.tool(project, source))
    return factories.conversation(factories.channel(project))


def tool_of(body: str) -> str:
    return "def tool(conv):\n" + "".join(f"    {line}\n" for line in body.splitlines())


def ask(conversation: Conversation) -> list[Event]:
    """Write, let the AI agent answer once, and return the new lines."""
    said = message_accept(
        conversation_id=conversation.pk, text=HUMAN, client_event_id="", metadata=None
    )[0]
    answer_all(conversation.pk)
    conversation.refresh_from_db()
    assert conversation.answered_sequence == said.sequence
    return list(Event.objects.filter(conversation=conversation, sequence__gt=said.sequence))


def stored(conversation: Conversation) -> list[Any]:
    log = LogEntry.objects.filter(conversation=conversation)
    handoffs = Handoff.objects.filter(conversation=conversation)
    return [
        conversation.tool_state,
        *Event.objects.filter(conversation=conversation).values_list("payload", flat=True),
        *(list(row) for row in log.values_list("content", "fields", "level", "source")),
        *(list(row) for row in handoffs.values_list("routing", "context_data", "reason")),
    ]


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_tool_fails_its_own_turn_once_and_is_explained(body):
    conversation = conversation_with(tool_of(body))

    lines = ask(conversation)

    assert [line.payload.get("text") for line in lines] == [sentence("tool_failed", "")]
    assert LogEntry.objects.filter(conversation=conversation, level="error").exists()
    assert all(has_valid_text(value) for value in stored(conversation))
    assert not Handoff.objects.filter(conversation=conversation).exists()


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_trial_run_of_a_hostile_tool_is_a_page_that_names_the_failure(body):
    project = factories.project()
    values = {"name": "tool", "source": tool_of(body), "timeout_seconds": "5"}

    response = client_of_admin(project).post(
        reverse("tool_run", args=[project.public_id]),
        values,
        headers={"X-Requested-With": "fetch"},
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "Failed" in page
    assert "\x00" not in page


def test_printed_nul_reaches_no_page():
    project = factories.project()
    source = tool_of(r"print('a\x00b')")

    response = client_of_admin(project).post(
        reverse("tool_run", args=[project.public_id]),
        {"name": "tool", "source": source, "timeout_seconds": "5"},
        headers={"X-Requested-With": "fetch"},
    )

    assert "a\N{REPLACEMENT CHARACTER}b" in response.content.decode()


# ---- what fails whatever the tool does ----

REFUSING = """
CREATE FUNCTION refuse_poison() RETURNS trigger AS $$
BEGIN
    IF NEW.content = 'poison' THEN RAISE EXCEPTION 'refused'; END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER refuse_poison BEFORE INSERT ON conversations_logentry
    FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""


def test_a_turn_that_cannot_be_stored_is_tried_three_times_and_then_told():
    conversation = conversation_with(tool_of("conv.log.info('poison')\nreturn 'Hello.'"))
    with connection.cursor() as cursor:
        cursor.execute(REFUSING)
    said = message_accept(
        conversation_id=conversation.pk, text=HUMAN, client_event_id="", metadata=None
    )[0]
    lines = Event.objects.filter(conversation=conversation, sequence__gt=said.sequence)

    for _ in range(MAX_TRIES):
        with pytest.raises(DatabaseError):
            answer_all(conversation.pk)
        # The pause before the next try is over.
        Conversation.objects.filter(pk=conversation.pk).update(turn_until=None)
    assert not lines.exists()
    answer_all(conversation.pk)

    assert [line.payload["text"] for line in lines] == [sentence("tool_failed", "")]
    assert [entry.code for entry in LogEntry.objects.filter(conversation=conversation)] == [
        "turn_given_up"
    ]
    conversation.refresh_from_db()
    assert (conversation.answer_tries, conversation.answer_due_at) == (0, None)


# ---- any value, any text ----

TEXTS = st.text(st.characters(codec=None, categories=None), max_size=30) | st.sampled_from(
    ["", " ", "\x00", "\ud800", "\n", "salesforce", "utterance", "handoff", "x" * 300]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.sampled_from([2**64, -(10**400)])
)
KEYS = TEXTS | st.sampled_from(
    [
        "utterance",
        "handoff",
        "hangup",
        "content",
        "text_chat",
        "salesforce_integration",
        "data",
        "reason",
        "destination",
        "hints",
        "queue",
        "attributes",
        "transition",
        "summary",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.one_of(
    VALUES.map(lambda value: f"return {value!r}"),
    st.dictionaries(KEYS, VALUES, max_size=5).map(lambda value: f"return {value!r}"),
    TEXTS.map(lambda text: f"raise ValueError({text!r})"),
    st.tuples(TEXTS, VALUES).map(lambda pair: f"conv.log.info({pair[0]!r}, field={pair[1]!r})"),
    st.tuples(VALUES, VALUES).map(
        lambda pair: f"conv.log._baton_add({pair[0]!r}, 'x', False, {pair[1]!r})"
    ),
    st.tuples(VALUES, VALUES, VALUES).map(
        lambda three: (
            f"conv.call_handoff({three[0]!r}, reason={three[1]!r}, data={three[2]!r}, "
            f"hints={three[0]!r}, utterance={three[1]!r}, sip_headers={three[2]!r})"
        )
    ),
    VALUES.map(lambda value: f"conv._baton_handoffs.append({value!r})"),
    VALUES.map(lambda value: f"conv._baton_said.append({value!r})"),
    st.tuples(KEYS, VALUES).map(lambda pair: f"conv.state[{pair[0]!r}] = {pair[1]!r}"),
    VALUES.map(lambda value: f"conv.state.handoff = {value!r}\nreturn {{'handoff': True}}"),
    TEXTS.map(lambda text: f"conv.state.shared_id = {text!r}\nreturn {{'handoff': True}}"),
)


@settings(suppress_health_check=list(HealthCheck))
@given(body=BODIES)
def test_any_value_a_tool_hands_out_is_answered_at_the_first_try(body):
    conversation = conversation_with(tool_of(body))

    lines = ask(conversation)

    assert lines
    assert all(has_valid_text(value) for value in stored(conversation))
