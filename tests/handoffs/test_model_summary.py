"""A model writes what the live agent reads first, within a bound, and the timeline says who did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from conversations.models import OutsideAgent
from handoffs.models import Handoff
from handoffs.portal.one_handoff.timeline import timeline_get
from handoffs.relay.screen_pop.request import screen_pop_of
from tests import factories
from tests.handoffs.model import KEY, ModelStandIn, model_server, says
from tests.handoffs.talk import Talk
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
CARD = "4111 1111 1111 1111"
SUMMARY = f"Parcel lost; paid with {CARD}."


@pytest.fixture
def model() -> Iterator[ModelStandIn]:
    with model_server() as served:
        yield served


def has_model(talk: Talk, url: str, **fields: Any) -> None:
    project = talk.handoff.conversation.project
    values = {"kind": "openai", "url": url, "secrets": {"api_key": KEY}}
    options = {"model": "small"}
    OutsideAgent.objects.create(project=project, options=options, **{**values, **fields})


async def begun(talk: Any, url: str, **behaviour: Any) -> tuple[Talk, list[str], Handoff]:
    """Begin a handoff; returns what the desk shows of it, and its row."""
    one = await talk(summary="model", mask_cards=True, **behaviour)
    if url:
        await run_sync(has_model, one, url)
    await one.serve()
    await one.reaches("queued")
    lines = await eventually_async(lambda: summary_at(one))
    handoff = await run_sync(lambda: Handoff.objects.get(pk=one.handoff.pk))
    return one, lines, handoff


def summary_at(talk: Talk) -> list[str]:
    """Return what the desk shows once the transcript, and the summary before it, have come."""
    lines = [line["text"] for line in talk.desk()["messages"]]
    return lines if any("transfer you" in line for line in lines) else []


def told(handoff: Handoff, *, may_read_text: bool = True) -> Any:
    entries = timeline_get(handoff=handoff, may_read_text=may_read_text).entries
    return next(entry for entry in entries if entry.anchor == "summary")


async def test_the_models_summary_goes_first_masked_and_is_asked_for_once(talk, model):
    model.script = [says(SUMMARY)]

    _, lines, handoff = await begun(talk, model.url)

    masked = "Parcel lost; paid with [card number, ends in 1111]."
    assert any(masked in line for line in lines), lines
    assert "My parcel is lost" in model.heard[0]["messages"][1]["content"]
    assert model.refused == [] and set(model.heard[0]) == {"model", "messages"}
    entry = await run_sync(told, handoff)
    assert entry.title.endswith("by the project's language model")
    assert entry.text == masked and entry.meta
    hidden = await run_sync(lambda: told(handoff, may_read_text=False))
    assert hidden.is_hidden and hidden.text == ""
    again = await run_sync(screen_pop_of, handoff)
    assert again.wish is None and again.routing["summary"] == masked


async def test_a_model_that_is_slow_holds_nobody_and_ours_goes_along(talk, model, settings):
    settings.MODEL_SUMMARY_SECONDS = 0.3
    model.answer_pause = 3.0
    began = time.monotonic()

    _, lines, handoff = await begun(talk, model.url)

    assert time.monotonic() - began < 2.5
    assert any("began with: “My parcel is lost”" in line for line in lines)
    entry = await run_sync(told, handoff)
    assert entry.title.endswith("of the conversation's own sentences")
    assert "did not answer within 0.3 seconds" in entry.note and entry.is_problem


@pytest.mark.parametrize("wrong", [(500, {}, {}), (401, {"error": {}}, {}), says("")])
async def test_a_model_that_fails_leaves_ours_and_the_timeline_says_why(talk, model, wrong):
    model.script = [wrong]

    _, lines, handoff = await begun(talk, model.url)

    assert any("began with: “My parcel is lost”" in line for line in lines)
    assert "The model gave no summary" in (await run_sync(told, handoff)).note


async def test_without_a_model_ours_goes_along_without_a_word_about_it(talk):
    _, lines, handoff = await begun(talk, "")

    assert any("began with: “My parcel is lost”" in line for line in lines)
    entry = await run_sync(told, handoff)
    assert entry.note == "" and not entry.is_problem


def test_what_a_tool_gives_is_not_asked_for():
    integration = factories.integration(behaviour={"summary": "model"})
    OutsideAgent.objects.create(project=integration.project, kind="openai", url="https://x.example")
    conversation = factories.conversation(factories.channel(integration.project))
    factories.said(conversation, "Where is it?")
    handoff = factories.handoff(
        conversation, hints={"summary": "By the tool."}, of_integration=integration
    )

    found = screen_pop_of(handoff)

    assert (found.summary_by, found.wish, found.routing["summary"]) == (
        "tool",
        None,
        "By the tool.",
    )
