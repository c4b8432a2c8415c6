"""The simulated token endpoints hold to the contract."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import jwt
import pytest

from tests.vendors.desk import Desk
from tests.vendors.salesforce_messaging.simulator_harness import (
    ORG_ID,
    ORG_ID_18,
    CustomerKey,
    EndUser,
    anonymous,
    request_token,
    verified,
)


@pytest.fixture
async def customer(desk: Desk) -> CustomerKey:
    key = CustomerKey()
    await desk.configure(register_key=key.registration())
    return key


async def test_anonymous_token_names_the_org_and_expires_after_the_set_time(
    desk: Desk, http: aiohttp.ClientSession
):
    await desk.configure(token_ttl_seconds=600)

    status, answer = await request_token(http, context={"appName": "x"}, deviceId=None)

    claims = jwt.decode(answer["accessToken"], options={"verify_signature": False})
    assert status == 200
    assert claims["orgId"] == ORG_ID
    assert 590 < claims["exp"] - time.time() <= 600
    assert jwt.get_unverified_header(answer["accessToken"])["alg"] == "RS256"
    assert answer["lastEventId"].isdigit()
    config = answer["context"]["configuration"]["embeddedServiceConfig"]
    assert config["deploymentType"] == "api"
    assert answer["context"]["endUser"]["subject"].startswith("v2/iamessage/ANON/")


async def test_org_id_of_eighteen_characters_is_taken_in_a_token_request(http):
    assert (await request_token(http, orgId=ORG_ID_18))[0] == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"orgId": "00D8Y0000012abd"}, "orgId"),
        ({"orgId": ORG_ID + "AAA"}, "orgId"),
        ({"esDeveloperName": "Portal_Handof"}, "type is api"),
        ({"capabilitiesVersion": 1}, "capabilitiesVersion"),
        ({"platform": "Toaster"}, "platform"),
        ({"surprise": True}, "surprise"),
    ],
)
async def test_wrong_token_request_is_refused_with_the_reason(http, change, words):
    status, answer = await request_token(http, **change)

    assert (status, answer["errorCode"]) == (400, "BAD_REQUEST")
    assert words in answer["message"]


async def test_unknown_properties_pass_when_the_simulator_is_told_to_be_lax(desk, http):
    await desk.configure(strict_properties=False)

    assert (await request_token(http, surprise=True))[0] == 200


@pytest.mark.parametrize("algorithm", ["RS256", "RS512"])
async def test_signed_customer_is_verified_and_keeps_the_same_subject(http, customer, algorithm):
    first = await verified(http, customer.sign(algorithm))
    second = await verified(http, customer.sign(algorithm))

    assert first.subject == second.subject
    assert first.subject.startswith("v2/iamessage/AUTH/")
    assert first.subject.endswith("uid:ines-4411")


async def test_audience_of_an_identity_token_is_optional(http, customer):
    end_user = await verified(http, customer.sign(aud="https://birchline.my.salesforce.com"))

    assert "/AUTH/" in end_user.subject


FORGERIES = [
    {"iss": "https://other.example.org"},
    {"exp": int(time.time()) - 5},
    {"exp": None},
    {"sub": None},
    {"sub": ""},
    {"kid": "nobody-knows"},
]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_identity_token_that_fails_verification_is_refused(http, customer, forgery):
    status, answer = await request_token(
        http,
        "authenticated",
        authorizationType="JWT",
        customerIdentityToken=customer.sign(**forgery),
    )

    assert status == 401
    assert answer["errorCode"] == "UNAUTHORIZED"


async def test_identity_token_signed_by_another_key_is_refused(http, customer):
    body = {"authorizationType": "JWT", "customerIdentityToken": CustomerKey().sign()}

    assert (await request_token(http, "authenticated", **body))[0] == 401


async def test_failed_verification_gives_an_anonymous_token_when_switched_so(desk, http, customer):
    await desk.configure(auth_failure_mode="anonymous")

    end_user = await verified(http, CustomerKey().sign())

    assert end_user.subject.startswith("v2/iamessage/ANON/")


async def test_identity_token_is_asked_for_by_name(http, customer):
    status, answer = await request_token(http, "authenticated", authorizationType="JWT")

    assert status == 400
    assert "customerIdentityToken" in answer["message"]


async def test_every_anonymous_token_is_another_end_user(http):
    assert (await anonymous(http)).subject != (await anonymous(http)).subject


async def test_continuation_token_is_new_but_expires_no_later(end_user: EndUser):
    status, answer = await end_user.call("GET", "/authorization/continuation-access-token")

    old, new = (
        jwt.decode(token, options={"verify_signature": False})
        for token in (end_user.token, answer["accessToken"])
    )
    assert status == 200
    assert answer["lastEventId"].isdigit()
    assert answer["accessToken"] != end_user.token
    assert (new["sub"], new["exp"]) == (old["sub"], old["exp"])
    assert new["clientId"] != old["clientId"]


async def test_revoked_token_is_refused_and_its_stream_closes(http, customer):
    end_user = await verified(http, customer.sign())
    async with end_user.stream() as stream:
        status, _ = await end_user.call("DELETE", "/authorization/authenticated/access-token")

        await stream.read_to_end()

    assert status == 204
    assert (await end_user.create())[0] == 401
    assert (await (await verified(http, customer.sign())).create())[0] == 201


async def test_anonymous_token_cannot_be_revoked(end_user: EndUser):
    status, _ = await end_user.call("DELETE", "/authorization/authenticated/access-token")

    assert status == 403
    assert (await end_user.create())[0] == 201


async def test_expired_tokens_close_streams_and_a_verified_user_finds_the_conversation_again(
    desk, http, customer
):
    before = await verified(http, customer.sign())
    await before.create()
    async with before.stream() as stream:
        await desk.fault("expire_tokens")
        await stream.read_to_end()

    status, answer = await before.say("too late")
    after = await verified(http, customer.sign())
    _, found = await after.call("GET", "/conversation/list")

    assert (status, answer["message"]) == (401, "Jwt is expired")
    assert [one["conversationId"] for one in found["conversations"]] == [before.conversation_id]


async def test_anonymous_user_with_a_new_token_cannot_reach_the_old_conversation(
    desk, http, end_user
):
    await end_user.create()
    await desk.fault("expire_tokens")

    renewed = await anonymous(http)
    renewed.conversation_id = end_user.conversation_id

    assert (await renewed.say("hello"))[0] == 404


async def test_token_expires_by_itself_and_takes_its_stream_along(desk, http):
    await desk.configure(token_ttl_seconds=2)
    end_user = await anonymous(http)

    async with end_user.stream() as stream:
        await asyncio.wait_for(stream.read_to_end(), 5)

    status, answer = await end_user.create()
    assert (status, answer["message"]) == (401, "Jwt is expired")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}])
async def test_call_without_a_good_token_is_unauthorized(http, header):
    async with http.get("/iamessage/api/v2/conversation/list", headers=header) as response:
        assert response.status == 401
        assert (await response.json())["errorCode"] == "UNAUTHORIZED"


async def test_key_that_is_no_public_key_is_not_registered(desk: Desk):
    key = {"kid": "k", "issuer": "i", "public_key_pem": "nonsense"}

    status, answer = await desk.post("config", register_key=key)

    assert status == 400
    assert "PEM" in answer["message"]
    assert (await desk.get("config"))["registered_keys"] == []
