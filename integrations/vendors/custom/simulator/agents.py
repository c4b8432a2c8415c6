"""What live agents do in a handoff, and one message of each kind of rich content they can send."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.custom.simulator.world import CustomWorld, Handoff

KINDS = ("choices", "cards", "slots", "form", "markdown", "image")
BOT = "Desk bot"
# One red dot: what a picture's address answers.
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)


def picture() -> Response:
    """Answer with the picture of cards and choices."""
    return Response(_PICTURE, media_type="image/png")


def rich_data(kind: str, *, base_url: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a message of this kind, and what its data has beside."""
    image = f"{base_url}/pictures/parcel.png"
    texts = {
        "choices": "Shall we send it again?",
        "cards": "Two ways to get it:",
        "slots": "When may we call?",
        "form": "Tell us where it should go.",
        "markdown": "Read **both** pages:\n\n- [Terms](https://shop.example/terms)\n- _Returns_",
        "image": "",
    }
    return texts[kind], _data(kind, image)


def _data(kind: str, image: str) -> dict[str, Any]:
    site = {"label": "Our shop", "kind": "link", "url": "https://shop.example/"}
    call = {"label": "Call us", "kind": "phone", "url": "tel:+44205550100"}
    data: dict[str, dict[str, Any]] = {
        "choices": {"choices": [_choice("yes", "Yes"), _choice("no", "No, refund it"), site, call]},
        "cards": {
            "cards": [
                _card("home", "To your door", "Tomorrow by noon", image),
                _card("shop", "To a shop", "Today from five", image, site),
            ]
        },
        "slots": {"slots": _slots(), "place": "By telephone"},
        "form": {"form": _form()},
        "markdown": {"markup": "markdown"},
        "image": {"attachments": [{"name": "parcel.png", "mime_type": "image/png", "url": image}]},
    }
    return data[kind]


