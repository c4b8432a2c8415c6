"""Interactive messages: what a bot of the flow or an agent offers, and what the customer answered.

Imitates docs.aws.amazon.com/connect/latest/adminguide/interactive-messages.html; the answers are
those of the vendor's own widget.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.world_simulator import deed
from integrations.vendors.amazon_connect.simulator.protocol import AwsError
from integrations.vendors.amazon_connect.simulator.state import (
    INTERACTIVE,
    INTERACTIVE_RESPONSE,
    Chat,
    Item,
    Participant,
    named_id,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.world import Instance

Body = dict[str, Any]
# As Lex is called in the vendor's own example of a frame.
BOT_NAME = "BOT"
PICTURE_PATH = "/pictures/{name}"
PAGE_SIZE = 5
VERSION = "1.0"
SHOW_MORE, PREVIOUS_OPTIONS = "SHOW_MORE", "PREVIOUS_OPTIONS"
INVALID = "ValidationException"
_MARKDOWN = (
    "Your parcel **BL-20931** is *on its way*:\n\n- packed\n- sent\n\n"
    "See [where it is](https://birchline.example/parcels?id=BL-20931&lang=en)."
)


# -- What is sent ---------------------------------------------------------------------------------


def template(kind: str, content: Body) -> Body:
    """Return a message template around its content."""
    return {"templateType": kind, "version": VERSION, "data": {"content": content}}


def _picker(kind: str, options: list[object]) -> Callable[[Instance, Chat, Fields], Body]:
    """Return what makes a list, a panel or quick replies of the fields of the desk's call."""

    def make(instance: Instance, chat: Chat, fields: Fields) -> Body:
        given = fields.get("options", options)
        if not isinstance(given, list) or not given:
            raise DeskError(400, "options must be a list of titles, or of elements with a title.")
        content = {**_heading(fields, "Please choose"), "elements": [_element(o) for o in given]}
        return template(kind, content)

    return make


def _element(option: object) -> Body:
    element = dict(option) if isinstance(option, Mapping) else {"title": option}
    if not isinstance(element.get("title"), str) or not element["title"]:
        raise DeskError(400, "Each option needs a title.")
    return element


def _heading(fields: Fields, title: str) -> Body:
    heading: Body = {"title": _text(fields, "text", title)}
    if subtitle := _text(fields, "subtitle", ""):
        heading["subtitle"] = subtitle
    if image := _text(fields, "image_url", ""):
        heading |= _image(image, _text(fields, "image_description", ""))
    return heading


def _image(url: str, about: str = "") -> Body:
    about_it = {"imageDescription": about} if about else {}
    return {"imageType": "URL", "imageData": url, **about_it}


def _text(fields: Fields, name: str, default: str) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise DeskError(400, f"{name} must be a text.")
    return value


def _picture(instance: Instance, name: str) -> str:
    return instance.base_url + PICTURE_PATH.format(name=name)


def _carousel(instance: Instance, chat: Chat, fields: Fields) -> Body:
    """Make a carousel of panels: each answers with its own title beside what was chosen."""
    more = {"title": "Details", "type": "hyperlink", "url": "https://birchline.example/depots"}
    depots = fields.get("cards") or [
        {"title": "Leipzig", "subtitle": "Open until 20:00"},
        {"title": "Köln", "subtitle": "Open until 18:00"},
    ]
    if not isinstance(depots, list):
        raise DeskError(400, "cards must be a list of elements with a title.")
    panels = []
    for number, depot in enumerate(map(_element, depots)):
        choices = [_element(one) for one in depot.pop("options", ["Send it here", more])]
        picture = _image(_picture(instance, f"depot{number}.png"), f"The depot {depot['title']}")
        panel = template("Panel", {**picture, **depot, "elements": choices})
        panels.append({**panel, "templateIdentifier": new_id()})
    return template("Carousel", {"title": _text(fields, "text", "Our depots"), "elements": panels})


