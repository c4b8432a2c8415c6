"""What live agents and bots of the simulated org send beside texts: one abstract message a kind.

Imitates github.com/salesforce-misc/conversation-public-schemas; the values are invented.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.simulators.desk import DeskError, Fields
from integrations.simulators.records import file_of
from integrations.vendors.salesforce_messaging.simulator.world import Org

Json = dict[str, Any]
Builder = Callable[[Org, Fields], Json]
# 48 by 32 pixels of one colour.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAADAAAAAgCAIAAADbtmxLAAAAMUlEQVR42u3OQQ0AAAgEoGtkNNPZzxbOBxsB"
    "SPW8EiEhISEhISEhISEhISEhISGhSwtGPvJqAlsyhAAAAABJRU5ErkJggg=="
)


def titled(title: str, subtitle: str | None = None, image_id: str | None = None) -> Json:
    """Return a title item, with an image where it has one."""
    item = {"itemType": "TitleItem", "title": title, "subTitle": subtitle}
    return item if image_id is None else {**item, "itemType": "TitleImageItem", "imageId": image_id}


def option(number: int, title: Json) -> Json:
    """Return an option that can be taken."""
    return {
        "itemType": "TitleOptionItem",
        "titleItem": title,
        "optionIdentifier": f"opt-{number}",
        "optionId": str(uuid.uuid4()),
    }


def link(title: str, url: str) -> Json:
    """Return a link with its title."""
    return {"itemType": "TitleLinkItem", "titleItem": titled(title), "url": url}


def _titles(fields: Fields, *default: str) -> list[str]:
    """Return the titles of what is offered; raises DeskError for anything but texts."""
    titles = fields.get("options", list(default))
    if not isinstance(titles, list) or not titles or not all(isinstance(t, str) for t in titles):
        raise DeskError(400, "options must be a list of titles.")
    return titles


def _text(fields: Fields, default: str) -> str:
    return str(fields.get("text") or default)


def _options(fields: Fields, *default: str) -> list[Json]:
    titles = _titles(fields, *default)
    return [option(number, titled(title)) for number, title in enumerate(titles, start=1)]


def _image(org: Org, name: str = "parcel.png") -> Json:
    stored = org.files.add(file_of(name=name, mime_type="image/png", content=PICTURE))
    return {
        "id": stored.file_id,
        "assetType": "ImageAsset",
        "mimeType": "image/png",
        "assetUrl": org.file_url(stored.file_id),
        "description": name,
    }


def _static(format_type: str, **content: Any) -> Json:
    return {
        "messageType": "StaticContentMessage",
        "staticContent": {"formatType": format_type, **content},
    }


def _choices(format_type: str, **content: Any) -> Json:
    return {"messageType": "ChoicesMessage", "choices": {"formatType": format_type, **content}}


# -- Choices ---------------------------------------------------------------------------------------


def _buttons(_org: Org, fields: Fields) -> Json:
    options = _options(fields, "Yes", "No")
    return _choices("Buttons", text=_text(fields, "Is it about a parcel?"), optionItems=options)


def _quick_replies(_org: Org, fields: Fields) -> Json:
    options = _options(fields, "Today", "Tomorrow")
    return _choices("QuickReplies", text=_text(fields, "When does it suit?"), optionItems=options)


def _list_picker(org: Org, fields: Fields) -> Json:
    images = [_image(org, f"{title}.png") for title in _titles(fields, "Small", "Large")]
    options = [
        option(number, titled(title, f"Box number {number}", image["id"]))
        for number, (title, image) in enumerate(
            zip(_titles(fields, "Small", "Large"), images, strict=True), start=1
        )
    ]
    message = titled("Boxes", "As long as there are some")
    return _choices(
        "ListPicker",
        title=_text(fields, "Which box?"),
        optionItems=options,
        images=images,
        message=message,
        reply=titled("Thank you"),
    )


def _displayable(_org: Org, fields: Fields) -> Json:
    options = [
        {"alias": str(number), "title": title, "optionIdentifier": f"opt-{number}"}
        for number, title in enumerate(_titles(fields, "Refund", "Send again"), start=1)
    ]
    return _choices(
        "DisplayableOptions",
        displayType="Menu",
        title=_text(fields, "Pick one"),
        optionItems=options,
    )


def _media_choices(org: Org, fields: Fields) -> Json:
    return _choices("Media", mediaAsset=_image(org), optionItems=_options(fields, "This one"))


def _cards(org: Org, fields: Fields) -> Json:
    images, items = [], []
    for number, title in enumerate(_titles(fields, "Blue parcel", "Red parcel"), start=1):
        images.append(_image(org, f"{title}.png"))
        taken = [
            option(number, titled(f"Take {title}")),
            link("More", f"https://shop.example.org/{number}"),
        ]
        head = titled(title, f"EUR {number}.90", images[-1]["id"])
        items.append({"titleItem": head, "interactionItems": taken})
    return _choices("Carousel", title=_text(fields, "Our parcels"), items=items, images=images)


def _slots(org: Org, fields: Fields) -> Json:
    first = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    starts = fields.get("starts_at") or [
        (first + timedelta(hours=2 * number)).isoformat().replace("+00:00", "Z")
        for number in range(3)
    ]
    image = _image(org, "shop.png")
    event = {
        "itemType": "CalendarEventOptionsItem",
        "identifier": str(uuid.uuid4()),
        "title": _text(fields, "Pick a time"),
        "imageId": image["id"],
        "location": {"itemType": "LocationItem", "name": "Birchline Store, Main Street 4"},
        "timezoneOffset": 0,
        "timeSlotOptionItems": [
            {
                "itemType": "TimeSlotOptionItem",
                "startTime": start,
                "duration": 1800,
                "optionIdentifier": f"slot-{number}",
            }
            for number, start in enumerate(starts, start=1)
        ],
    }
    return _choices("TimePicker", calendarEvent=event, images=[image], reply=titled("Thank you"))


# -- Forms -----------------------------------------------------------------------------------------


def _input(input_type: str, name: str, label: str, **more: Any) -> Json:
    asked = {"inputType": input_type, "id": name, "label": titled(label), **more}
    return {"sectionType": "SingleInputSection", "input": asked}


def _form(_org: Org, fields: Fields) -> Json:
    topics = _options(fields, "Billing", "Delivery")
    sections = [
        _input("TextInput", "name", "Your name", required=True, textInputType="Singleline"),
        _input("TextInput", "email", "E-mail", required=True, textContentType="EmailAddress"),
        _input("DatePickerInput", "day", "Since when?", required=False),
        _input("SelectInput", "topic", "Topic", required=True, optionItems=topics),
    ]
    form = {
        "formatType": "Inputs",
        "formTitle": titled(_text(fields, "About your parcel")),
        "message": titled("Please tell us more"),
        "reply": titled("Thank you"),
        "sections": sections,
    }
    return {"messageType": "FormMessage", "form": form}


def _form_list(_org: Org, fields: Fields) -> Json:
    section = {
        "id": str(uuid.uuid4()),
        "title": _text(fields, "Extras"),
        "multipleSelection": False,
        "optionItems": _options(fields, "Gift wrap", "Card"),
    }
    form = {"formatType": "ListPicker", "message": titled("What else?"), "sections": [section]}
    return {"messageType": "FormMessage", "form": form}


# -- Static content --------------------------------------------------------------------------------


def _static_carousel(org: Org, _fields: Fields) -> Json:
    image = _image(org)
    links = [link("Track", "https://track.example.org/BL-20931")]
    item = {"titleItem": titled("BL-20931", "On its way", image["id"]), "linkItems": links}
    return _static("Carousel", items=[item], images=[image])


def _rich_link(org: Org, fields: Fields) -> Json:
    url = "https://track.example.org/BL-20931"
    item = {"itemType": "TitleLinkItem", "titleItem": titled("Track it", "Birchline"), "url": url}
    return _static("RichLink", linkItem=item, image=_image(org), text=fields.get("text"))


def _action_buttons(_org: Org, fields: Fields) -> Json:
    actions = [
        {"actionType": "LinkAction", "label": "Open", "url": "https://help.example.org/(faq)"},
        {"actionType": "PhoneCallAction", "label": "Call us", "phoneNumber": "+4930123456"},
        {"actionType": "TextReplyAction", "label": "Later", "text": "Please ask me later"},
        {"actionType": "CopyCodeAction", "label": "Your code", "code": "BIRCH-10"},
    ]
    return _static("Buttons", text=_text(fields, "How shall we go on?"), actions=actions)


def _extended_text(_org: Org, fields: Fields) -> Json:
    text = _text(fields, "Your parcel is at the depot.")
    return _static("ExtendedText", contentHeader="About your parcel", textContent=text)


def _error_message(_org: Org, fields: Fields) -> Json:
    details = {"errorCode": "E-1", "errorMessages": [_text(fields, "That did not work.")]}
    return _static("ErrorMessage", title="Sorry", errorDetails=details)


def _web_view(_org: Org, fields: Fields) -> Json:
    title = titled(_text(fields, "How did we do?"))
    return _static("WebView", url="https://survey.example.org/7", title=title)


def _sign_in(_org: Org, _fields: Fields) -> Json:
    request = {"formatType": "EncryptedOAuthToken", "title": "Sign in"}
    return {"messageType": "AuthenticationRequestMessage", "authenticationRequest": request}


# In the order of the desk's buttons. Its page lists no markdown.
KINDS: Mapping[str, Builder] = {
    "choices": _buttons,
    "cards": _cards,
    "slots": _slots,
    "form": _form,
    "image": lambda org, _fields: _static("Media", mediaAsset=_image(org)),
    "quick_replies": _quick_replies,
    "list_picker": _list_picker,
    "displayable_options": _displayable,
    "media_choices": _media_choices,
    "carousel_images": _static_carousel,
    "form_list": _form_list,
    "rich_link": _rich_link,
    "action_buttons": _action_buttons,
    "links": lambda _org, _fields: _static("Links", links=[{"url": "https://help.example.org/"}]),
    "extended_text": _extended_text,
    "error_message": _error_message,
    "web_view": _web_view,
    "sign_in": _sign_in,
}
