"""Twilio's Node SDK and OpenAPI models as judges: of our check, the simulator and the segments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import jsonschema
import pytest

from conversations.sms.segments import segments_of
from integrations.contract.carrier import OutboundText
from integrations.contract.errors import WebhookVerificationError
from integrations.simulators.simulator import running_simulator
from integrations.vendors.twilio_sms.mapping.signature import require_true
from integrations.vendors.twilio_sms.mapping.texts import message_form
from integrations.vendors.twilio_sms.simulator import TwilioSimulator
from tests.vendors.node_client import NodeClient, node_client
from tests.vendors.twilio_sms.signed import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FORM_TYPE,
    OURS,
    THEIRS,
    body,
    inbound,
)

HERE = Path(__file__).parent
MODELS: Mapping[str, Any] = json.loads((HERE / "openapi" / "messaging.json").read_bytes())
AT = "https://portal.example.test/in"
ODD = inbound("  é + & = 100% ;?#/\\ '\"<>\r\n📦\u200f ", ProfileName="O'Hara & Söhne", FromCity="")
URLS = [
    AT,
    "https://portal.example.test:8443/in",
    "https://portal.example.test:443/in?x=1",
    "http://127.0.0.1:8000/in?text=a+b&y=%C3%A9&empty=",
    "https://portal.example.test/in/%7Eplain/?q=%27quoted%27&a=1&a=2",
    "https://portal.example.test/in?name=O'Hara&c=a!b(c)*",
    "https://[2001:db8::1]:8443/in",
]


@pytest.fixture(scope="module")
def simulator() -> Iterator[TwilioSimulator]:
    made = TwilioSimulator(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, numbers=[OURS])
    with running_simulator(made):
        yield made


@pytest.fixture
async def sdk(simulator: TwilioSimulator) -> AsyncIterator[NodeClient]:
    async with node_client(HERE / "sdk", simulator.base_url, ACCOUNT_SID, AUTH_TOKEN) as client:
        yield client


def is_true(url: str, given: str, raw: bytes, kind: str = FORM_TYPE) -> bool:
    """What our own check says of a call."""
    try:
        require_true(
            url=url,
            method="POST",
            headers={"x-twilio-signature": given, "content-type": kind},
            body=raw,
            auth_tokens=(AUTH_TOKEN,),
            shared_key="",
        )
    except WebhookVerificationError:
        return False
    return True


def written_otherwise(url: str) -> list[str]:
    """The same address with and without its port, escaped, and others that are not the same."""
    return [
        url,
        url.replace("portal.example.test/", "portal.example.test:443/"),
        url.replace(":443/", "/").replace(":8443/", "/").replace(":8000/", "/"),
        url.replace("'", "%27"),
        url.replace("%27", "'"),
        url.replace("https", "http"),
        url + "&more=1",
        url + "/",
        url.replace("a+b", "a%20b"),
        url.upper(),
    ]


async def test_both_judge_every_call_alike(sdk: NodeClient) -> None:
    forms: list[dict[str, Any]] = [ODD, {}, {**inbound("twice"), "Tag": ["b", "a", "a"]}]
    signed = [
        {"url": other, "form": form, "asked": url}
        for url in URLS
        for other in written_otherwise(url)
        for form in forms
    ]
    given = await sdk.do("sign", signed)
    calls = [
        {"given": one, "url": call["asked"], "form": call["form"]}
        for one, call in zip(given, signed, strict=True)
    ]
    calls += [{**calls[0], "given": ""}, {**calls[0], "given": "x" * 28}]
    calls += [{**calls[0], "form": {**ODD, "Body": "another"}}, {**calls[0], "form": {}}]

    theirs = await sdk.do("judge", calls)

    ours = [is_true(one["url"], one["given"], body(one["form"])) for one in calls]
    assert [
        (call["url"], one, other)
        for call, one, other in zip(calls, ours, theirs, strict=True)
        if one is not other
    ] == []
    assert sum(ours) > 3 * len(URLS)
    assert not all(ours)


async def test_both_judge_a_json_body_alike(sdk: NodeClient) -> None:
    raw = '{"a": "é"}'
    url = f"{AT}?bodySHA256={hashlib.sha256(raw.encode()).hexdigest()}"
    [given] = await sdk.do("sign", [{"url": url, "form": {}}])
    calls = [{"given": given, "url": url, "body": one} for one in (raw, raw + " ", "")]

    theirs = await sdk.do("judgeBody", calls)

    kind = "application/json"
    ours = [is_true(url, given, one["body"].encode(), kind) for one in calls]
    assert ours == theirs == [True, False, False]


async def test_the_node_sdk_takes_the_simulators_signatures(
    simulator: TwilioSimulator, sdk: NodeClient
) -> None:
    address = f"{simulator.base_url}/nowhere"
    simulator.configure(sms_url=f"{address}#rc=0")
    simulator.phone_sends(THEIRS, ODD["Body"])
    while not (heard := [one for one in simulator.requests.all() if one.path == "/nowhere"]):
        await sdk.do("account")
    form = dict(parse_qsl(heard[0].body, keep_blank_values=True))
    given = {name.lower(): text for name, text in heard[0].headers.items()}["x-twilio-signature"]

    assert form["Body"] == ODD["Body"]
    assert await sdk.do("judge", [{"given": given, "url": address, "form": form}]) == [True]
    simulator.configure(sms_url="")


async def test_the_node_sdk_reads_all_that_the_simulator_answers(
    simulator: TwilioSimulator, sdk: NodeClient
) -> None:
    made = await sdk.do("create", {"to": THEIRS, "from": OURS, "body": "Hi 📦"})
    listed = await sdk.do("list", {"to": THEIRS, "limit": 5})
    again = await sdk.do("fetch", made["sid"])
    refused = await sdk.do("refused", {"to": "+15005550004", "from": OURS, "body": "Hi"})
    [number] = await sdk.do("number", OURS)

    assert (made["status"], made["body"], made["numSegments"]) == ("queued", "Hi 📦", "1")
    assert made["dateCreated"].endswith("Z")  # it could read the time
    assert listed[0]["sid"] == again["sid"] == made["sid"]
    assert (refused["status"], refused["code"]) == (400, 21610)
    assert refused["moreInfo"] == "https://www.twilio.com/docs/errors/21610"
    assert number["capabilities"]["sms"] is True
    brought = await sdk.do("bring", {"sid": number["sid"], "smsUrl": f"{AT}/texts"})
    assert brought == f"{AT}/texts"
    assert await sdk.do("account") == "active"
    simulator.configure(sms_url="")


async def test_segments_are_those_of_twilios_calculator(sdk: NodeClient) -> None:
    texts = [
        *("Hi", "a" * 160, "a" * 161, "a" * 1600, "€" * 80, "€" * 81, "€" * 153, "{}" * 90),
        *("ы" * 70, "ы" * 71, "😀" * 35, "😀" * 36, "😀" * 67, "it’s", "a" * 152 + "€" + "b" * 153),
        *("é" * 200, "naïve", "ß\n" * 100, "👍🏽" * 18, "مرحبا" * 20),
    ]

    theirs = await sdk.do("segments", texts)

    ours = [segments_of(text) for text in texts]
    assert [{"encoding": one.encoding, "count": one.count} for one in ours] == theirs


# ---- the OpenAPI models ----


async def test_what_the_simulator_answers_is_what_the_models_say(
    simulator: TwilioSimulator,
) -> None:
    account = f"{simulator.base_url}/2010-04-01/Accounts/{ACCOUNT_SID}"
    message = {"To": THEIRS, "From": OURS, "Body": "Hi"}
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def answered(method: str, path: str, form: dict[str, str] | None = None) -> Any:
            async with session.request(method, account + path, data=form) as answer:
                return await answer.json()

        made = await answered("POST", "/Messages.json", message)
        numbers = await answered("GET", "/IncomingPhoneNumbers.json")
        number = numbers["incoming_phone_numbers"][0]["sid"]
        answers = {
            "create_message": made,
            "fetch_message": await answered("GET", f"/Messages/{made['sid']}.json"),
            "list_messages": await answered("GET", "/Messages.json?PageSize=5"),
            "incoming_phone_numbers": numbers,
            "update_phone_number": await answered(
                "POST", f"/IncomingPhoneNumbers/{number}.json", {"SmsMethod": "POST"}
            ),
            "account": await answered("GET", ".json"),
        }

    for name, answer in answers.items():
        jsonschema.validate(answer, MODELS["answers"][name])
    assert set(made) == set(MODELS["answers"]["create_message"]["properties"])


def test_what_is_sent_is_what_the_models_take() -> None:
    text = OutboundText(
        text_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        sender=OURS,
        recipient=THEIRS,
        text="Hi",
        media_urls=(f"{AT}/map.png", f"{AT}/plan.png"),
        report_url=f"{AT}/status",
    )
    form: dict[str, Any] = {}
    for name, value in message_form(text, "MG" + "c" * 32):
        form = {**form, name: [*form.get(name, []), value] if name == "MediaUrl" else value}
    model = MODELS["forms"]["create_message"]

    jsonschema.validate(form, {**model, "additionalProperties": False})
    assert {"To", "PageSize"} <= set(MODELS["queries"]["list_messages"])
    assert {"SmsUrl", "SmsMethod"} <= set(MODELS["forms"]["update_phone_number"]["properties"])
