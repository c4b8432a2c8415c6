"""A live agent's end and a line of the end user's cross: no ghost, no line without a fate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.errors import ConversationEndedError
from conversations.event_loop.executor import run_sync
from handoffs.clocks.overdue import overdue_reap
from handoffs.models import Handoff
from handoffs.relay import ending
from integrations.simulators.traffic import Hold
from tests.handoffs.talk import Talk, active
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "One more question"
NOT_DELIVERED = "handoff_forward_failed"


def hold(one: Talk, *, after_accept: bool) -> None:
    one.simulator.faults.hold(Hold(text=LINE, after_accept=after_accept))


async def is_on_its_way(one: Talk) -> None:
    def is_there() -> bool:
        return any(LINE in request.body for request in one.simulator.requests.all())

    await eventually_async(is_there)


def open_at_vendor(one: Talk) -> list[str]:
    return [c["status"] for c in one.simulator.desk_conversations() if c["status"] != "ended"]


async def tail(one: Talk, count: int) -> list[tuple[str, str]]:
    return (await one.journal())[-count:]


NOT_DELIVERED_THEN_END = [("SYSTEM_MESSAGE", NOT_DELIVERED), ("SESSION_END", "REASON_NATURAL_END")]


async def test_a_line_that_comes_after_the_end_is_not_delivered_and_what_it_opened_is_ended(talk):
    one = await active(talk)
    hold(one, after_accept=False)
    await one.write(LINE)
    await is_on_its_way(one)

    one.simulator.live_agent_ends(one.desk_id())
    await one.reaches("ended")
    assert "SESSION_END" not in dict(await one.journal())
    one.simulator.faults.release()
    await one.finished()

    assert await tail(one, 2) == NOT_DELIVERED_THEN_END
    assert await one.statuses() == ["failed"]
    assert open_at_vendor(one) == []
    assert (await one.now()).vendor_end_until is None


async def test_a_line_taken_before_the_end_is_delivered_however_late_its_answer_comes(talk):
    one = await active(talk)
    hold(one, after_accept=True)
    await one.write(LINE)
    await eventually_async(lambda: LINE in one.at_desk())

    one.simulator.live_agent_ends(one.desk_id())
    await one.reaches("ended")
    one.simulator.faults.release()
    await one.finished()

    assert (await one.journal())[-1][0] == "SESSION_END"
    assert NOT_DELIVERED not in [text for _, text in await one.journal()]
    assert set(await one.statuses()) <= {"sent", "delivered", "read"}
    assert open_at_vendor(one) == []


@pytest.mark.parametrize("asks_again", [False, True], ids=["opens at once", "asks for pre-chat"])
async def test_a_line_that_meets_an_end_on_its_way_to_us_opens_nothing_that_stays(talk, asks_again):
    one = await active(talk)
    one.simulator.configure(session_prechat=asks_again)
    one.simulator.stall_streams(seconds=1.5)
    one.simulator.live_agent_says(one.desk_id(), text="Goodbye, and thank you.")
    one.simulator.live_agent_ends(one.desk_id())

    await one.write(LINE)
    await one.finished()

    kinds = [kind for kind, _ in await one.journal()]
    assert await one.said_by_agent() == ["Goodbye, and thank you."]
    assert kinds.index("LIVE_AGENT_MESSAGE") < kinds.index("LIVE_AGENT_LEFT")
    assert NOT_DELIVERED in [text for _, text in await one.journal()]
    assert kinds[-1] == "SESSION_END"
    assert open_at_vendor(one) == []


async def test_a_worker_that_dies_in_the_middle_leaves_it_to_the_next_one(talk):
    one = await active(talk)
    hold(one, after_accept=False)
    await one.write(LINE)
    await is_on_its_way(one)
    one.simulator.live_agent_ends(one.desk_id())
    await one.reaches("ended")

    await one.kill()
    one.simulator.faults.release()
    await one.serve()
    await one.finished()

    assert await tail(one, 2) == NOT_DELIVERED_THEN_END
    assert open_at_vendor(one) == []


async def test_what_the_session_refuses_while_no_end_has_come_ends_the_handoff(talk, monkeypatch):
    monkeypatch.setattr("handoffs.relay.started_session.GONE_SECONDS", 0.1)
    one = await active(talk)
    one.simulator.fail_next(403, count=1, path_suffix="/message", method="POST")

    await one.write(LINE)
    await one.finished()

    assert await tail(one, 3) == [
        ("SYSTEM_MESSAGE", NOT_DELIVERED),
        ("LIVE_AGENT_LEFT", "vendor_closed"),
        ("SESSION_END", "REASON_NATURAL_END"),
    ]
    assert open_at_vendor(one) == []  # what we concluded was told to the vendor


async def test_an_end_by_the_end_user_waits_for_the_fate_of_what_was_said_before_it(talk):
    one = await active(talk)
    hold(one, after_accept=False)
    await one.write(LINE)
    await is_on_its_way(one)

    await one.leave()
    assert "SESSION_END" not in dict(await one.journal())
    with pytest.raises(ConversationEndedError):
        await one.write("And another thing")
    one.simulator.faults.release()
    await one.finished()

    assert one.at_desk()[-1] == LINE
    assert (await one.journal())[-1] == ("SESSION_END", "REASON_USER_END")
    assert open_at_vendor(one) == []


async def test_what_was_said_before_an_end_is_sent_by_the_next_worker(talk):
    one = await active(talk)
    await one.kill()
    await one.write(LINE)
    await one.leave()

    await one.serve()
    await one.finished()

    assert one.at_desk()[-1] == LINE
    assert (await one.journal())[-1] == ("SESSION_END", "REASON_USER_END")


@pytest.mark.parametrize(("status", "times"), [(400, 5), (401, 5), (503, 3)])
async def test_an_end_is_repeated_whatever_the_vendor_answers_until_it_confirms(
    talk, monkeypatch, status, times
):
    monkeypatch.setattr(ending, "_REFUSED_BASE_SECONDS", 0.02)
    one = await active(talk)
    one.simulator.fail_next(status, count=times, method="DELETE")

    await one.leave()
    await one.finished()

    assert open_at_vendor(one) == []
    assert (await one.now()).vendor_end_until is None


async def test_a_line_of_an_ended_conversation_gets_its_fate_though_no_worker_is_left(talk):
    one = await active(talk)
    hold(one, after_accept=False)
    await one.write(LINE)
    await is_on_its_way(one)
    one.simulator.live_agent_ends(one.desk_id())
    await one.reaches("ended")
    await one.kill()
    one.simulator.faults.release()

    await run_sync(reap_long_after, one)

    assert await tail(one, 2) == NOT_DELIVERED_THEN_END


def reap_long_after(one: Talk) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Handoff.objects.filter(pk=one.handoff.pk).update(ended_at=long_ago)
    overdue_reap()
