"""What a live agent gets on arrival: context, summary, masks, and a link to what was said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from handoffs.models import Handoff, TranscriptLink
from handoffs.relay.screen_pop.links import LOOKS_MAX, transcript_url
from handoffs.relay.screen_pop.request import ATTRIBUTES_MAX, screen_pop_of
from handoffs.relay.transactions import opening_read
from handoffs.sending.masking import CARDS, EMAILS, masked
from integrations.behaviour.context_names import FACTS, names_read
from integrations.behaviour.settings import BehaviourForm, behaviour_of
from integrations.contract.registry import manifest_get
from integrations.models import Integration
from tests import factories

pytestmark = pytest.mark.django_db

CARD = "4111 1111 1111 1111"


def begun(hints: dict[str, Any] | None = None, *said: str, **behaviour: Any) -> Handoff:
    """Return a handoff that begins after some lines, over a connection that behaves so."""
    integration = factories.integration(behaviour=behaviour)
    conversation = factories.conversation(factories.channel(integration.project))
    conversation.dialog = {"topics": ["Opening hours", "Billing"]}
    conversation.save(update_fields=["dialog"])
    for text in said or ("Where is my order?", f"My card is {CARD}, mail ines@shop.example"):
        factories.said(conversation, text)
    return factories.handoff(conversation, hints=hints, of_integration=integration)


def test_the_standard_context_is_the_same_facts_at_every_vendor():
    handoff = begun({"attributes": {"va_Scope": "mine"}})

    routing = screen_pop_of(handoff).routing

    found = routing["attributes"]
    assert set(found) == set(FACTS.values())
    assert found["va_LastTopic"] == "Billing"
    assert found["va_Topics"] == "Opening hours, Billing"
    assert found["va_LastPhrase"].startswith("My card is")
    assert found["va_ConversationId"] == handoff.conversation_id
    assert (found["va_BotName"], found["va_Language"]) == ("Birch", "en")
    assert found["va_Identity"] == "unverified"
    assert found["va_Channel"] == "webchat"
    assert found["va_Scope"] == "mine"


def test_an_admin_names_the_facts_and_leaves_some_out():
    names = "last_topic = CaseTopic\ntranscript_url =\n"
    named = begun(standard_context="named", context_names=names)
    mapped = begun(context_names=names)

    assert screen_pop_of(named).routing["attributes"] == {"CaseTopic": "Billing"}
    found = screen_pop_of(mapped).routing["attributes"]
    assert found["CaseTopic"] == "Billing"
    assert "va_TranscriptUrl" not in found
    assert "va_Scope" in found


def test_it_can_be_switched_off_and_a_vendor_of_declared_names_gets_none_unasked():
    off = begun(standard_context="off", transcript_link=False)
    webex = begun()
    Integration.objects.update(connector_key="webex", integration_key="webex_integration")
    webex = factories.fresh(webex)

    assert screen_pop_of(off).routing == dict(off.routing)
    assert screen_pop_of(webex).routing["attributes"] == {}


@pytest.mark.parametrize(("line", "fault"), [("topic = x", "write fact"), ("last_topic", "write")])
def test_a_line_that_names_no_fact_is_refused(line, fault):
    with pytest.raises(ValueError, match=fault):
        names_read(line)


def test_a_summary_of_ours_precedes_where_a_tool_gives_none():
    own = begun({"summary": "By the tool."}, summary="short")
    ours = begun(summary="short")

    assert screen_pop_of(own).routing["summary"] == "By the tool."
    summary = screen_pop_of(ours).routing["summary"]
    assert "Topics: Opening hours, Billing." in summary
    assert "began with: “Where is my order?”" in summary
    assert screen_pop_of(begun()).routing.get("summary") is None


def test_card_numbers_and_addresses_are_masked_where_the_admin_says_so():
    plain, hidden = begun(), begun(mask_cards=True, mask_emails=True, summary="short")

    lines = screen_pop_of(plain).transcript
    pop = screen_pop_of(hidden)
    masked_lines, routing = pop.transcript, pop.routing

    assert CARD in lines[-1].text
    assert "4111" not in "".join(line.text for line in masked_lines)
    assert "ends in 1111" in masked_lines[-1].text
    assert "ines@" not in f"{masked_lines} {routing}"
    noted = begun({"note": f"Paid with {CARD}"}, mask_cards=True)
    assert screen_pop_of(noted).routing["note"] == "Paid with [card number, ends in 1111]"
    lease = factories.claim(hidden)
    opening = opening_read(lease)
    assert opening is not None
    assert opening.masks == {CARDS, EMAILS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111-1111-1111-1111", "[card number, ends in 1111]"),
        ("order 4111111111111112", "order 4111111111111112"),
        ("0000 0000 0000 0000", "0000 0000 0000 0000"),
        ("a.b+c@shop.example, ok", "[e-mail address], ok"),
    ],
)
def test_a_card_is_told_from_another_number(text, expected):
    assert masked(text, frozenset({CARDS, EMAILS})) == expected


# ---- the link ----


def test_the_link_opens_ten_times_and_shows_what_the_vendor_gets():
    handoff = begun(mask_cards=True)
    path = transcript_url(handoff).partition("/transcripts/")[2]
    client = Client()

    pages = [client.get(f"/transcripts/{path}") for _ in range(LOOKS_MAX + 1)]

    assert [page.status_code for page in pages] == [200] * LOOKS_MAX + [410]
    text = pages[0].content.decode()
    assert "Where is my order?" in text
    assert "ends in 1111" in text
    assert CARD not in text
    assert pages[0]["Cache-Control"] == "no-store"


def test_the_link_ends_after_its_day_and_cannot_be_made_up():
    handoff = begun()
    path = transcript_url(handoff).partition("/transcripts/")[2]
    assert transcript_url(handoff).endswith(path)
    TranscriptLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert Client().get(f"/transcripts/{path}").status_code == 410
    assert Client().get(f"/transcripts/{path.replace(':', ':x', 1)}").status_code == 410


def test_a_link_in_place_of_the_transcript_stands_in_the_summary():
    handoff = begun({"transcript": "link"})

    routing = screen_pop_of(handoff).routing

    assert routing["transcript"] == "link"
    assert transcript_url(handoff) in routing["summary"]


def test_a_transcript_that_is_cut_begins_with_the_link_to_the_rest():
    handoff = begun(None, *(f"line {n}" for n in range(6)), transcript_max_messages=3)

    lines = screen_pop_of(handoff).transcript

    assert [line.text for line in lines] == [
        f"Earlier lines: {transcript_url(handoff)}",
        "line 3",
        "line 4",
        "line 5",
    ]


def test_the_link_is_known_wherever_a_vendor_may_cut_even_if_it_is_no_attribute():
    handoff = begun(transcript_link=False)

    opening = opening_read(factories.claim(handoff))

    assert opening is not None
    assert opening.request.transcript_url == transcript_url(handoff)
    assert "va_TranscriptUrl" not in str(opening.request.routing)


def test_as_many_facts_go_along_as_a_tools_own_attributes_leave_room_for():
    own = {f"a{n}": n for n in range(ATTRIBUTES_MAX - 2)}

    found = screen_pop_of(begun({"attributes": own})).routing["attributes"]

    assert own.items() <= found.items()
    assert set(found) - set(own) == {"va_LastTopic", "va_LastPhrase"}


def test_none_sends_neither_transcript_nor_link():
    pop = screen_pop_of(begun({"transcript": "none"}))

    assert (pop.transcript, pop.transcript_url) == ([], "")
    assert "va_TranscriptUrl" not in pop.routing["attributes"]
    assert not TranscriptLink.objects.exists()


# ---- nobody there ----


def test_what_unknown_counts_as_is_the_admins_choice():
    usual, strict = begun(), begun(unknown_availability="unavailable")

    openings = [opening_read(factories.claim(handoff)) for handoff in (usual, strict)]

    assert [opening.unknown_is_there for opening in openings if opening] == [True, False]


@pytest.mark.parametrize(
    ("vendor", "told"),
    [
        ("genesys", "Genesys tells how many"),
        ("five9", "Five9 tells whether"),
        ("salesforce_messaging", "cannot be asked"),
    ],
)
def test_the_form_says_what_a_vendor_answers(vendor, told):
    form = BehaviourForm(manifest_get(vendor), behaviour_of(factories.integration()))

    assert told in str(form.fields["availability_check"].help_text)
    assert ("unknown_availability" in form.fields) is (told != "cannot be asked")
