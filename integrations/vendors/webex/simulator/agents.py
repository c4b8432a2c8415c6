"""What live agents and the flow do in a task, and what the portal hears of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile, file_of
from integrations.simulators.world_simulator import deed
from integrations.vendors.webex.simulator.outbox import now_ms
from integrations.vendors.webex.simulator.world import Task, WebexWorld, on_desk

_PEOPLE = uuid.UUID("3c1d2b8e-55a4-4f0e-9d2e-0b8a6c7d1e90")
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360f8cf500f0004850180d4b2c1c40000000049454e44ae426082"
)


class WebexAgents(LiveAgents[Task, str]):
    """The people of the one team, known by their names."""

    def __init__(self, world: WebexWorld) -> None:
        """Take what they work on."""
        self.world = world

    def those_in(self, conversation: Task) -> Mapping[str, str]:
        """Return who is in; a task that is over has nobody."""
        if conversation.is_over:
            raise DeskError(409, "The task has ended.")
        return {name: name for name in conversation.agents}

    def join(self, conversation: Task, agent_name: str) -> None:
        """Accept the task that is offered, or join the colleague who has it."""
        refuse_twice(agent_name, self.those_in(conversation))
        is_conference = bool(conversation.agents)
        conversation.agents.append(agent_name)
        conversation.people.append(agent_name)
        if is_conference:
            self.world.lifecycle(conversation, "conferencing")
            return
        conversation.owner, conversation.status = agent_name, "assigned"
        self.world.lifecycle(conversation, "connect")
        self.world.lifecycle(conversation, "connected")

    def say(self, conversation: Task, agent: str, text: str) -> None:
        """Send a text."""
        self.send(conversation, agent, text, [])

    def show_typing(self, conversation: Task, agent: str, *, is_typing: bool) -> None:
        """Do nothing that anybody hears of: the channel has no typing."""

    def send_file(self, conversation: Task, agent: str, stored: StoredFile) -> None:
        """Send a file: the portal gets a signed address."""
        self.send(conversation, agent, "", [stored])

    def read(self, conversation: Task, agent: str) -> None:
        """Mark what the end user wrote as read, which nobody hears of."""
        for message in conversation.messages:
            message["read"] = message["read"] or message["from"] == "end_user"

    def transfer_to_queue(self, conversation: Task, queue: str) -> None:
        """Hand the task to a queue."""
        self.present(conversation)
        conversation.agents.clear()
        conversation.owner, conversation.queue, conversation.status = "", queue, "queued"
        self.world.lifecycle(conversation, "parked")

    def transfer_to_agent(self, conversation: Task, agent_name: str) -> None:
        """Hand the task to a colleague, who accepts at once."""
        conversation.agents.remove(self.present(conversation))
        conversation.agents.insert(0, agent_name)
        conversation.people.append(agent_name)
        conversation.owner, conversation.status = agent_name, "assigned"
        self.world.lifecycle(conversation, "connect")
        self.world.lifecycle(conversation, "connected")

    def leave(self, conversation: Task, agent: str) -> None:
        """Leave; with the last live agent the task ends."""
        conversation.agents.remove(agent)
        if not conversation.agents:
            self.close(conversation, "agent")
        elif agent == conversation.owner:
            conversation.owner = conversation.agents[0]
            self.world.lifecycle(conversation, "conference-transferred")

    def end(self, conversation: Task) -> None:
        """End the task."""
        self.those_in(conversation)
        self.close(conversation, "agent")

    # -- What only this desk knows -------------------------------------------------------------

    def close(self, task: Task, ended_by: str) -> None:
        """Let a task be over, and tell of it."""
        task.status = "completed" if task.agents or task.owner else "abandoned"
        task.ended_by, task.updated_at = ended_by, now_ms()
        task.agents.clear()
        self.world.lifecycle(task, "ended")

    def flow_says(self, task: Task, text: str) -> None:
        """Write as the customer's flow does."""
        self.those_in(task)
        task.add("bot", "Flow", text)
        self.world.tell_asset(task.task_id, self._data(task, "system", text, []))

    def send_encrypted(self, task: Task, agent: str) -> None:
        """Send a file that only the organization's own keys open."""
        files = [
            {
                "url": f"{self.world.base_url}/att/none?keyUri=kms%3A%2F%2Fkey&JWE=abc",
                "mimeType": "application/pdf",
                "fileName": "contract.pdf",
            }
        ]
        task.add("live_agent", agent, "")
        self.world.tell_asset(task.task_id, self._data(task, "agent", "", files, agent))

    def send(self, task: Task, agent: str, text: str, stored: Sequence[StoredFile]) -> None:
        """Send a text, files, or both: the portal gets signed addresses."""
        self.those_in(task)
        task.add("live_agent", agent, text, attachments=on_desk(stored))
        files = [
            {
                "url": f"{self.world.base_url}/att/{one.file_id}?token={one.file_id[:8]}",
                "mimeType": one.mime_type,
                "fileName": one.name,
            }
            for one in stored
        ]
        self.world.tell_asset(task.task_id, self._data(task, "agent", text, files, agent))

    def _data(
        self, task: Task, sender: str, text: str, files: list[dict[str, str]], agent: str = ""
    ) -> dict[str, Any]:
        switches, at = self.world.switches, now_ms()
        who = (ci_id_of if switches.has_ci_sender else id_of)(agent)
        message = {
            "aliasId": str(uuid.uuid4()),
            "text": text,
            "timestamp": at,
            "attachments": files,
        }
        kind = "text-with-attachments" if files else "text"
        return {
            "taskId": task.task_id,
            "origin": task.origin,
            "destination": switches.business_address,
            "messageDirection": "OUTBOUND",
            "senderType": sender,
            **({"senderId": who} if agent else {}),
            "channelType": "customMessaging",
            "channel": switches.channel_name,
            "channelParams": {"type": kind, "message": message},
            "createdTime": at,
        }


