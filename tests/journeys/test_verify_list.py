"""The verify list at the end of a set-up: each of its steps ticks in a real run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from config.demo.vendors import demo_vendors
from integrations.models.connection_name import ConnectionName
from tests.journeys.people import Desk, EndUser
from tests.journeys.portal import Portal
from tests.journeys.stack import Stack
from tests.waiting import eventually


class List:
    """The list on the last page of a vendor's Connect flow, which watches."""

    def __init__(self, page: Page, stack: Stack, key: str) -> None:
        self.page = page
        project = stack.demo["project_id"]
        name = ConnectionName(key, demo_vendors()[key].credential_set)
        page.goto(f"{stack.url}/p/{project}/integrations/sandbox/{name}/connect/done/")

    def ticks(self, *names: str) -> None:
        """Wait until exactly these steps have passed; a vendor's first call may be any of them."""
        for line in self.page.locator("[data-verify]:not([data-verify=webhook])").all():
            name = line.get_attribute("data-verify")
            state = "passed" if name in names else "waiting"
            # Some vendors tell an end to whoever asks, every few seconds.
            expect(line, f"step {name}").to_have_attribute("data-state", state, timeout=15_000)


# By stream, by socket, by webhooks, and by an address that knows no vendor.
WAYS = ("salesforce_messaging", "amazon_connect", "zendesk", "custom")


@pytest.fixture(
    params=[
        pytest.param(key, marks=() if key in WAYS else pytest.mark.long) for key in demo_vendors()
    ]
)
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(stack: Stack, key: str) -> Iterator[Desk]:
    made = Desk(stack.simulator_urls[key])
    made.reset()
    yield made
    made.reset()


def test_every_step_of_the_verify_list_ticks_when_it_happens(
    stack: Stack, context: BrowserContext, desk: Desk, key: str
) -> None:
    portal = Portal(context.new_page(), stack)
    portal.sign_in()
    end_user = EndUser(context.new_page(), stack)
    marker = end_user.leaves_a_marker()

    end_user.write(stack.demo["simulators"][key]["phrase"])
    end_user.is_in_state("queued")
    listed = List(portal.page, stack, key)
    (row,) = eventually(lambda: [row for row in desk.holding(marker) if row["status"] == "queued"])
    listed.ticks("requested", "utterance", "queued")

    desk.does(row["id"], "accept", agent_name="Noor Halvorsen")
    end_user.is_in_state("live")
    desk.does(row["id"], "say", text="Hello, this is Noor")
    listed.ticks("requested", "utterance", "queued", "replied")

    desk.does(row["id"], "end")
    listed.ticks("requested", "utterance", "queued", "replied", "closed")
    expect(portal.page.locator("[data-verify][data-state=waiting]")).to_have_count(0)
