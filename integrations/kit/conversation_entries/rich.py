"""What a message of Salesforce's holds: its text, and what it offers to take, to see, to fill in.

Formats and fields are those of github.com/salesforce-misc/conversation-public-schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Card,
    Choice,
    ChoiceKind,
    RichContent,
    Slot,
    VendorFile,
)
from integrations.kit.conversation_entries.answers import (
    form_of,
    option_token,
    text_token,
)
from integrations.kit.json_values import (
    Json,
    any_text,
    as_count,
    as_moment,
    as_object,
    as_objects,
    as_text,
    joined,
)

# Message type -> where its content is.
_BODIES = {
    "StaticContentMessage": "staticContent",
    "ChoicesMessage": "choices",
    "FormMessage": "form",
}
# Where texts are found in content that has no rule of its own, best first.
_TEXT_KEYS = ("text", "message", "title", "subTitle")
_OTHER_SUBTITLES = ("subTitle", "secondarySubTitle", "tertiarySubTitle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message holds; false when it holds nothing that anybody could see."""

    text: str = field(default="", repr=False)
    rich: RichContent = NO_RICH_CONTENT
    files: tuple[VendorFile, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is anything to show."""
        return bool(self.text or self.rich or self.files)


def content_of(message: Json) -> Content:
    """Read an abstractMessage; what has no place in our model is named as unknown."""
    kind = as_text(message.get("messageType"))
    body = as_object(message.get(_BODIES.get(kind, "staticContent")))
    format_type = as_text(body.get("formatType"))
    reader = _READERS.get((kind, format_type))
    found = reader(body) if reader else None
    if found is None and kind == "StaticContentMessage" and not format_type:
        found = _text(body)
    return found if found is not None else _unknown(message, " ".join((kind, format_type)).strip())


def has_upload_results(message: Json) -> bool:
    """Say whether it is a file of the end user's: only those tell how their upload went."""
    return any("attachmentUploadResult" in one for one in _attachments(message))


def upload_error(message: Json) -> str:
    """Return why a file of the end user's failed after it had been taken; empty if it did not."""
    for attachment in _attachments(message):
        result = as_object(attachment.get("attachmentUploadResult"))
        if result.get("resultType") == "ErrorAttachmentUploadResult":
            return as_text(result.get("errorType")) or "ErrorAttachmentUploadResult"
    return ""


def _attachments(message: Json) -> list[Json]:
    return as_objects(as_object(message.get("staticContent")).get("attachments"))


def _unknown(message: Json, kind: str) -> Content:
    """Name what we cannot draw; whatever text and address it holds are shown."""
    body = {name: value for name, value in message.items() if isinstance(value, Mapping)}
    rich = RichContent(unknown_kind=kind or "message", unknown_url=_first_url(body))
    return Content(text=any_text(body, _TEXT_KEYS), rich=rich)


def _first_url(body: Json) -> str:
    return any_text(body, ("url",)).partition("\n")[0]


# -- Static content --------------------------------------------------------------------------------


def _text(content: Json) -> Content:
    """Read a text; what it cites (a bot's sources) becomes links."""
    citations = as_objects(as_object(content.get("citationContent")).get("citations"))
    references = [as_object(one.get("citedReference")) for one in citations]
    links = [_link_to(_url_of(one.get("link")), as_text(one.get("label"))) for one in references]
    return Content(text=as_text(content.get("text")), rich=RichContent(choices=_present(links)))


def _attached(content: Json) -> Content:
    files = tuple(
        _file(one, as_text(one.get("url")), as_text(one.get("name")))
        for one in as_objects(content.get("attachments"))
        if as_text(one.get("url"))
    )
    return Content(text=as_text(content.get("text")), files=files)


def _rich_link(content: Json) -> Content:
    link = as_object(content.get("linkItem"))
    title = as_object(link.get("titleItem"))
    card = Card(
        title=as_text(title.get("title")),
        text=_subtitles(title),
        image_url=as_text(as_object(content.get("image")).get("assetUrl")),
        choices=_present([_link(link)]),
    )
    files = _asset_files(content.get("video"))
    return Content(text=as_text(content.get("text")), rich=RichContent(cards=(card,)), files=files)


def _links(content: Json) -> Content:
    found = [_link_to(_url_of(one)) for one in as_objects(content.get("links"))]
    return Content(rich=RichContent(choices=_present(found)))


def _media(content: Json) -> Content:
    links = [_link(one) for one in as_objects(content.get("linkItems"))]
    files = _asset_files(content.get("mediaAsset"))
    return Content(rich=RichContent(choices=_present(links)), files=files)


def _buttons(content: Json) -> Content:
    actions = as_objects(content.get("actions"))
    links = [_link(one) for one in as_objects(content.get("linkItems"))]
    codes = [
        f"{as_text(one.get('label'))}: {as_text(one.get('code'))}"
        for one in actions
        if one.get("actionType") == "CopyCodeAction"
    ]
    known = (*_ACTIONS, "CopyCodeAction")
    unknown = [kind for one in actions if (kind := as_text(one.get("actionType"))) not in known]
    choices = [*(_action(one) for one in actions), *links]
    return Content(
        text=joined(as_text(content.get("text")), *codes),
        rich=RichContent(choices=_present(choices), unknown_kind=" ".join(unknown)),
    )


def _extended_text(content: Json) -> Content:
    full = as_object(content.get("fullContent"))
    attached = [*as_objects(content.get("attachments")), *([full] if full else [])]
    files = _attached({"attachments": attached}).files
    lines = (as_text(content.get("contentHeader")), as_text(content.get("textContent")))
    return Content(text=joined(*lines), files=files)


def _web_view(content: Json) -> Content:
    """Name a web page that wants a client of Salesforce's own, with its address."""
    title = as_text(as_object(content.get("title")).get("title"))
    rich = RichContent(unknown_kind="WebView", unknown_url=as_text(content.get("url")))
    return Content(text=title, rich=rich)


def _error_message(content: Json) -> Content:
    messages = as_object(content.get("errorDetails")).get("errorMessages")
    texts = [as_text(one) for one in messages] if isinstance(messages, list) else []
    return Content(text=joined(as_text(content.get("title")), *texts))


def _nothing(_content: Json) -> Content:
    return Content()


# -- Choices ---------------------------------------------------------------------------------------


def _options(choices: Json) -> Content:
    """Read buttons, quick replies, a list, or options with their title in themselves."""
    images = _images(choices)
    rich = RichContent(choices=_choices(choices.get("optionItems"), images))
    # One of them, as the format has it; a list picker may have a title and a message.
    lines = dict.fromkeys((as_text(choices.get("text")), as_text(choices.get("title"))))
    files = _pictures(choices, images, "message")
    return Content(text=joined(*lines, _title_text(choices.get("message"))), rich=rich, files=files)


def _choices_media(choices: Json) -> Content:
    rich = RichContent(choices=_choices(choices.get("optionItems"), {}))
    return Content(rich=rich, files=_asset_files(choices.get("mediaAsset")))


def _carousel(content: Json) -> Content:
    images = _images(content)
    cards = tuple(_card(one, images) for one in as_objects(content.get("items")))
    return Content(text=as_text(content.get("title")), rich=RichContent(cards=cards))


def _card(item: Json, images: Mapping[str, Json]) -> Card:
    title = as_object(item.get("titleItem"))
    taken = [*as_objects(item.get("interactionItems")), *as_objects(item.get("linkItems"))]
    choices = [_link(one) if as_text(one.get("url")) else _option(one, images) for one in taken]
    return Card(
        title=as_text(title.get("title")),
        text=_subtitles(title),
        image_url=_image_url(title, images),
        choices=_present(choices),
    )


def _time_picker(choices: Json) -> Content:
    """Read a time picker: its times are UTC, the zone's offset has no unit that is documented."""
    event = as_object(choices.get("calendarEvent"))
    images = _images(choices)
    lines = dict.fromkeys((_title_text(choices.get("message")), as_text(event.get("title"))))
    found = [_slot(one) for one in as_objects(event.get("timeSlotOptionItems"))]
    rich = RichContent(
        slots=tuple(slot for slot in found if slot),
        place=as_text(as_object(event.get("location")).get("name")),
    )
    own = _asset_files(images.get(as_text(event.get("imageId"))))
    return Content(
        text=joined(*lines), rich=rich, files=_pictures(choices, images, "message") + own
    )


def _slot(item: Json) -> Slot | None:
    starts_at = as_moment(item.get("startTime"))
    identifier = as_text(item.get("optionIdentifier"))
    if starts_at is None or not identifier:
        return None
    duration = as_count(item.get("duration"))
    return Slot(
        starts_at=starts_at, token=option_token(identifier), duration_seconds=duration or None
    )


def _form(form: Json) -> Content | None:
    """Read a form; None where it asks for something that we cannot draw."""
    drawn = form_of(form)
    if drawn is None:
        return None
    intro = as_object(form.get("introScreen"))
    lines = (_title_text(form.get("message")), _title_text(intro), as_text(intro.get("text")))
    files = _pictures(form, _images(form), "message", "formTitle")
    return Content(text=joined(*lines), rich=RichContent(form=drawn), files=files)


# -- Parts -----------------------------------------------------------------------------------------


def _choices(items: object, images: Mapping[str, Json]) -> tuple[Choice, ...]:
    return _present([_option(one, images) for one in as_objects(items)])


def _option(option: Json, images: Mapping[str, Json]) -> Choice | None:
    """Read an option, whose title is an item of its own or, where it is displayable, a text."""
    title = as_object(option.get("titleItem")) or option
    identifier = as_text(option.get("optionIdentifier")) or as_text(option.get("optionId"))
    label = as_text(title.get("title")) or as_text(option.get("alias")) or identifier
    if not label:
        return None
    return Choice(
        label=label,
        token=option_token(identifier) if identifier else text_token(label),
        image_url=_image_url(title, images),
        description=_subtitles(title),
    )


def _link(item: Json) -> Choice | None:
    return _link_to(as_text(item.get("url")), _title_text(item.get("titleItem")))


def _link_to(url: str, label: str = "") -> Choice | None:
    return Choice(label=label or url, kind=ChoiceKind.LINK, url=url) if url else None


def _call(action: Json) -> Choice:
    number = as_text(action.get("phoneNumber"))
    label = as_text(action.get("label")) or number
    return Choice(label=label, kind=ChoiceKind.PHONE, url=f"tel:{number}")


def _reply(action: Json) -> Choice:
    text = as_text(action.get("text"))
    return Choice(label=as_text(action.get("label")) or text, token=text_token(text))


_ACTIONS: Mapping[str, Callable[[Json], Choice | None]] = {
    "LinkAction": lambda one: _link_to(as_text(one.get("url")), as_text(one.get("label"))),
    "PhoneCallAction": _call,
    "TextReplyAction": _reply,
}


def _action(action: Json) -> Choice | None:
    reader = _ACTIONS.get(as_text(action.get("actionType")))
    return reader(action) if reader else None


def _present(found: list[Choice | None]) -> tuple[Choice, ...]:
    return tuple(choice for choice in found if choice is not None)


def _title_text(item: object) -> str:
    title = as_object(item)
    return joined(as_text(title.get("title")), _subtitles(title))


def _subtitles(title: Json) -> str:
    return joined(*(as_text(title.get(key)) for key in _OTHER_SUBTITLES))


def _images(body: Json) -> dict[str, Json]:
    """Return the images of a message by the ids under which its items name them."""
    return {as_text(one.get("id")): one for one in as_objects(body.get("images"))}


def _image_url(title: Json, images: Mapping[str, Json]) -> str:
    image = images.get(as_text(title.get("imageId")), {})
    return as_text(image.get("assetUrl"))


def _pictures(body: Json, images: Mapping[str, Json], *keys: str) -> tuple[VendorFile, ...]:
    """Return the images that stand beside the title items of a message."""
    titles = [as_object(body.get(key)) for key in keys]
    return tuple(
        file for title in titles for file in _asset_files(images.get(as_text(title.get("imageId"))))
    )


def _asset_files(asset: object) -> tuple[VendorFile, ...]:
    found = as_object(asset)
    url = as_text(found.get("assetUrl"))
    return (_file(found, url, as_text(found.get("description"))),) if url else ()


def _file(holder: Json, url: str, name: str) -> VendorFile:
    mime_type = as_text(holder.get("mimeType")) or "application/octet-stream"
    return VendorFile(file_name=name or "file", mime_type=mime_type, url=url)


def _url_of(link: object) -> str:
    return as_text(as_object(link).get("url"))


_READERS: Mapping[tuple[str, str], Callable[[Json], Content | None]] = {
    ("StaticContentMessage", "Text"): _text,
    ("StaticContentMessage", "Attachments"): _attached,
    ("StaticContentMessage", "RichLink"): _rich_link,
    ("StaticContentMessage", "Links"): _links,
    ("StaticContentMessage", "Media"): _media,
    ("StaticContentMessage", "Buttons"): _buttons,
    ("StaticContentMessage", "Carousel"): _carousel,
    ("StaticContentMessage", "ExtendedText"): _extended_text,
    ("StaticContentMessage", "WebView"): _web_view,
    ("StaticContentMessage", "ErrorMessage"): _error_message,
    # The answer to an action that was called off: nobody reads it.
    ("StaticContentMessage", "CancelAction"): _nothing,
    ("ChoicesMessage", "Buttons"): _options,
    ("ChoicesMessage", "QuickReplies"): _options,
    ("ChoicesMessage", "ListPicker"): _options,
    ("ChoicesMessage", "DisplayableOptions"): _options,
    ("ChoicesMessage", "Media"): _choices_media,
    ("ChoicesMessage", "Carousel"): _carousel,
    ("ChoicesMessage", "TimePicker"): _time_picker,
    ("FormMessage", "Inputs"): _form,
    ("FormMessage", "ListPicker"): _form,
}
