"""What bots, flows and live agents send beside plain texts: one content of each type a kind.

Imitates the message content types of the Conversations API's OpenAPI file. Choices, cards and forms
are the AI agent's; the Agent Workspace sends texts, links and files. The values are invented.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.records import file_of
from integrations.simulators.world_simulator import deed
from integrations.vendors.zendesk.simulator import tickets
from integrations.vendors.zendesk.simulator.agents import WorkspaceAgents
from integrations.vendors.zendesk.simulator.checks import content_problems
from integrations.vendors.zendesk.simulator.records import ANSWER_BOT, Conversation, new_id
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

Content = dict[str, Any]
# Puts a picture on record under a name, and returns where it is.
Picture = Callable[[str], Content]
Builder = Callable[[Fields, Picture], Content]
SPEAKERS = ("bot", "trigger", "live_agent")
# 48 by 32 pixels of one colour.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAADAAAAAgCAIAAADbtmxLAAAAMUlEQVR42u3OQQ0AAAgEoGtkNNPZzxbOBxsB"
    "SPW8EiEhISEhISEhISEhISEhISGhSwtGPvJqAlsyhAAAAABJRU5ErkJggg=="
)


def _titles(fields: Fields, *default: str) -> list[str]:
    """Return the titles of what is offered; raises DeskError for anything but texts."""
    titles = fields.get("options", list(default))
    if not isinstance(titles, list) or not titles or not all(isinstance(t, str) for t in titles):
        raise DeskError(400, "options must be a list of titles.")
    return titles


def _text(fields: Fields, default: str) -> str:
    return str(fields.get("text") or default)


def _link(text: str, uri: str) -> dict[str, Any]:
    return {"type": "link", "text": text, "uri": uri}


def _choices(fields: Fields, _picture: Picture) -> Content:
    replies = [
        {"type": "reply", "text": title, "payload": f"CHOICE_{number}"}
        for number, title in enumerate(_titles(fields, "Yes", "No"), start=1)
    ]
    text = _text(fields, "Is it about a parcel?")
    return {"type": "text", "text": text, "actions": replies}


def _postback(fields: Fields, _picture: Picture) -> Content:
    actions = [
        {"type": "postback", "text": title, "payload": title.upper().replace(" ", "_")}
        for title in _titles(fields, "Try again")
    ]
    return {"type": "text", "text": _text(fields, "That did not work."), "actions": actions}


def _links(fields: Fields, _picture: Picture) -> Content:
    webview = {
        "type": "webview",
        "text": "Choose a shop",
        "uri": "https://shops.sample.example/inside",
        "fallback": "https://shops.sample.example/",
    }
    buy = {"type": "buy", "text": "Insure it", "amount": 499, "currency": "eur"}
    actions = [_link("Track it", "https://parcels.sample.example/BL-20931"), webview, buy]
    return {"type": "text", "text": _text(fields, "What you can do now:"), "actions": actions}


def _place(fields: Fields, _picture: Picture) -> Content:
    actions = [{"type": "locationRequest", "text": "Share your location"}]
    return {"type": "text", "text": _text(fields, "Where are you?"), "actions": actions}


def _cards(fields: Fields, picture: Picture) -> Content:
    titles = list(enumerate(_titles(fields, "Parcel shop", "Locker", "At home"), start=1))
    items = [
        {
            "title": title,
            "description": f"{title}, open until 8 pm",
            "actions": [
                {"type": "postback", "text": "Choose", "payload": f"CARD_{number}"},
                _link("On the map", f"https://shops.sample.example/{number}"),
            ],
            **picture(f"{title}.png"),
        }
        for number, title in titles
    ]
    text = "\n".join(f"{number}. {title}" for number, title in titles)
    shape = {"displaySettings": {"imageAspectRatio": "square"}}
    return {"type": "carousel", "items": items, **shape, "text": text}


def _list(fields: Fields, picture: Picture) -> Content:
    actions = [{"type": "postback", "text": "More", "payload": "MORE"}]
    return {"type": "list", "items": _cards(fields, picture)["items"], "actions": actions}


def _form(fields: Fields, _picture: Picture) -> Content:
    options = [
        {"name": f"topic_{number}", "label": title}
        for number, title in enumerate(_titles(fields, "Billing", "Returns"), start=1)
    ]
    text = {"minSize": 1, "maxSize": 128}
    return {
        "type": "form",
        "blockChatInput": True,
        "fields": [
            {"type": "text", "name": "name", "label": "Name", "placeholder": "Your name", **text},
            {"type": "email", "name": "mail", "label": "E-mail", "placeholder": "you@example.org"},
            {"type": "text", "name": "boxes", "label": "Boxes", "format": "integer", **text},
            {"type": "select", "name": "topic", "label": "Topic", "options": options},
        ],
    }


def _markdown(fields: Fields, _picture: Picture) -> Content:
    text = "**Your return**\n\n- print the label\n- [find a shop](https://shops.sample.example/)"
    return {"type": "text", "markdownText": _text(fields, text)}


def _html(fields: Fields, _picture: Picture) -> Content:
    text = (
        "<p>Your <b>return</b> is on its way.</p>"
        '<p>See <a href="https://parcels.sample.example/BL-20931">where it is</a>.</p>'
    )
    return {"type": "text", "htmlText": _text(fields, text)}


def _image(fields: Fields, picture: Picture) -> Content:
    text = _text(fields, "This is how it looks.")
    return {"type": "image", **picture("parcel.png"), "text": text}


def _location(_fields: Fields, _picture: Picture) -> Content:
    return {
        "type": "location",
        "coordinates": {"lat": 52.3702, "long": 4.8952},
        "location": {"name": "Depot West", "address": "Quay 4"},
    }


def _template(_fields: Fields, _picture: Picture) -> Content:
    return {"type": "template", "template": {"name": "order_update", "language": {"code": "en"}}}


# Kind -> its content, and who sends it unless the desk's call says otherwise.
_KINDS: Mapping[str, tuple[Builder, str]] = {
    "choices": (_choices, "bot"),
    "cards": (_cards, "bot"),
    "form": (_form, "bot"),
    "markdown": (_markdown, "live_agent"),
    "image": (_image, "live_agent"),
    "list": (_list, "bot"),
    "links": (_links, "bot"),
    "postback": (_postback, "bot"),
    "location_request": (_place, "bot"),
    "html": (_html, "live_agent"),
    "location": (_location, "live_agent"),
    "template": (_template, "bot"),
}


def _sender(build: Builder, usual: str) -> Action:
    def send(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
        by = fields.get("by", usual)
        if by not in SPEAKERS:
            raise DeskError(400, f"by is one of {', '.join(SPEAKERS)}.")
        if fields.get("by") is None and not conversation.agents:
            by = "bot"  # in the queue nobody else is there
        world = agents.world
        content = build(fields, partial(_picture, world, conversation))
        if wrong := content_problems(content):
            raise DeskError(400, "; ".join(wrong))
        if by == "live_agent":
            agent = agents.present(conversation, fields.get("agent_name"))
            agents.say_content(conversation, agent, content)
        elif by == "trigger":
            agents.open_ticket(conversation)
            tickets.speak(world, conversation, content)
        else:
            name = world.switches.bot_name
            author = {"type": "business", "displayName": name, "subtypes": ["bot"]}
            world.add_message(conversation, author, content, source={"type": ANSWER_BOT})

    return deed(send)


def _picture(world: ZendeskWorld, conversation: Conversation, name: str) -> Content:
    given = file_of(name=name, mime_type="image/png", content=PICTURE, file_id=new_id())
    kept = world.keep_file(given, conversation.conversation_id)
    return {"mediaUrl": world.file_url(kept), "mediaType": "image/png", "altText": name}


RICH_MESSAGES = {kind: _sender(build, usual) for kind, (build, usual) in _KINDS.items()}
