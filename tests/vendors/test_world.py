"""What a vendor's simulator is made of: records that outlive a restart, switches, live agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

from integrations.simulators.desk import Action, DeskError, DeskWords
from integrations.simulators.events.faults import EventFaults
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import PASSING, Records, StoredFile, record_of
from integrations.simulators.switches import Switches
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world import World
from integrations.simulators.world_simulator import WorldSimulator, deed
from tests.vendors.desk import Desk


@dataclass(kw_only=True)
class Said:
    name: str
    text: str
    file_ids: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Thread:
    thread_id: str
    said: list[Said] = field(default_factory=list)
    last: Said | None = None
    agents: list[str] = field(default_factory=list)
    queue: str = ""
    is_over: bool = False
    notes: dict[str, Said] = field(default_factory=dict)
    typing_until: float = field(default=0.0, metadata=PASSING)


@dataclass
class TinySwitches(Switches):
    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {"mood": ("calm", "odd")}

    agents_offline: bool = False
    mood: str = "calm"
    wait_seconds: float | None = None
    queues: list[str] = field(default_factory=lambda: ["Support"])
    secret: str = "first"


class Tiny(World[TinySwitches, Thread]):
    kept_values: ClassVar[tuple[str, ...]] = ("account_id",)
    agreed_switches: ClassVar[tuple[str, ...]] = ("secret",)

    def __init__(self, switches: TinySwitches) -> None:
        super().__init__(switches, Records(Thread, "thread_id"))
        self.account_id = "acc-1"


class TinyAgents(LiveAgents[Thread, str]):
    def __init__(self, world: Tiny) -> None:
        self.world = world

    def those_in(self, conversation: Thread) -> dict[str, str]:
        return {name: name for name in conversation.agents}

    def join(self, conversation: Thread, agent_name: str) -> None:
        refuse_twice(agent_name, conversation.agents)
        conversation.agents.append(agent_name)

    def say(self, conversation: Thread, agent: str, text: str) -> None:
        conversation.said.append(Said(name=agent, text=text))

    def show_typing(self, conversation: Thread, agent: str, *, is_typing: bool) -> None:
        conversation.typing_until = 9.0 if is_typing else 0.0

    def send_file(self, conversation: Thread, agent: str, stored: StoredFile) -> None:
        conversation.said.append(Said(name=agent, text="", file_ids=[stored.file_id]))

    def read(self, conversation: Thread, agent: str) -> None:
        conversation.last = conversation.said[-1]

    def transfer_to_queue(self, conversation: Thread, queue: str) -> None:
        conversation.queue = queue

    def transfer_to_agent(self, conversation: Thread, agent_name: str) -> None:
        conversation.agents[0] = agent_name

    def leave(self, conversation: Thread, agent: str) -> None:
        conversation.agents.remove(agent)

    def end(self, conversation: Thread) -> None:
        conversation.is_over = True


class TinySimulator(WorldSimulator[Tiny]):
    key: ClassVar[str] = "tiny"
    words: ClassVar[DeskWords] = DeskWords(
        title="Tiny", inbox="In", accept="A", end="E", attributes="At", session="S"
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = {
        "shout": deed(lambda agents, one, f: agents.say(one, "Ada", f["text"].upper()))
    }

    def __init__(self, *, state_file: Path | None = None, **switches: Any) -> None:
        world = Tiny(TinySwitches.of(**switches))
        super().__init__(world, TinyAgents(world), state_file=state_file)

    def vendor_app(self) -> Starlette:
        return Starlette()

    def failure_response(self, failure: PlannedFailure) -> Response:
        return PlainTextResponse("", status_code=failure.status)

    def desk_view(self, conversation: Thread) -> dict[str, Any]:
        return {"id": conversation.thread_id, "said": [one.text for one in conversation.said]}

    def _no_stream(self, **_: Any) -> None: ...

    drop_streams = close_streams = stall_streams = expire_tokens = _no_stream
    duplicate_next = swap_next_two = _no_stream


@pytest.fixture(scope="module")
def pretended() -> TinySimulator:
    return TinySimulator()


@pytest.fixture
def tiny(simulator: TinySimulator) -> TinySimulator:
    simulator.world.conversations.add(Thread(thread_id="t-1"))
    return simulator


async def test_all_that_a_live_agent_can_do_reaches_the_vendors_agents(
    tiny: TinySimulator, desk: Desk
):
    thread = tiny.world.conversations["t-1"]

    for action, fields in [
        ("accept", {"agent_name": "Ada"}),
        ("say", {"text": "Hello"}),
        ("type", {}),
        ("file", {"name": "a.txt", "content_base64": "aGk=", "mime_type": "text/plain"}),
        ("read", {}),
        ("shout", {"text": "now"}),
        ("transfer", {"queue": "Billing"}),
        ("transfer", {"agent_name": "Bo"}),
        ("leave", {"agent_name": "Bo"}),
        ("end", {}),
    ]:
        await desk.act("t-1", action, **fields)

    assert [one.text for one in thread.said] == ["Hello", "", "NOW"]
    assert (thread.queue, thread.agents, thread.is_over) == ("Billing", [], True)
    assert (thread.typing_until, thread.last) == (9.0, thread.said[1])
    [file_id] = thread.said[1].file_ids
    async with desk.http.get(f"/_desk/files/{file_id}") as answer:
        assert await answer.read() == b"hi"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_whoever_is_not_in_the_conversation_cannot_act_and_leaves_no_file(
    tiny: TinySimulator, desk: Desk
):
    assert await desk.refused("t-1", "file", name="a.txt", content_base64="aGk=") == 409
    await desk.act("t-1", "accept", agent_name="Ada")
    assert await desk.refused("t-1", "accept", agent_name="Ada") == 409
    assert await desk.refused("t-1", "say", text="Hi", agent_name="Bo") == 409
    assert await desk.refused("t-2", "end") == 404
    assert tiny.world.files == {}


def test_state_file_brings_everything_back_but_passing_clocks(tmp_path):
    path = tmp_path / "state.json"
    before = TinySimulator(state_file=path, mood="odd")
    said = Said(name="Ada", text="Hi", file_ids=["f"])
    thread = Thread(thread_id="t-1", said=[said], last=said, notes={"a": said}, typing_until=7.0)
    before.world.conversations.add(thread)
    before.world.account_id = "acc-2"
    before.live_agent_joins("t-1", agent_name="Ada")

    after = TinySimulator(state_file=path)

    thread.typing_until = 0.0
    assert after.world.conversations == {"t-1": thread}
    assert isinstance(after.world.conversations["t-1"].notes["a"], Said)
    assert (after.world.account_id, after.world.switches.mood) == ("acc-2", "odd")


def test_state_from_before_there_were_worlds_is_left_aside(tmp_path):
    path = tmp_path / "state.json"
    path.write_text('{"chats": [], "files": {"f": {"mime_type": "text/plain"}}, "switches": {}}')

    assert TinySimulator(state_file=path).desk_conversations() == []


def test_state_of_another_version_is_read_as_far_as_it_goes():
    kept = {"thread_id": "t-1", "said": [{"name": "A", "text": "x", "gone": 1}], "colour": "red"}

    assert record_of(Thread, kept) == Thread(thread_id="t-1", said=[Said(name="A", text="x")])


def test_reset_forgets_records_and_goes_back_to_the_first_switches_but_for_what_was_agreed(tiny):
    tiny.configure(mood="odd", secret="agreed", queues=["Sales"])

    tiny.reset()

    assert tiny.world.conversations == {}
    assert tiny.configuration() == {**TinySwitches().as_json(), "secret": "agreed"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"nobody": 1},
        {"mood": "cross"},
        {"mood": 1},
        {"agents_offline": 1},
        {"wait_seconds": True},
        {"wait_seconds": -1},
        {"wait_seconds": "9"},
        {"queues": "Support"},
        {"queues": [1]},
        {"secret": None},
    ],
)
def test_wrong_switch_is_refused_and_changes_nothing(wrong):
    switches = TinySwitches()

    with pytest.raises(DeskError):
        switches.change(**{"mood": "odd", **wrong})

    assert switches == TinySwitches()


def test_optional_switch_takes_its_type_and_nothing():
    switches = TinySwitches()
    switches.change(wait_seconds=9)
    assert switches.wait_seconds == 9
    switches.change(wait_seconds=None, queues=[])
    assert (switches.wait_seconds, switches.queues) == (None, [])


def test_planned_faults_repeat_swap_and_lose_events_of_their_lane_and_label():
    faults: EventFaults[str] = EventFaults()
    faults.duplicate_next("message")
    assert faults.arriving("typing-1", label="typing") == ["typing-1"]
    assert faults.arriving("one", label="message") == ["one", "one"]

    faults.swap_next_two()
    assert faults.arriving("two", lane="a") == []
    assert faults.arriving("else", lane="b") == ["else"]
    assert faults.arriving("three", lane="a") == ["three", "two"]

    faults.lose_next(1)
    assert [faults.arriving(one) for one in ("four", "five")] == [[], ["five"]]

    faults.swap_next_two()
    faults.forget()
    assert faults.arriving("six") == ["six"]


def test_state_is_plain_json(tiny):
    tiny.live_agent_joins("t-1", agent_name="Ada")
    tiny.live_agent_sends_file("t-1", name="a", mime_type="x/y", content=b"\xff")

    assert json.loads(json.dumps(tiny.state_as_dict())) == tiny.state_as_dict()