def offered(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be answered: ids, and for a form the names of its fields."""
    cards = [choice for card in data.get("cards", []) for choice in card["choices"]]
    single = [*data.get("choices", []), *cards, *data.get("slots", [])]
    taken: dict[str, Any] = {one["id"]: None for one in single if "id" in one}
    form = data.get("form")
    return taken | ({form["id"]: [one["name"] for one in form["fields"]]} if form else {})


def labels_of(data: Mapping[str, Any]) -> list[str]:
    """Return what the desk shows of an offer."""
    cards = [choice for card in data.get("cards", []) for choice in card["choices"]]
    fields = data.get("form", {}).get("fields", [])
    return [
        *(one["label"] for one in [*data.get("choices", []), *cards, *fields]),
        *(one["starts_at"] for one in data.get("slots", [])),
    ]


def _choice(choice_id: str, label: str) -> dict[str, str]:
    return {"id": choice_id, "label": label}


def _card(card_id: str, title: str, text: str, image: str, *more: Mapping[str, str]) -> Any:
    choices = [_choice(card_id, f"Take: {title}"), *more]
    return {"title": title, "text": text, "image_url": image, "choices": choices}


def _slots() -> list[dict[str, Any]]:
    day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return [
        {
            "id": f"slot-{number}",
            "starts_at": (day + timedelta(hours=hours)).isoformat(),
            "duration_seconds": 1800,
        }
        for number, hours in enumerate((0, 1, 25), start=1)
    ]


def _form() -> dict[str, Any]:
    options = [_choice("morning", "In the morning"), _choice("evening", "In the evening")]
    return {
        "id": "address",
        "title": "Delivery",
        "fields": [
            {"name": "street", "label": "Street", "kind": "text", "is_required": True},
            {"name": "email", "label": "E-mail", "kind": "email"},
            {"name": "when", "label": "When", "kind": "select", "options": options},
        ],
    }


class CustomAgents(LiveAgents[Handoff, str]):
    """The people of the one inbox, who are no more than their names."""

    def __init__(self, world: CustomWorld) -> None:
        """Take what they work on."""
        self.world = world

    def those_in(self, conversation: Handoff) -> Mapping[str, str]:
        """Return who is in; a closed handoff has nobody."""
        if conversation.status == "ended":
            raise DeskError(409, "The handoff is closed.")
        return {name: name for name in conversation.agents}

    def join(self, conversation: Handoff, agent_name: str) -> None:
        """Accept the waiting handoff, or join the colleague who has it."""
        refuse_twice(agent_name, self.those_in(conversation))
        conversation.status = "active"
        conversation.agents.append(agent_name)
        self.world.tell(conversation, "joined", {"agent": agent_of(agent_name)})

    def say(self, conversation: Handoff, agent: str, text: str) -> None:
        """Send a text."""
        self._tell_message(conversation, agent, conversation.add("live_agent", agent, text), [])

    def show_typing(self, conversation: Handoff, agent: str, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""
        self.world.tell(conversation, "typing", {"is_typing": is_typing, "agent": agent_of(agent)})

    def send_file(self, conversation: Handoff, agent: str, stored: StoredFile) -> None:
        """Send a file: the portal gets an address."""
        shown = {"name": stored.name, "mime_type": stored.mime_type}
        on_desk = {**shown, "id": stored.file_id, "url": f"/_desk/files/{stored.file_id}"}
        message = conversation.add("live_agent", agent, "", attachments=[on_desk])
        address = {**shown, "url": f"{self.world.base_url}/files/{stored.file_id}"}
        self._tell_message(conversation, agent, message, [address])

    def read(self, conversation: Handoff, agent: str) -> None:
        """Mark what the end user wrote as read, and tell of the newest."""
        unread = [m for m in conversation.messages if m["from"] == "end_user" and not m["read"]]
        for message in unread:
            message["read"] = True
        if unread:
            self.world.tell(conversation, "read", {"message_id": unread[-1]["id"]})

    def transfer_to_queue(self, conversation: Handoff, queue: str) -> None:
        """Hand the handoff to a queue."""
        self._transfer(conversation, {"queue": queue})
        conversation.status, conversation.queue = "queued", queue

    def transfer_to_agent(self, conversation: Handoff, agent_name: str) -> None:
        """Hand the handoff to a colleague, who joins at once."""
        self._transfer(conversation, {"agent": agent_of(agent_name)})
        self.join(conversation, agent_name)

    def leave(self, conversation: Handoff, agent: str) -> None:
        """Leave; with the last agent the handoff is closed."""
        self._depart(conversation, agent)
        if not conversation.agents:
            self.end(conversation)

    def end(self, conversation: Handoff) -> None:
        """Close the handoff."""
        self.those_in(conversation)
        self.world.close(conversation, "agent", "agent")

    def _transfer(self, handoff: Handoff, target: Mapping[str, Any]) -> None:
        leaving = self.present(handoff)
        self.world.tell(handoff, "transferred", target)
        self._depart(handoff, leaving)

    def _depart(self, handoff: Handoff, agent: str) -> None:
        handoff.agents.remove(agent)
        self.world.tell(handoff, "left", {"agent": agent_of(agent)})

    def offer(self, conversation: Handoff, fields: Fields, kind: str) -> None:
        """Send a message with rich content, by the live agent who is in, else by the bot."""
        name = str(fields.get("agent_name") or next(iter(self.those_in(conversation)), ""))
        text, data = rich_data(kind, base_url=self.world.base_url)
        message = conversation.add("live_agent" if name else "bot", name or BOT, text)
        message["options"] = labels_of(data)
        conversation.offers[message["id"]] = offered(data)
        author = {"agent": agent_of(name)} if name else {"agent": {"name": BOT}, "by": "bot"}
        told = {"message_id": message["id"], "text": text, **author, **data}
        self.world.tell(conversation, "message", told)

    def change(self, conversation: Handoff, kind: str, fields: Fields) -> None:
        """Edit or delete the newest message of a live agent or the bot, or the one named."""
        own = [m for m in conversation.messages if m["from"] in ("live_agent", "bot")]
        named = fields.get("message_id")
        found = [m for m in own if named in (None, m["id"])]
        if not found:
            raise DeskError(409, "There is no such message.")
        text = str(fields.get("text") or "Edited.") if kind == "edited" else ""
        found[-1]["text"] = text
        said = {"text": text} if kind == "edited" else {}
        self.world.tell(conversation, kind, {"message_id": found[-1]["id"], **said})

    def fail_message(self, conversation: Handoff, fields: Fields) -> None:
        """Tell that the newest message of the end user reached nobody after all."""
        said = [m for m in conversation.messages if m["from"] == "end_user"]
        if not said:
            raise DeskError(409, "The end user has said nothing.")
        reason = str(fields.get("reason") or "mailbox_full")
        message_id = str(fields.get("message_id") or said[-1]["id"])
        self.world.tell(conversation, "failed", {"message_id": message_id, "reason": reason})

    def _tell_message(
        self, handoff: Handoff, speaker: str, message: Mapping[str, Any], files: list[Any]
    ) -> None:
        data = {
            "message_id": message["id"],
            "agent": agent_of(speaker),
            "text": message["text"],
            "attachments": files,
        }
        self.world.tell(handoff, "message", data)


def agent_of(name: str) -> dict[str, str]:
    """Return a live agent as events name them."""
    return {"id": name.lower().replace(" ", "."), "name": name}


def _queue(agents: CustomAgents, handoff: Handoff, fields: Fields) -> None:
    """Tell place in the queue or waiting time."""
    agents.those_in(handoff)
    known = ("position", "estimated_wait_seconds", "queue")
    data = {name: fields[name] for name in known if name in fields}
    agents.world.tell(handoff, "queue", data)


def _error(agents: CustomAgents, handoff: Handoff, fields: Fields) -> None:
    """Give up, for the reason in `code`."""
    agents.those_in(handoff)
    handoff.status, handoff.ended_by = "ended", "error"
    agents.world.tell(handoff, "error", {"code": fields.get("code", "broken"), "message": "Sorry."})


def _note(agents: CustomAgents, handoff: Handoff, fields: Fields) -> None:
    """Write as the system, without a live agent's name."""
    agents.those_in(handoff)
    text = str(fields["text"])
    message = handoff.add("system", "System", text)
    agents.world.tell(handoff, "message", {"message_id": message["id"], "text": text})


def _warn(agents: CustomAgents, handoff: Handoff, fields: Fields) -> None:
    """Announce that the handoff closes unless the end user writes."""
    agents.those_in(handoff)
    agents.world.tell(handoff, "idle", {"seconds_left": fields.get("seconds_left", 60)})


def _time_out(agents: CustomAgents, handoff: Handoff, fields: Fields) -> None:
    """Close the handoff by the clock, for the `cause` idle or time_limit."""
    agents.those_in(handoff)
    cause = fields.get("cause", "idle")
    handoff.status, handoff.ended_by = "ended", "system"
    handoff.agents.clear()
    agents.world.tell(handoff, "closed", {"by": "system", "cause": cause})


EXTRA_ACTIONS: dict[str, Action] = {
    "edit": deed(lambda agents, one, fields: agents.change(one, "edited", fields)),
    "delete": deed(lambda agents, one, fields: agents.change(one, "deleted", fields)),
    "fail": deed(lambda agents, one, fields: agents.fail_message(one, fields)),
    "idle": deed(_warn),
    "time_out": deed(_time_out),
    "queue": deed(_queue),
    "error": deed(_error),
    "note": deed(_note),
}


def _sender(kind: str) -> Action:
    return deed(lambda agents, one, fields: agents.offer(one, fields, kind))


RICH_MESSAGES: dict[str, Action] = {kind: _sender(kind) for kind in KINDS}
