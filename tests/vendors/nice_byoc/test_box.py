"""The integration box: tokens, paths, what is stored of a call and what is answered."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations.contract.connector import VendorSession, WebhookItem, WebhookRequest
from integrations.contract.errors import WebhookVerificationError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    LiveAgentTyping,
    UnknownEvent,
)
from integrations.contract.rich_content import ChoiceKind
from integrations.kit.digital_messages.content import content_of, text_content
from integrations.vendors.nice_byoc.client import tenant_in
from integrations.vendors.nice_byoc.connector.box import parsed, token_of
from integrations.vendors.nice_byoc.connector.progress import ContactProgress
from integrations.vendors.nice_byoc.simulator.rich import content_of as sent_content
from integrations.vendors.nice_byoc.simulator.world import TENANT_ID, NiceByocWorld, Switches
from tests.vendors.nice_byoc.contract_setup import BOX

FIXTURES = Path(__file__).resolve().parents[3] / "integrations/vendors/nice_byoc/fixtures"
CHANNEL = "byoc_1"
CREDENTIALS = {**BOX, "channel_id": CHANNEL}
OUTBOUND = f"2.0/channel/{CHANNEL}/outbound"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def call(path: str, body: Any, *, token: str | None = None, method: str = "POST") -> WebhookRequest:
    given = token_of(CREDENTIALS, int(time.time()) + 60) if token is None else token
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookRequest(
        endpoint="events",
        method=method,
        headers={"authorization": f"Bearer {given}"},
        query={},
        body=raw,
        path=path,
    )


def taken(path: str, body: Any) -> WebhookItem:
    [item] = parsed(call(path, body), CREDENTIALS).items
    return item


def progress(**state: object) -> ContactProgress:
    session = VendorSession(vendor_conversation_id="T-88", state={"contact_id": "700124", **state})
    return ContactProgress(session, ends_on_resolved=True)


@pytest.mark.parametrize("written", [json.dumps, urlencode])
def test_a_token_is_given_for_json_and_for_a_form_and_opens_the_box(written):
    result = parsed(call("1.0/token", written(fixture("token_request")).encode()), CREDENTIALS)

    token = json.loads(result.body)["access_token"]
    assert result.items == ()
    assert parsed(call(OUTBOUND, fixture("outbound"), token=token), CREDENTIALS).items


@pytest.mark.parametrize(
    ("change", "status"),
    [({"client_secret": "x"}, 401), ({"client_id": ""}, 401), ({"grant_type": "password"}, 400)],
)
def test_no_token_is_given_for_anything_else(change: dict[str, str], status: int):
    asked = call("1.0/token", {**fixture("token_request"), **change})
    if status == 401:
        with pytest.raises(WebhookVerificationError):
            parsed(asked, CREDENTIALS)
    else:
        assert parsed(asked, CREDENTIALS).status == status


@pytest.mark.parametrize(
    "token",
    ["", "x", "1", token_of(CREDENTIALS, 1), token_of({}, 9999999999), "9999999999.0", "²."],
)
def test_a_token_that_is_old_or_not_ours_opens_nothing(token: str):
    with pytest.raises(WebhookVerificationError):
        parsed(call(OUTBOUND, fixture("outbound"), token=token), CREDENTIALS)
    with pytest.raises(WebhookVerificationError):
        parsed(call(OUTBOUND, fixture("outbound"), token=token), {"channel_id": CHANNEL})


def test_both_reply_calls_are_answered_with_an_id_of_ours_by_which_receipts_name_the_message():
    new = parsed(call(OUTBOUND, fixture("outbound")), CREDENTIALS)
    old = parsed(call("1.0/posts/th-srv-1/messages", fixture("outbound_legacy")), CREDENTIALS)

    answer = json.loads(new.body)
    assert (new.items[0].key, old.items[0].key) == ("T-88", "T-88")
    assert answer["message"]["idOnExternalPlatform"] == new.items[0].item_id
    assert answer["endUserIdentities"] == [{"idOnExternalPlatform": "portal-7f3"}]
    assert json.loads(old.body) == {"idOnExternalPlatform": old.items[0].item_id}


def test_an_old_reply_without_a_thread_belongs_to_its_post():
    assert taken("1.0/posts/th-srv-1/messages", {"messageContent": {}}).key == "th-srv-1"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (OUTBOUND, {"thread": []}),
        ("2.0/channel/another/outbound", fixture("outbound")),
        ("3.0/applause", {}),
        ("", []),
    ],
)
def test_a_call_for_nobody_is_refused_and_stored_nowhere(path: str, body: Any):
    result = parsed(call(path, body), CREDENTIALS)

    assert (result.status, result.items) == (404, ())


def test_typing_and_an_unknown_call_become_events():
    path = f"1.0/channel/{CHANNEL}/thread/T-88/sender-action"
    typing = progress().item(taken(path, fixture("sender_action")))
    [unknown] = progress().item(taken("3.0/x", {"thread": {"idOnExternalPlatform": "T-88"}}))

    [(_, event)] = typing
    assert isinstance(event, LiveAgentTyping)
    assert (event.agent_id, event.is_typing) == ("31", True)
    assert isinstance(unknown[1], UnknownEvent)


def test_a_message_is_told_once_however_often_it_is_called_and_read():
    item, again = taken(OUTBOUND, fixture("outbound")), taken(OUTBOUND, fixture("outbound"))
    record = [{**fixture("message_outbound"), "createdAtWithMilliseconds": None, "createdAt": None}]
    one = progress()

    assert one.record_of(item, record)
    assert one.record_of(again, record)
    told = [event for _, event in [*one.messages(record), *one.messages(record)]]

    assert [type(event) for event in told] == [LiveAgentJoined, LiveAgentMessage]
    assert one.name_for_receipt("msg-9") == "ours-1"


def test_what_the_record_lacks_is_told_from_the_call_and_not_again_when_it_comes():
    item, one = taken(OUTBOUND, fixture("outbound")), progress(joins=1)
    late = [{**fixture("message_outbound"), "idOnExternalPlatform": item.item_id}]

    assert not one.record_of(item, [])
    [(_, said)] = one.item(item)

    assert isinstance(said, LiveAgentMessage)
    assert said.text == "Hello, let me look."
    assert one.messages(late) == []


def test_a_contact_tells_who_has_it_and_its_end_once():
    one = progress()

    steps = [*one.assigned(fixture("contact_open")), *one.assigned(fixture("contact_open"))]
    assert [type(event) for _, event in steps] == [LiveAgentJoined]
    assert one.is_over(fixture("contact_closed"))
    ended = [*one.ended(), *one.ended()]
    assert [type(event) for _, event in ended] == [ConversationEnded]


@pytest.mark.parametrize("name", ["isDeletedOnExternalPlatform", "isHiddenOnExternalPlatform"])
def test_what_was_taken_back_before_it_was_read_is_not_told(name: str):
    message = {
        "id": "m-1",
        "direction": "outbound",
        "createdAt": "2026-11-20T09:14:00Z",
        "messageContent": text_content("Never mind"),
        "authorUser": {"id": 7, "firstName": "Noor"},
    }

    assert progress().messages([{**message, name: True}]) == []
    assert progress().messages([message])


def test_each_kind_of_content_is_read_with_what_goes_back():
    def content(kind: str):
        return content_of({"messageContent": sent_content(kind, "https://files.example")})

    assert [c.token for c in content("choices").rich.choices] == ["PB-yes", "PB-no"]
    assert content("list").rich.choices[0].description == "Tomorrow by noon"
    assert content("link").rich.cards[0].choices[0].kind is ChoiceKind.LINK
    [menu] = content("cards").rich.cards
    assert (menu.title, menu.text) == ("Your order", "BL-20931\nWhat shall we do?")
    assert [c.kind for c in menu.choices] == [ChoiceKind.REPLY, ChoiceKind.LINK]
    assert content("adaptive_card").text == "Your order has arrived."
    assert content("unknown").rich.unknown_kind == "HOLOGRAM"


def test_the_tenant_is_read_from_the_token_and_nonsense_is_none():
    assert tenant_in(NiceByocWorld(Switches()).grant()) == TENANT_ID
    assert [tenant_in(text) for text in ("", "a.b", "a.é.c", "a.e30.c")] == [""] * 4
