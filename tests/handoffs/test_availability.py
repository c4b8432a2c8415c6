"""Before anything is opened: opening hours, live agents, and each way to go without them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from tests.handoffs.chains import kinds, start_at

pytestmark = pytest.mark.django_db(transaction=True)


def _days_around_today() -> list[str]:
    today = datetime.now(UTC).date()
    return [(today + timedelta(days=n)).isoformat() for n in (-1, 0, 1)]


@pytest.mark.parametrize("way", ["fail", "return_to_bot"])
async def test_the_vendor_is_asked_and_nothing_is_opened_there_when_nobody_is_available(
    chain, amazon, way
):
    one = await chain()
    await start_at(
        one, "amazon_connect", on_unavailable=way, response_no_agents="Nobody here, sorry."
    )
    amazon.set_agents_offline(is_offline=True)

    await one.serve()
    failed = await one.reaches("failed")

    assert failed.error_code == "no_live_agents"
    assert failed.conversation.state == "bot"
    assert amazon.desk_conversations() == []
    last_two = (await one.journal())[-2:]
    if way == "fail":
        assert last_two == [("HANDOFF_FAILED", "no_live_agents"), ("POLY_AGENT_JOINED", None)]
    else:
        assert last_two[0] == ("POLY_AGENT_JOINED", None)
        assert last_two[1] == ("POLY_AGENT_MESSAGE", "Nobody here, sorry.")


async def test_the_end_user_waits_in_the_queue_all_the_same_where_that_is_wanted(chain, amazon):
    one = await chain()
    await start_at(one, "amazon_connect", on_unavailable="queue")
    amazon.set_agents_offline(is_offline=True)

    await one.serve()
    await one.reaches("queued")

    paths = [row.path for row in amazon.requests.all()]
    assert not [path for path in paths if path.startswith("/metrics/current")]


async def test_a_vendor_that_does_not_answer_in_time_counts_as_available(chain, amazon):
    one = await chain()
    await start_at(one, "amazon_connect", on_unavailable="fail")
    amazon.fail_next(500, count=20, path_prefix="/metrics/current")

    await one.serve()

    await one.reaches("queued")


async def test_out_of_hours_the_vendor_is_not_even_called(chain):
    never = {
        "availability_check": "hours",
        "on_unavailable": "fail",
        "business_hours_zone": "Europe/Berlin",
        "business_hours": "Mon-Sun 09:00-17:00",
        # Every day that the test can run on is a holiday.
        "business_holidays": "\n".join(await run_sync(_days_around_today)),
    }
    one = await chain(**never)

    await one.serve()
    failed = await one.reaches("failed")

    assert failed.error_code == "out_of_hours"
    assert ("HANDOFF_FAILED", "out_of_hours") in await one.journal()
    assert one.simulator.requests.all() == []


async def test_the_tool_decides_for_its_own_handoff(chain, amazon):
    one = await chain()
    await start_at(one, "amazon_connect", on_unavailable="fail")
    await run_sync(
        lambda: Handoff.objects.filter(pk=one.handoff.pk).update(
            routing={"on_unavailable": "queue"}
        )
    )
    amazon.set_agents_offline(is_offline=True)

    await one.serve()

    await one.reaches("queued")
    assert "HANDOFF_FAILED" not in await kinds(one)