def _time_picker(instance: Instance, chat: Chat, fields: Fields) -> Body:
    tomorrow = datetime.fromtimestamp(instance.now(), UTC) + timedelta(days=1)
    nine = tomorrow.replace(hour=9, minute=0)
    dates = [f"{nine + timedelta(hours=3 * n):%Y-%m-%dT%H:%M+00:00}" for n in range(3)]
    given = fields.get("slots", dates)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise DeskError(400, "slots must be a list of times such as 2026-03-02T09:00+00:00.")
    content = {
        **_heading(fields, "When may we come?"),
        "location": {"latitude": 51.34, "longitude": 12.37, "title": "Leipzig depot", "radius": 1},
        "timeslots": [{"date": date, "duration": 60} for date in given],
    }
    offset = {"timeZoneOffset": fields["offset"]} if "offset" in fields else {}
    return template("TimePicker", {**content, **offset})


def _panel_with_image(instance: Instance, chat: Chat, fields: Fields) -> Body:
    heading = {
        **_image(_picture(instance, "parcel.png"), "A parcel in brown paper"),
        **_heading(fields, "Is this your parcel?"),
    }
    elements = [_element(one) for one in fields.get("options", ["Yes, it is", "No"])]
    return template("Panel", {**heading, "elements": elements})


def _paged_list(instance: Instance, chat: Chat, fields: Fields) -> Body:
    """Begin a list of which the flow shows a page at a time."""
    titles = fields.get("options") or [f"Service {number}" for number in range(1, 13)]
    if not isinstance(titles, list) or not all(isinstance(one, str) for one in titles):
        raise DeskError(400, "options must be a list of titles.")
    chat.paged_list = {"listId": "serviceList", "referenceId": new_id(), "titles": titles}
    return _page(chat.paged_list, 0)


def _page(paged: Mapping[str, Any], start: int) -> Body:
    """Write one page; its indexes say where the page before ended, and where the next begins."""
    titles = paged["titles"][start : start + PAGE_SIZE]
    elements: list[Body] = [{"title": title} for title in titles]
    if start:
        elements.insert(0, {"title": "Previous options", "actionDetail": PREVIOUS_OPTIONS})
    if start + PAGE_SIZE < len(paged["titles"]):
        elements.append({"title": "Show more", "actionDetail": SHOW_MORE})
    content = {
        "listId": paged["listId"],
        "referenceId": paged["referenceId"],
        "title": "Which service?",
        "elements": elements,
        "preIndex": start - 1,
        "nextIndex": start + len(titles),
    }
    return template("ListPicker", content)


def _view(instance: Instance, chat: Chat, fields: Fields) -> Body:
    """Make a guide's view; what it looks like is asked for with DescribeView."""
    content = {"viewId": "address:$LATEST", "viewToken": new_id(), "viewData": "{}"}
    return template("ViewResource", content)


_TEMPLATES: Mapping[str, Callable[[Instance, Chat, Fields], Body]] = {
    "choices": _picker(
        "ListPicker",
        [
            "Track my parcel",
            {"title": "Claim damage", "subtitle": "You need a photo"},
            {"title": "Terms", "type": "hyperlink", "url": "https://birchline.example/terms"},
        ],
    ),
    "cards": _carousel,
    "slots": _time_picker,
    "image": _panel_with_image,
    "quick_reply": _picker("QuickReply", ["Good", "Bad", "No opinion"]),
    "panel": _picker("Panel", ["Self-service", "Talk to an agent"]),
    "list_picker_paged": _paged_list,
    "view": _view,
}


def _send_markdown(agents: Any, chat: Chat, fields: Fields) -> None:
    _send(agents, chat, fields, _text(fields, "text", _MARKDOWN), "text/markdown")


def _sender_of(kind: str) -> Callable[[Any, Chat, Fields], None]:
    def send(agents: Any, chat: Chat, fields: Fields) -> None:
        made = _TEMPLATES[kind](agents.instance, chat, fields)
        _send(agents, chat, fields, json.dumps(made), INTERACTIVE)

    return send


