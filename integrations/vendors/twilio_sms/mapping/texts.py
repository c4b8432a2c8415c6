"""Twilio's parameters and resources to our texts and reports, and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from integrations.contract.carrier import (
    InboundText,
    Keyword,
    Media,
    OptedOutError,
    OutboundText,
    SentText,
    TextReport,
    TextStatus,
)
from integrations.kit.json_values import Json, as_id, as_object, as_objects, as_text, count_read
from integrations.vendors.twilio_sms.mapping.errors import KINDS

# The usual words, where Twilio does not say itself which they are.
_KEYWORDS: Mapping[str, Keyword] = {
    **dict.fromkeys(
        ("STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"),
        Keyword.STOP,
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), Keyword.START),
    **dict.fromkeys(("HELP", "INFO"), Keyword.HELP),
}
_EVERYDAY = frozenset({"YES"})
_STATUSES: Mapping[str, TextStatus] = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending"), TextStatus.TAKEN),
    **dict.fromkeys(("sent", "partially_delivered"), TextStatus.SENT),
    **dict.fromkeys(("delivered", "read"), TextStatus.DELIVERED),
    "undelivered": TextStatus.UNDELIVERED,
    **dict.fromkeys(("failed", "canceled"), TextStatus.FAILED),
}
_MAX_MEDIA = 10
# The name under which the address of reports bears our own id of a text.
TEXT_ID = "text"
# What one number may stand behind: letters, as of another channel of Twilio's, are not SMS.
_NUMBER = re.compile(r"\+?[0-9]{3,15}")


def inbound_text(form: Json, *, is_advanced: bool) -> InboundText | None:
    """Read a call about an incoming text; None for one of another channel, or without an id."""
    sender, recipient = as_text(form.get("From")), as_text(form.get("To"))
    sid = as_text(form.get("MessageSid")) or as_text(form.get("SmsSid"))
    if not sid or not _NUMBER.fullmatch(sender) or not _NUMBER.fullmatch(recipient):
        return None
    text = as_text(form.get("Body"))
    word = text.strip().upper()
    return InboundText(
        carrier_id=sid,
        sender=sender,
        recipient=recipient,
        text=text,
        media=_media(form),
        segments=max(1, _number(form.get("NumSegments"))),
        keyword=_keyword(as_text(form.get("OptOutType")).upper(), word, is_advanced=is_advanced),
        is_everyday_word=word in _EVERYDAY and not form.get("OptOutType"),
    )


def text_report(form: Json, text_id: str) -> TextReport | None:
    """Read a call about a text of ours; None for a status that is not known."""
    status = _STATUSES.get(as_text(form.get("MessageStatus")) or as_text(form.get("SmsStatus")))
    sid = as_text(form.get("MessageSid")) or as_text(form.get("SmsSid"))
    if status is None or not sid:
        return None
    code = as_id(form.get("ErrorCode"))
    return TextReport(
        text_id=text_id,
        carrier_id=sid,
        status=status,
        error_code=code,
        is_opted_out=KINDS.get(code) is OptedOutError,
    )


def message_form(text: OutboundText, messaging_service_sid: str) -> list[tuple[str, str]]:
    """Return the form that creates a message; the number that was written to answers."""
    form = [("To", text.recipient), ("From", text.sender)]
    if messaging_service_sid:
        form.append(("MessagingServiceSid", messaging_service_sid))
    if text.text:
        form.append(("Body", text.text))
    form += [("MediaUrl", url) for url in text.media_urls[:_MAX_MEDIA]]
    if text.report_url:
        form.append(("StatusCallback", f"{text.report_url}?{TEXT_ID}={text.text_id}"))
    return form


def sent_text(message: Json) -> SentText:
    """Read a message that was created."""
    return SentText(
        carrier_id=as_text(message.get("sid")),
        status=_STATUSES.get(as_text(message.get("status")), TextStatus.TAKEN),
        error_code=as_id(message.get("error_code")),
    )


def same_text(
    messages: object, text: OutboundText, *, since: datetime, but: Collection[str]
) -> SentText | None:
    """Find a text among an account's newest messages: the oldest that can be it."""
    found = [
        one
        for one in as_objects(as_object(messages).get("messages"))
        if as_text(one.get("direction")).startswith("outbound")
        and as_text(one.get("to")) == text.recipient
        and as_text(one.get("from")) in ("", text.sender)
        and as_text(one.get("body")) == text.text
        and as_text(one.get("sid")) not in but
        and _created_at(one) >= since.replace(microsecond=0)
    ]
    return sent_text(found[-1]) if found else None


def received_messages(page: Json, *, since: datetime) -> dict[str, Json]:
    """Return the messages of a page that came in since then, by their ids, newest first."""
    return {
        as_text(one.get("sid")): one
        for one in as_objects(page.get("messages"))
        if one.get("direction") == "inbound" and _created_at(one) >= since
    }


def received_text(message: Json, files: Sequence[Json]) -> InboundText | None:
    """Read a message of a list, with its files beside it.

    What Advanced Opt-Out made of it is not in the list: the usual words count.
    """
    names = {"MessageSid": "sid", "From": "from", "To": "to", "Body": "body"}
    told = {name: as_text(message.get(own)) for name, own in names.items()}
    told |= {"NumSegments": as_text(message.get("num_segments")), "NumMedia": str(len(files))}
    for number, file in enumerate(files):
        told[f"MediaUrl{number}"] = as_text(file.get("url"))
        told[f"MediaContentType{number}"] = as_text(file.get("content_type"))
    return inbound_text(told, is_advanced=False)


def has_files(message: Json) -> bool:
    """Say whether a message of a list came with files."""
    return _number(message.get("num_media")) > 0


def _created_at(message: Json) -> datetime:
    try:
        made = parsedate_to_datetime(as_text(message.get("date_created")))
        return made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _keyword(told: str, word: str, *, is_advanced: bool) -> Keyword | None:
    """Return the keyword that Twilio names; it names one of the usual words only if told to."""
    if told:
        return {one.name: one for one in Keyword}.get(told)
    return None if is_advanced else _KEYWORDS.get(word)


def _media(form: Json) -> tuple[Media, ...]:
    count = min(_number(form.get("NumMedia")), _MAX_MEDIA)
    found = (
        Media(
            url=as_text(form.get(f"MediaUrl{number}")),
            mime_type=as_text(form.get(f"MediaContentType{number}")),
        )
        for number in range(count)
    )
    return tuple(one for one in found if one.url)


def _number(value: object) -> int:
    return count_read(as_text(value)) or 0
