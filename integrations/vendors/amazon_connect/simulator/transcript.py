"""GetTranscript: pages of a chat's items, in both directions.

Imitates docs.aws.amazon.com/connect-participant/latest/APIReference/API_GetTranscript.html.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.answers import AwsError, parse_time
from integrations.vendors.amazon_connect.simulator.instance import (
    Body,
    Instance,
    item_body,
    receipt_body,
)
from integrations.vendors.amazon_connect.simulator.state import Chat, Item

INVALID = "ValidationException"
DEFAULT_RESULTS = 10


def get_transcript(instance: Instance, chat: Chat, given: Mapping[str, Any], base_url: str) -> Body:
    """Answer with one page; the item at the start position is part of it."""
    asked = given.get("ContactId")
    if asked is not None and asked not in [one.contact_id for one in chat.contacts]:
        raise AwsError("AccessDeniedException", "Access denied")
    start, is_forward = _start(chat, given)
    size = given.get("MaxResults") or DEFAULT_RESULTS
    if is_forward:
        page = chat.items[start : start + size]
        next_start = start + size if start + size < len(chat.items) else None
    else:
        first = max(0, start - size + 1)
        page = chat.items[first : start + 1]
        next_start = first - 1 if first > 0 else None
    if given.get("SortOrder", "DESCENDING") == "DESCENDING":
        page = page[::-1]
    answer: Body = {
        "InitialContactId": chat.initial_contact_id,
        "Transcript": [_body(item) for item in page],
    }
    if next_start is not None:
        answer["NextToken"] = _token(next_start, is_forward)
    return answer


def _start(chat: Chat, given: Mapping[str, Any]) -> tuple[int, bool]:
    if "NextToken" in given:
        return _read_token(given["NextToken"])
    position = given.get("StartPosition") or {}
    if len(position) > 1:
        raise AwsError(INVALID, "StartPosition takes one of Id, AbsoluteTime, MostRecent.")
    direction = given.get("ScanDirection", "FORWARD" if position else "BACKWARD")
    is_forward = direction == "FORWARD"
    latest = len(chat.items) - 1
    if "Id" in position:
        return _index(chat, position["Id"]), is_forward
    if "AbsoluteTime" in position:
        return _index_at(chat, position["AbsoluteTime"], is_forward=is_forward), is_forward
    if "MostRecent" in position:
        return max(0, latest + 1 - max(1, position["MostRecent"])), is_forward
    return (0 if is_forward else latest), is_forward


def _index(chat: Chat, item_id: str) -> int:
    for index, item in enumerate(chat.items):
        if item.item_id == item_id:
            return index
    raise AwsError(INVALID, "StartPosition.Id names no item of this chat.")


def _index_at(chat: Chat, time_text: str, *, is_forward: bool) -> int:
    try:
        at = parse_time(time_text)
    except ValueError as error:
        raise AwsError(INVALID, "StartPosition.AbsoluteTime is not a time.") from error
    if is_forward:
        return next((i for i, item in enumerate(chat.items) if item.at_ms >= at), len(chat.items))
    earlier = [i for i, item in enumerate(chat.items) if item.at_ms <= at]
    return earlier[-1] if earlier else -1


def _token(start: int, is_forward: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, is_forward]).encode()).decode()


def _read_token(token: str) -> tuple[int, bool]:
    try:
        start, is_forward = json.loads(base64.urlsafe_b64decode(token))
        return int(start), bool(is_forward)
    except (ValueError, TypeError, binascii.Error) as error:
        raise AwsError(INVALID, "NextToken is not one of ours.") from error


def _body(item: Item) -> Body:
    body = item_body(item)
    if item.is_said:
        body["MessageMetadata"] = {
            "MessageId": item.item_id,
            "Receipts": [receipt_body(receipt) for receipt in item.receipts],
        }
    return body
