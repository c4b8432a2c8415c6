"""What bots, flows and live agents send beside plain texts: one content of each type a kind.

Imitates the message content types of the Conversations API's OpenAPI file. Choices, cards and forms
are the AI agent's; the Agent Workspace sends texts, links and files. The values are invented.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.records import file_of
from integrations.simulators.world_simulator import deed
from integrations.vendors.zendesk.simulator.agents import WorkspaceAgents, speak, speak_as_bot
from integrations.vendors.zendesk.simulator.checks import check_content
from integrations.vendors.zendesk.simulator.records import Conversation, new_id
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

Content = dict[str, Any]
Builder = Callable[[ZendeskWorld, Conversation, Fields], Content]
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


def _choices(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
    replies = [
        {"type": "reply", "text": title, "payload": f"CHOICE_{number}"}
        for number, title in enumerate(_titles(fields, "Yes", "No"), start=1)
    ]
    text = _text(fields, "Is it about a parcel?")
    return {"type": "text", "text": text, "actions": replies}


def _postback(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
    actions = [
        {"type": "postback", "text": title, "payload": title.upper().replace(" ", "_")}
        for title in _titles(fields, "Try again")
    ]
    return {"type": "text", "text": _text(fields, "That did not work."), "actions": actions}


def _links(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
    webview = {
        "type": "webview",
        "text": "Choose a shop",
        "uri": "https://shops.sample.example/inside",
        "fallback": "https://shops.sample.example/",
    }
    buy = {"type": "buy", "text": "Insure it", "amount": 499, "currency": "eur"}
    actions = [_link("Track it", "https://parcels.sample.example/BL-20931"), webview, buy]
    return {"type": "text", "text": _text(fields, "What you can do now:"), "actions": actions}


def _place(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
    actions = [{"type": "locationRequest", "text": "Share your location"}]
    return {"type": "text", "text": _text(fields, "Where are you?"), "actions": actions}


def _item(
    world: ZendeskWorld, conversation: Conversation, title: str, actions: list[dict[str, Any]]
) -> Content:
    picture = _picture(world, conversation, f"{title}.png")
    description = f"{title}, open until 8 pm"
    return {"title": title, "description": description, "actions": actions, **picture}


def _cards(world: ZendeskWorld, conversation: Conversation, fields: Fields) -> Content:
    titles = _titles(fields, "Parcel shop", "Locker", "At home")
    items = [
        _item(
            world,
            conversation,
            title,
            [
                {"type": "postback", "text": "Choose", "payload": f"CARD_{number}"},
                _link("On the map", f"https://shops.sample.example/{number}"),
            ],
        )
        for number, title in enumerate(titles, start=1)
    ]
    text = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, start=1))
    return {
        "type": "carousel",
        "items": items,
        "displaySettings": {"imageAspectRatio": "square"},
        "text": text,
    }


def _list(world: ZendeskWorld, conversation: Conversation, fields: Fields) -> Content:
    shown = _cards(world, conversation, fields)
    actions = [{"type": "postback", "text": "More", "payload": "MORE"}]
    return {"type": "list", "items": shown["items"], "actions": actions}


def _form(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
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


def _markdown(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
    text = "**Your return**\n\n- print the label\n- [find a shop](https://shops.sample.example/)"
    return {"type": "text", "markdownText": _text(fields, text)}


def _html(_world: ZendeskWorld, _conversation: Conversation, fields: Fields) -> Content:
    text = (
        "<p>Your <b>return</b> is on its way.</p>"
        '<p>See <a href="https://parcels.sample.example/BL-20931">where it is</a>.</p>'
    )
    return {"type": "text", "htmlText": _text(fields, text)}


def _image(world: ZendeskWorld, conversation: Conversation, fields: Fields) -> Content:
    picture = _picture(world, conversation, "parcel.png")
    return {"type": "image", **picture, "text": _text(fields, "This is how it looks.")}


def _picture(world: ZendeskWorld, conversation: Conversation, name: str) -> Content:
    given = file_of(name=name, mime_type="image/png", content=PICTURE, file_id=new_id())
    kept = world.keep_file(given, conversation.conversation_id)
    return {"mediaUrl": world.file_url(kept), "mediaType": "image/png", "altText": name}


def _location(_world: ZendeskWorld, _conversation: Conversation, _fields: Fields) -> Content:
    return {
        "type": "location",
        "coordinates": {"lat": 52.3702, "long": 4.8952},
        "location": {"name": "Depot West", "address": "Quay 4"},
    }


def _template(_world: ZendeskWorld, _conversation: Conversation, _fields: Fields) -> Content:
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
        content = build(agents.world, conversation, fields)
        if wrong := check_content(content).titles:
            raise DeskError(400, "; ".join(wrong))
        _send(agents, conversation, content, by=by, agent_name=fields.get("agent_name"))

    return deed(send)


def _send(
    agents: WorkspaceAgents,
    conversation: Conversation,
    content: Content,
    *,
    by: str,
    agent_name: str | None,
) -> None:
    if by == "live_agent":
        agents.say_content(conversation, agents.present(conversation, agent_name), content)
    elif by == "trigger":
        speak(agents.world, conversation, content)
    else:
        speak_as_bot(agents.world, conversation, content)


RICH_MESSAGES = {kind: _sender(build, usual) for kind, (build, usual) in _KINDS.items()}