def _send(agents: Any, chat: Chat, fields: Fields, content: str, content_type: str) -> None:
    """Say something in an agent's name, or in the bot's where nobody is in the chat."""
    if chat.has_ended:
        raise DeskError(409, "The chat is over.")
    name = fields.get("agent_name")
    is_bots = fields.get("by") == "bot" or not (chat.agents or name)
    sender = bot_of(chat) if is_bots else agents.present(chat, name)
    if content_type not in chat.supported_types:
        raise DeskError(409, "The customer's client does not take messages of this type.")
    agents.instance.say(chat, sender, content, content_type)


def bot_of(chat: Chat) -> Participant:
    """Return the Lex bot of a chat's flow."""
    bot_id = named_id("bot", chat.initial_contact_id)
    return Participant(name=BOT_NAME, role="SYSTEM", participant_id=bot_id)


RICH_MESSAGES: dict[str, Action] = {
    kind: deed(_send_markdown if kind == "markdown" else _sender_of(kind))
    for kind in (*("choices", "cards", "slots", "markdown", "image"), *list(_TEMPLATES)[4:])
}


# -- What came back -------------------------------------------------------------------------------


def check_response(content: str) -> None:
    """Refuse an interactive response that the vendor's widget would not send."""
    response = _object(content)
    action = response.get("action")
    if not isinstance(action, str) or not action or response.get("version") != VERSION:
        raise AwsError(INVALID, "Content is no interactive response: version and action.")
    if not isinstance(response.get("data"), dict):
        raise AwsError(INVALID, "Content.data is no object.")


def next_page(chat: Chat, content_type: str, content: str) -> str | None:
    """Return the page that the flow answers a paging button with; None for any other message."""
    data = _object(content).get("data") if content_type == INTERACTIVE_RESPONSE else None
    if not isinstance(data, dict) or data.get("actionName") not in (SHOW_MORE, PREVIOUS_OPTIONS):
        return None
    paged = chat.paged_list
    if not paged or any(data.get(key) != paged[key] for key in ("listId", "referenceId")):
        raise AwsError(INVALID, "The response belongs to no list of this chat.")
    next_index, previous = data.get("nextIndex"), data.get("preIndex")
    if not isinstance(next_index, int) or not isinstance(previous, int):
        raise AwsError(INVALID, "The response names no place in its list.")
    is_forward = data["actionName"] == SHOW_MORE
    start = next_index if is_forward else previous + 1 - PAGE_SIZE
    return json.dumps(_page(paged, max(0, min(start, len(paged["titles"]) - 1))))


def answer_of(chat: Chat, item: Item) -> Body | None:
    """Return what a customer's message took of the newest offer before it; None for free text."""
    before = chat.items[: chat.items.index(item)]
    offers = [one for one in before if one.content_type == INTERACTIVE]
    if not offers or item.sender != chat.customer:
        return None
    offer = _object(offers[-1].content or "")
    found = _taken(offer, item)
    if found is None:
        return None
    named = {"template": offer.get("templateType"), "offered_in": offers[-1].item_id}
    return {**found, **named, "content_type": item.content_type}


def _taken(offer: Body, item: Item) -> Body | None:
    content = _member(_member(offer, "data"), "content")
    given = _object(item.content or "")
    if item.content_type == INTERACTIVE_RESPONSE:
        turning = [e for e in _elements(content) if e.get("actionDetail") == given["action"]]
        written = given["data"].get("content", given["action"])
        return {"label": str(turning[0].get("title") if turning else written), **given}
    if given.keys() >= {"listTitle", "selectionText"}:
        return {"label": given["selectionText"], **given}
    titles = [e.get("title") for e in _elements(content)]
    dates = [slot.get("date") for slot in _elements(content, "timeslots")]
    is_moved = bool(content.get("timeZoneOffset"))
    if item.content in titles or item.content in dates or (is_moved and _is_time(item.content)):
        return {"label": item.content}
    return None


def _member(value: Body, name: str) -> Body:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _elements(content: Body, name: str = "elements") -> list[Body]:
    found = content.get(name, [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is_time(text: str | None) -> bool:
    try:
        return bool(datetime.fromisoformat(text or ""))
    except ValueError:
        return False


def _object(text: str) -> Body:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