def id_of(name: str) -> str:
    """Return a live agent's id in the contact center."""
    return str(uuid.uuid5(_PEOPLE, name))


def ci_id_of(name: str) -> str:
    """Return a live agent's id in the common identity."""
    return str(uuid.uuid5(_PEOPLE, f"ci:{name}"))


def _flow(agents: WebexAgents, task: Task, fields: Fields) -> None:
    """Write as the flow."""
    agents.flow_says(task, str(fields.get("text", "Thank you. Somebody will be with you soon.")))


def _html(agents: WebexAgents, task: Task, fields: Fields) -> None:
    """Write as the desktop's editor does, in HTML."""
    default = (
        '<p>Please see <b>both</b>:</p><ul><li><a href="https://example.com/a">A</a></li></ul>'
    )
    agents.say(task, agents.present(task), str(fields.get("text", default)))


def _image(agents: WebexAgents, task: Task, fields: Fields) -> None:
    """Send an image with a text."""
    stored = agents.world.files.add(file_of(name="meter.png", mime_type="image/png", content=_PNG))
    agents.send(task, agents.present(task), str(fields.get("text", "See here")), [stored])


def _encrypted(agents: WebexAgents, task: Task, _fields: Fields) -> None:
    """Send a file that is encrypted."""
    agents.send_encrypted(task, agents.present(task))


def _note(action: str) -> Action:
    def tell(agents: WebexAgents, task: Task, _fields: Fields) -> None:
        agents.present(task)
        agents.world.lifecycle(task, action)

    return deed(tell)


EXTRA_ACTIONS: dict[str, Action] = {
    "flow": deed(_flow),
    "hold": _note("on-hold"),
    "consult": _note("consulting"),
}
RICH_MESSAGES: dict[str, Action] = {
    "markdown": deed(_html),
    "image": deed(_image),
    "flow": deed(_flow),
    "encrypted_file": deed(_encrypted),
}
