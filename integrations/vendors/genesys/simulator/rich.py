"""The structured content that the page lists, as a flow or a canned response sends it.

Shapes are those of ConversationMessageContent in the Platform API's models. Agents' desktops send
texts and files alone, so all else is a flow's unless the desk's call says `by: live_agent`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.records import file_of
from integrations.simulators.world_simulator import deed
from integrations.vendors.genesys.simulator import outbound
from integrations.vendors.genesys.simulator.agents import Agents
from integrations.vendors.genesys.simulator.state import Conversation, Participant, written
from integrations.vendors.genesys.simulator.world import Org

Content = list[dict[str, Any]]
# Kind -> the message's own text, and what makes its content.
Shape = tuple[str | None, Callable[[Org, Fields], Content]]
_BY = ("flow", "live_agent")
# What a desktop can send: files, links, and templates as canned responses.
_OF_DESKTOPS = ("image", "link", "notification")


def quick_replies(labels: list[str]) -> Content:
    """Return chips to choose from, one content entry each."""
    return [_one("QuickReply", quickReply=_chip(label)) for label in labels]


def offered(content: Content) -> set[tuple[str, str]]:
    """Return type and payload of every response that content asks for."""
    found: set[tuple[str, str]] = set()
    for one in content:
        replies = [one.get("quickReply", {}), *one.get("quickReplyV2", {}).get("actions", [])]
        replies += one.get("template", {}).get("buttons", [])
        found |= {("QuickReply", reply["payload"]) for reply in replies if "payload" in reply}
        for card in [one.get("card", {}), *one.get("carousel", {}).get("cards", [])]:
            actions = [*card.get("actions", []), card.get("defaultAction", {})]
            found |= {("Button", action["payload"]) for action in actions if "payload" in action}
        times = one.get("datePicker", {}).get("availableTimes", [])
        found |= {("DatePicker", time["dateTime"]) for time in times}
    return found


def asks_for_any_day(content: Content) -> bool:
    """Tell whether content holds a date picker that names no times."""
    pickers = (one["datePicker"] for one in content if "datePicker" in one)
    return any(not picker.get("availableTimes") for picker in pickers)


# -- Contents -------------------------------------------------------------------------------------


def _choices(_org: Org, fields: Fields) -> Content:
    labels = fields.get("options", ["Billing", "Delivery", "Something else"])
    if not isinstance(labels, list):
        raise DeskError(400, "options must be a list of titles.")
    return quick_replies([str(label) for label in labels])


def _choices_v2(_org: Org, _fields: Fields) -> Content:
    actions = [_chip(label) for label in ("Morning", "Afternoon")]
    return [
        _one("QuickReplyV2", quickReplyV2={"title": "When do you have time?", "actions": actions})
    ]


def _card(org: Org, _fields: Fields) -> Content:
    return [_one("Card", card=_parcel(org))]


def _carousel(org: Org, _fields: Fields) -> Content:
    colours = {"Blue": (40, 90, 200), "Red": (200, 60, 60), "Green": (50, 150, 80)}
    cards = [
        {
            "title": name,
            "description": f"The {name.lower()} one, 49 EUR",
            "image": _picture(org, name, colour),
            "actions": [{"type": "Postback", "text": f"Take {name}", "payload": f"sku-{name}"}],
        }
        for name, colour in colours.items()
    ]
    return [_one("Carousel", carousel={"cards": cards})]


def _date_picker(org: Org, _fields: Fields) -> Content:
    day = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    times = [day, day + timedelta(hours=5), day + timedelta(days=1, minutes=30)]
    picker = {
        "id": "visit",
        "title": "When may we come?",
        "subtitle": "A technician needs half an hour.",
        "imageUrl": _picture(org, "Shop", (120, 120, 120)),
        "location": {"text": "Shop at the canal", "address": "Kanalstraat 4, Utrecht"},
        "availableTimes": [{"dateTime": written(time), "duration": 1800} for time in times],
    }
    return [_one("DatePicker", datePicker=picker)]


def _any_day(_org: Org, _fields: Fields) -> Content:
    today = datetime.now(UTC)
    picker = {
        "title": "Which day suits you?",
        "dateMinimum": written(today),
        "dateMaximum": written(today + timedelta(days=30)),
    }
    return [_one("DatePicker", datePicker=picker)]


def _list_picker(org: Org, _fields: Fields) -> Content:
    items = [
        {"id": "std", "title": "Standard", "subtitle": "3 days, free"},
        {"id": "exp", "title": "Express", "subtitle": "Tomorrow, 9 EUR"},
    ]
    prompt = {"title": "How shall we send it?", "imageUrl": _picture(org, "Van", (230, 170, 40))}
    sections = [{"title": "Delivery", "multipleSelection": False, "items": items}]
    return [_one("ListPicker", listPicker={"receivedMessage": prompt, "sections": sections})]


def _notification(_org: Org, _fields: Fields) -> Content:
    return [_one("Notification", template=_template())]


def _form(_org: Org, _fields: Fields) -> Content:
    field = {"formComponentType": "Input", "input": {"id": "name", "title": "Your name"}}
    form = {
        "receivedMessage": {"title": "Tell us about your return", "buttonLabel": "Begin"},
        "formPages": [{"title": "About you", "pageComponents": [field]}],
    }
    return [_one("Form", form=form)]


def _image(org: Org, _fields: Fields) -> Content:
    stored = file_of(name="plan.png", mime_type="image/png", content=_png((60, 120, 180)))
    return outbound.attachment_content(org, org.files.add(stored))


def _link(_org: Org, _fields: Fields) -> Content:
    url = "https://shop.example/returns?order=BL-20931"
    return [_one("Attachment", attachment={"mediaType": "Link", "url": url, "text": "Returns"})]


def _story(_org: Org, _fields: Fields) -> Content:
    return [_one("Story", story={"type": "Mention", "url": "https://social.example/s/81"})]


_SHAPES: Mapping[str, Shape] = {
    "choices": ("What is it about?", _choices),
    "cards": (None, _card),
    "slots": (None, _date_picker),
    "form": (None, _form),
    "image": (None, _image),
    "quick_replies": ("What is it about?", _choices),
    "quick_replies_v2": (None, _choices_v2),
    "carousel": ("These are left:", _carousel),
    "list_picker": (None, _list_picker),
    "notification": ("Dear Ines,\nyour refund of 49 EUR is on its way.", _notification),
    "date": (None, _any_day),
    "link": (None, _link),
    "story": (None, _story),
}


# -- Parts ----------------------------------------------------------------------------------------


def _one(kind: str, **part: Any) -> dict[str, Any]:
    return {"contentType": kind, **part}


def _chip(label: str) -> dict[str, str]:
    # Not the label: what comes back must be the payload.
    return {"text": label, "payload": f"payload:{label}", "action": "Message"}


def _parcel(org: Org) -> dict[str, Any]:
    track = {"type": "Link", "text": "Track it", "url": "https://shop.example/t/BL-20931"}
    return {
        "title": "Parcel BL-20931",
        "description": "On its way, with you tomorrow",
        "image": _picture(org, "Parcel", (190, 140, 90)),
        "defaultAction": track,
        "actions": [track, {"type": "Postback", "text": "Call me", "payload": "call-me"}],
    }


def _template() -> dict[str, Any]:
    """Return a template as it was written; the message's own text has it filled in."""
    return {
        "id": "cannedresponse@5f8a",
        "language": "en",
        "header": {"type": "Text", "text": "Refunds"},
        "body": {
            "text": "Dear {{name}},\nyour refund of {{amount}} is on its way.",
            "parameters": [{"name": "name", "text": "Ines"}, {"name": "amount", "text": "49 EUR"}],
        },
        "buttons": [
            {"type": "QuickReply", "text": "Thank you", "payload": "thanks", "index": 0},
            {"type": "Url", "text": "Read more", "url": "https://shop.example/refunds", "index": 1},
            {"type": "PhoneNumber", "text": "Call us", "phoneNumber": "+31205550100", "index": 2},
        ],
        "footer": {"text": "Portal shop"},
    }


