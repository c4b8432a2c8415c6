"""One subscription for all: what is kept of the topic, and what is fetched again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from integrations.contract.errors import ConnectorError, InvalidRoutingError
from integrations.http.client import HttpClient, open_session
from integrations.kit.waiting import ReconnectTiming
from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_byoc.client.access import channel_access
from integrations.vendors.salesforce_byoc.connector.topic import EventTopic, Place
from integrations.vendors.salesforce_byoc.mapping import envelope_of
from integrations.vendors.salesforce_byoc.simulator import SalesforceByocSimulator
from integrations.vendors.salesforce_byoc.simulator.world import CONSUMER_KEY, TOPIC
from tests.contract.bench import MemoryTokens, until
from tests.vendors.salesforce_byoc.contract_setup import BY_SECRET

KEPT = 3


class Listener:
    """Follows the topic for one key, and keeps the texts."""

    def __init__(self, topic: EventTopic, key: str, place: Place) -> None:
        self.texts: list[str] = []
        self.places: list[int] = []
        self.error: ConnectorError | None = None
        self._task = asyncio.create_task(self._run(topic, key, place))

    async def _run(self, topic: EventTopic, key: str, place: Place) -> None:
        try:
            async for received in topic.follow([key], place):
                self.texts.append(received.envelope.content["text"])
                self.places.append(received.replay_id)
        except ConnectorError as error:
            self.error = error

    async def hears(self, *texts: str) -> None:
        await until(lambda: self.texts == list(texts) or self.error)
        assert self.error is None

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Stand:
    """A simulator, and topics that listen to it."""

    def __init__(self, simulator: SalesforceByocSimulator, url: str, http: HttpClient) -> None:
        self.simulator, self.url, self._http = simulator, url, http

    def topic(self, name: str = TOPIC) -> EventTopic:
        credentials = {**BY_SECRET, "consumer_key": CONSUMER_KEY, "instance_url": self.url}
        return EventTopic(
            self._http,
            channel_access(self._http, MemoryTokens(), credentials),
            instance_url=self.url,
            topic=name,
            read=lambda p: envelope_of(p, payload_field="Payload__c", type_field="EventType__c"),
            timing=ReconnectTiming(first=0.05, longest=0.1, give_up=1),
            kept=KEPT,
        )

    def publish(self, key: str, text: str) -> None:
        body = {"conversationIdentifier": key, "payload": {"text": text}}
        self.simulator.world.publish_raw("Interaction", json.dumps(body))

    @property
    def subscriptions(self) -> int:
        rows = self.simulator.requests.all()
        return sum("/meta/subscribe" in row.body for row in rows)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    simulator = SalesforceByocSimulator()
    with running_simulator(simulator) as url:
        async with open_session(allow_local=True) as session:
            yield Stand(simulator, url, HttpClient(session, allow_local=True))


async def test_nothing_is_forgotten_that_a_listener_has_not_had(stand: Stand):
    topic = stand.topic()
    place = await topic.begin()
    talker = Listener(topic, "a", place)
    for number in range(3 * KEPT):
        stand.publish("a", str(number))
        await talker.hears(*map(str, range(number + 1)))

    late = Listener(topic, "a", Place(replay_id=talker.places[0], run=place.run))
    await late.hears(*map(str, range(1, 3 * KEPT)))

    assert stand.subscriptions == 2  # what was forgotten is asked for again
    stand.publish("a", "more")
    await until(lambda: talker.texts[-1] == late.texts[-1] == "more")
    assert len(talker.texts) == len(set(talker.texts)) == 3 * KEPT + 1
    for one in (talker, late):
        await one.stop()


async def test_who_begins_in_a_run_hears_all_of_it_and_who_began_before_it_everything(
    stand: Stand,
):
    topic = stand.topic()
    stand.publish("a", "long ago")
    place = await topic.begin()
    stand.publish("a", "now")
    fresh = Listener(topic, "a", place)
    await fresh.hears("now")

    lost = Listener(topic, "a", Place(run="of a worker that died"))
    await lost.hears("long ago", "now")

    assert fresh.texts == ["now"]
    for one in (fresh, lost):
        await one.stop()


async def test_a_topic_that_is_not_there_is_said_so_at_once(stand: Stand):
    with pytest.raises(InvalidRoutingError):
        await stand.topic("/event/Absent__e").begin()


async def test_a_place_that_salesforce_does_not_keep_any_more_is_left_for_the_oldest(stand: Stand):
    topic = stand.topic()
    stand.publish("a", "kept")
    listener = Listener(topic, "a", Place(replay_id=999_999))
    await until(lambda: stand.subscriptions == 2 or listener.error)

    stand.publish("a", "new")
    other = Listener(topic, "a", Place(run="of a worker that died"))
    await other.hears("kept", "new")

    for one in (listener, other):
        await one.stop()
