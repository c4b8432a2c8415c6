"""Calls of both paths are verified over their raw bytes before anything is read."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from integrations.contract.connector import WebhookRequest
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.signatures import hex_signature
from integrations.vendors.webex.connector import WebexConnector
from integrations.vendors.webex.simulator.world import ASSET_SECRET, ORG_ID, SUBSCRIPTION_SECRET

CREDENTIALS = {
    "org_id": ORG_ID,
    "asset_webhook_secret": ASSET_SECRET,
    "subscription_secret": SUBSCRIPTION_SECRET,
}


def call(body: Any, secret: str = ASSET_SECRET, stamp: str = "") -> WebhookRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
    headers = {"x-webexcc-signature": hex_signature(secret, raw)}
    if stamp:
        headers["x-webexcc-timestamp"] = stamp
    return WebhookRequest(endpoint="events", method="POST", headers=headers, query={}, body=raw)


def body(kind: str, stamp: Any, **data: Any) -> dict[str, Any]:
    return {"id": "t-1", "type": kind, "comciscotimestamp": stamp, "data": data}


def test_the_pages_own_example_has_its_signature():
    raw = (
        b'{"id":"0c1f6f0e-1111-4a4a-9c9c-000000000001","type":"task:new",'
        b'"comciscotimestamp":1790000000000}'
    )
    expected = "c4dcff3ece9407316c08e919e1f2a036d88b45cbf5c53b504a43b8cc5ab351e0"

    assert call(raw).headers["x-webexcc-signature"] == expected


@pytest.mark.parametrize("secret", [ASSET_SECRET, SUBSCRIPTION_SECRET])
def test_number_and_text_timestamps_pass_with_either_secret(secret: str):
    now = int(time.time() * 1000)

    for stamp in (now, str(now)):
        request = call(body("task:new", stamp), secret, str(now))
        [item] = WebexConnector.parse_webhook(request, CREDENTIALS).items
        assert item.key == "t-1"


def test_a_forged_an_old_and_a_strangers_call_are_refused():
    now, old = int(time.time() * 1000), int(time.time() * 1000) - 600_000
    bad = [
        call(body("task:ended", now), "somebody-elses"),
        call(body("task:ended", old), stamp=str(old)),
        call(body("task:ended", now), stamp=str(now - 1)),
        call({**body("task:ended", now), "comciscoorgid": "another"}),
    ]

    for request in bad:
        with pytest.raises(WebhookVerificationError):
            WebexConnector.parse_webhook(request, CREDENTIALS)


def test_a_repeat_has_the_same_name_and_the_next_event_of_a_task_another():
    message = {"aliasId": "a-1", "text": "Hi"}
    said = body(
        "task-message:appended",
        1,
        taskId="t-1",
        senderType="agent",
        channelParams=json.dumps({"type": "text", "message": message}),
    )
    bodies = [said, {**said, "id": "other"}, body("task:new", 1), body("task:connect", 1)]

    found = [WebexConnector.parse_webhook(call(one), CREDENTIALS).items[0] for one in bodies]

    names = [item.item_id for item in found]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert WebexConnector.said_in(found[0]) == "a-1"