def _picture(org: Org, name: str, colour: tuple[int, int, int]) -> str:
    stored = file_of(name=f"{name}.png", mime_type="image/png", content=_png(colour))
    return org.download_url(org.files.add(stored))


def _png(colour: tuple[int, int, int], *, width: int = 160, height: int = 90) -> bytes:
    """Draw a picture of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = (b"\0" + bytes(colour) * width) * height
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


# -- The desk -------------------------------------------------------------------------------------


def _sender(kind: str) -> Action:
    own_text, make = _SHAPES[kind]

    def send(agents: Agents, conversation: Conversation, fields: Fields) -> None:
        is_agents = kind in _OF_DESKTOPS and bool(agents.those_in(conversation))
        by = fields.get("by", "live_agent" if is_agents else "flow")
        speaker = _speaker(agents, conversation, by, fields)
        content = make(agents.org, fields)
        is_plain = all(one["contentType"] == "Attachment" for one in content)
        outbound.say(
            agents.org,
            conversation,
            speaker,
            text=fields.get("text", own_text),
            content=content,
            message_type="Text" if is_plain else "Structured",
            originating_entity="Human" if by == "live_agent" else "Bot",
        )

    return deed(send)


def _speaker(agents: Agents, conversation: Conversation, by: str, fields: Fields) -> Participant:
    if by not in _BY:
        raise DeskError(400, f"by must be one of: {', '.join(_BY)}.")
    agents.those_in(conversation)  # refuses what is over
    if by == "live_agent":
        return agents.present(conversation, fields.get("agent_name"))
    flows = conversation.of("workflow")
    if not flows:
        raise DeskError(409, "No flow is attached.")
    return flows[-1]


RICH_MESSAGES: Mapping[str, Action] = {kind: _sender(kind) for kind in _SHAPES}


# -- Anything else --------------------------------------------------------------------------------


def _any_message(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    message = fields.get("message")
    if not isinstance(message, Mapping):
        raise DeskError(400, "message must be an object with type, text and content.")
    agents.post(
        conversation,
        {**message, "agent_name": fields.get("agent_name")},
        content=_shaped(message),
        message_type=str(message.get("type", "Structured")),
    )


def _shaped(message: Fields) -> list[dict[str, Any]]:
    """Return what is content by its shape: odd kinds may be tried, but nothing undrawable."""
    content = message.get("content") or []
    if not isinstance(message.get("text", ""), str | None):
        raise DeskError(400, "text must be a text.")
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise DeskError(400, "content must be a list of objects.")
    for name, wanted in (("attachment", "url"), ("quickReply", "text")):
        parts = [one[name] for one in content if name in one]
        if not all(isinstance(part, dict) and isinstance(part.get(wanted), str) for part in parts):
            raise DeskError(400, f"Each {name} must be an object with {wanted}.")
    try:
        offered(content)
        asks_for_any_day(content)
    except (AttributeError, TypeError) as error:
        raise DeskError(400, "content offers what nobody could answer.") from error
    return content


ANY_MESSAGE = deed(_any_message)
