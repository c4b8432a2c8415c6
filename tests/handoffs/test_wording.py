"""The sentence on top of a handoff's page: every state, every reason, every failure code."""

from datetime import timedelta

import pytest
from django.utils import timezone

from handoffs import errors as handoff_errors
from handoffs.portal.one_handoff.wording import (
    BADGES,
    END_REASONS,
    FAILURES,
    duration_text,
    failure_explanation,
    headline,
)
from handoffs.states import EndReason, State
from integrations.contract import errors as connector_errors
from integrations.contract.manifest import Manifest, Symptom
from integrations.contract.registry import manifests
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_sentence_and_a_badge(state):
    handoff = factories.handoff(state=State.REQUESTED)
    handoff.state = state.value

    top = headline(handoff, now=timezone.now())

    assert top.sentence.endswith(".")
    assert BADGES[state].label


def test_every_end_reason_is_put_into_the_sentence():
    handoff = factories.handoff(state=State.ENDED)

    for reason in EndReason:
        handoff.end_reason = reason.value
        wanted = END_REASONS[reason].format(vendor="Salesforce")
        assert wanted in headline(handoff, now=timezone.now()).sentence


def _codes(base: type[Exception]) -> set[str]:
    return {base.code} | {code for kind in base.__subclasses__() for code in _codes(kind)}


def test_every_failure_code_has_a_cause_and_a_cure():
    own = {"wait_timeout", "listener_lost", "identity_required"}
    known = _codes(connector_errors.ConnectorError) | _codes(handoff_errors.HandoffError) | own

    for code in known:
        cause, cure = failure_explanation(code, "Salesforce")
        assert code in FAILURES, code
        assert "{" not in cause + cure
        assert cause.endswith(".")
        assert cure.endswith(".")


def test_a_failure_code_nobody_foresaw_still_has_words():
    assert failure_explanation("brand_new", "Salesforce") == failure_explanation("unknown", "")


def test_a_queued_handoff_says_where_it_waits_how_long_and_behind_how_many():
    handoff = factories.handoff(state=State.QUEUED)
    handoff.queue_status = {
        "queue_name": "Support",
        "position_in_queue": 4,
        "estimated_wait_seconds": 90,
    }
    now = handoff.accepted_at + timedelta(minutes=2, seconds=10)

    top = headline(handoff, now=now)

    assert top.sentence == "Waiting in Support for 2 min 10 s; 3 ahead."
    assert top.detail == "Estimated wait: 1 min 30 s."


LIVE = [manifest for manifest in manifests() if manifest.takes_live_chats]


@pytest.mark.parametrize("manifest", LIVE, ids=lambda found: found.key)
def test_what_does_not_appear_with_live_agents_has_the_vendors_own_likely_causes(
    manifest: Manifest,
) -> None:
    handoff = factories.handoff(state=State.QUEUED)
    handoff.integration.connector_key = manifest.key

    fresh = headline(handoff, now=handoff.accepted_at + timedelta(seconds=30))
    late = headline(handoff, now=handoff.accepted_at + timedelta(seconds=90))
    handoff.state, handoff.error_code = State.FAILED.value, "wait_timeout"
    failed = headline(handoff, now=timezone.now())

    assert fresh.likely == ()
    assert late.likely == failed.likely == manifest.symptoms[Symptom.NOT_APPEARING]
    assert late.likely


def test_one_that_the_vendor_closed_before_anybody_had_it_says_what_may_have_done_so() -> None:
    handoff = factories.handoff(state=State.ENDED)
    handoff.joined_at, handoff.end_reason = None, EndReason.VENDOR_CLOSED.value

    [likely] = headline(handoff, now=timezone.now()).likely

    assert "flow" in likely.cause


def test_the_first_in_a_queue_is_next_in_line():
    handoff = factories.handoff(state=State.QUEUED)
    handoff.queue_status = {"position_in_queue": 1}

    sentence = headline(handoff, now=handoff.accepted_at).sentence

    assert sentence == "Waiting in Salesforce's queue for 0 s; next in line."


def test_a_handoff_that_no_worker_takes_asks_for_one():
    handoff = factories.handoff()

    at_once = headline(handoff, now=handoff.requested_at + timedelta(seconds=2))
    later = headline(handoff, now=handoff.requested_at + timedelta(seconds=30))

    assert (at_once.tone, at_once.cure) == ("info", "")
    assert later.tone == "error"
    assert "/readyz" in later.cure


def test_an_active_handoff_names_who_is_present():
    handoff = factories.handoff(state=State.ACTIVE)
    now = handoff.joined_at + timedelta(minutes=3)
    alone = headline(handoff, now=now).sentence
    handoff.live_agents = {}

    between = headline(handoff, now=now)

    assert alone == "Noor Halvorsen is in the conversation; joined 3 min ago."
    assert between.sentence.startswith("Between two live agents")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (130, "2 min 10 s"),
        (3600, "1 h"),
        (3725, "1 h 2 min"),
        (90_003, "1 d 1 h"),
        (86_403, "1 d"),
    ],
)
def test_durations_are_written_with_their_two_largest_units(seconds, text):
    assert duration_text(seconds) == text
