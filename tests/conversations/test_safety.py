"""The safety filter before the AI agent: word lists, a customer's own filter, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conversations.ai_agent.safety.filtering import SafetyOptions, categories_in, safety_turn
from conversations.models import Conversation, SafetyFilter
from integrations.kit.signatures import outbound_headers
from tests import factories
from tests.handoffs.outside import WebhookStandIn, webhook_agent
from tests.members import client_with

pytestmark = pytest.mark.django_db
WORDS = {"violence": ["kill you", "🔪", "..."], "hate": ["Vermin", "殺你", "حشرة", "कीड़ा"]}


@pytest.fixture
def conversation() -> Conversation:
    return factories.conversation()


@pytest.fixture
def outside(settings: Any) -> Iterator[WebhookStandIn]:
    settings.ALLOW_LOCAL_AGENTS = True
    with webhook_agent() as agent:
        yield agent


def filtered(conversation: Conversation, text: str, *, secrets: Any = None, **options: Any) -> Any:
    """Return the turn that a text gets with a filter of these options."""
    SafetyFilter.objects.update_or_create(
        project=conversation.project,
        defaults={
            "is_enabled": True,
            "options": SafetyOptions(**options).as_dict(),
            "secrets": secrets or {},
        },
    )
    return safety_turn(conversation, factories.said(conversation, text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I will KILL you!", {"violence"}),
        ("ｋｉｌｌ-you", {"violence"}),
        ("you are vermin, I kill you", {"violence", "hate"}),
        ("a skill you have", set()),
        ("k\u00adil\u200bl you", {"violence"}),
        ("look:🔪🏽!", {"violence"}),
        ("我要殺你了", {"hate"}),
        ("أنت حَشَرَة", {"hate"}),
        ("तू कीड़ा है", {"hate"}),
        ("a vermine", set()),
        ("", set()),
    ],
)
def test_words_count_whole_whatever_their_case_and_signs(text, found):
    assert categories_in(text, WORDS) == found


def test_a_blocked_message_is_answered_and_never_reaches_the_agent(conversation):
    turn = filtered(conversation, "I kill you", words=WORDS, actions={"violence": "block"})

    assert "I cannot help with that here" in turn.messages[0].text
    assert turn.returned is None
    assert turn.logs[0].code == "safety_block"
    assert turn.logs[0].content == (
        "A message was judged as Violence: it was answered with a sentence, and the AI agent did "
        "not see it."
    )


def test_the_stricter_action_counts_and_may_hand_off(conversation):
    actions = {"violence": "hand_off", "hate": "mark"}

    turn = filtered(conversation, "vermin, I kill you", words=WORDS, actions=actions)

    assert turn.returned == {"handoff": True}


def test_a_marked_message_passes_and_is_in_the_log(conversation):
    assert filtered(conversation, "vermin", words=WORDS, actions={"hate": "mark"}) is None

    assert conversation.log.get().code == "safety_mark"


def test_a_filter_that_is_off_looks_at_nothing(conversation):
    filtered(conversation, "vermin", words=WORDS, actions={"hate": "block"})
    SafetyFilter.objects.update(is_enabled=False)

    assert safety_turn(conversation, factories.said(conversation, "vermin")) is None


def test_the_customers_own_filter_is_asked_by_a_signed_call(conversation, outside):
    outside.answering = lambda asked: (200, {"categories": ["Self-harm"]})
    options = {"url": outside.url, "actions": {"self_harm": "hand_off"}}

    turn = filtered(conversation, "I am tired", secrets={"signing_secret": "s"}, **options)

    assert turn.returned == {"handoff": True}
    [heard] = outside.heard
    assert heard.body["text"] == "I am tired"
    assert turn.logs[0].code == "safety_hand_off"
    names = {name.lower() for name in outbound_headers(["s"], b"", "x")}
    assert names <= set(heard.headers)


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (200, {"flagged": True}),
        (200, {"categories": [{"name": "hate"}]}),
        (200, {"categories": ["unheard_of"]}),
        (200, b"no json"),
    ],
    ids=str,
)
def test_a_filter_that_gives_no_answer_leads_to_what_is_set_for_it(conversation, outside, answer):
    outside.answering = lambda asked: answer

    turn = filtered(conversation, "Hello", url=outside.url, when_away="block")

    assert turn is not None
    assert turn.logs[0].code == "safety_unjudged"
    assert turn.logs[0].content.startswith("A message was not judged: it was answered with")


FORM = {
    "is_enabled": "on",
    **{f"action_{one}": "off" for one in ("violence", "hate", "sexual", "self_harm")},
    "action_hate": "block",
    "words_hate": "vermin\n",
    "seconds": "2",
    "when_away": "mark",
}


def test_an_admin_sets_it_and_the_secret_is_shown_once(conversation, settings):
    settings.ALLOW_LOCAL_AGENTS = False
    client = client_with(conversation.project, knowledge=2)
    address = f"/p/{conversation.project.public_id}/safety/"

    inside = client.post(address, FORM | {"url": "https://10.0.0.1/filter"})
    made = client.post(address, FORM | {"url": "https://filter.example/judge"})
    row = SafetyFilter.objects.get()
    again = client.get(address).content.decode()

    assert inside.status_code == 422
    assert row.secrets["signing_secret"] in made.content.decode()
    assert row.secrets["signing_secret"] not in again
    assert row.options["words"]["hate"] == ["vermin"]
    assert safety_turn(conversation, factories.said(conversation, "x")) is None
