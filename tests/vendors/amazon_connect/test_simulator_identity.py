"""Who may call: signatures are really checked, roles really assumed, refusals named as AWS does."""

from __future__ import annotations

import datetime

import aiohttp
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from integrations.vendors.amazon_connect.simulator.state import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tests.vendors.amazon_connect.simulator_harness import (
    FLOW,
    INSTANCE,
    REGION,
    ROLE,
    aws_client,
    key_client,
    refusal,
)

WHO = {"RoleArn": ROLE, "RoleSessionName": "baton-handoff"}


def assumed(url: str, service: str = "connect", **more):
    answer = key_client("sts", url).assume_role(**{**WHO, **more})
    keys = answer["Credentials"]
    return aws_client(
        service,
        url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def test_assumed_role_with_external_id_and_tags_may_call_connect(url, simulator):
    tags = [{"Key": "project", "Value": "Bakery & Sons"}, {"Key": "handoff", "Value": "ho-1"}]
    simulator.configure(external_id="a1b2c3d4e5")

    client = assumed(url, ExternalId="a1b2c3d4e5", Tags=tags, DurationSeconds=900)

    assert client.describe_instance(InstanceId=INSTANCE)["Instance"]["InstanceStatus"] == "ACTIVE"
    [session] = simulator.world.identities.values()
    assert session.tags == {"project": "Bakery & Sons", "handoff": "ho-1"}


def test_caller_identity_tells_the_user_and_the_assumed_role(url):
    user = key_client("sts", url).get_caller_identity()
    role = assumed(url, "sts").get_caller_identity()

    assert user["Arn"] == "arn:aws:iam::210987654321:user/portal"
    assert role["Arn"] == "arn:aws:sts::210987654321:assumed-role/PortalHandoff/baton-handoff"
    assert {user["Account"], role["Account"]} == {"210987654321"}


@pytest.mark.parametrize(
    ("switches", "fields", "expected"),
    [
        ({"external_id": "right-one"}, {"ExternalId": "wrong-one"}, (403, "AccessDenied")),
        ({"external_id": "right-one"}, {}, (403, "AccessDenied")),
        ({"may_assume_role": False}, {}, (403, "AccessDenied")),
        (
            {"may_tag_session": False},
            {"Tags": [{"Key": "a", "Value": "b"}]},
            (403, "AccessDenied"),
        ),
        ({}, {"RoleArn": ROLE + "Other"}, (403, "AccessDenied")),
        ({}, {"DurationSeconds": 7200}, (400, "ValidationError")),
        ({}, {"RoleSessionName": "no spaces allowed"}, (400, "ValidationError")),
    ],
)
def test_role_is_refused_for_a_reason_and_given_once_the_reason_is_gone(
    url, simulator, switches, fields, expected
):
    simulator.configure(**switches)
    sts = key_client("sts", url)

    refused = refusal(sts.assume_role, **{**WHO, **fields})

    simulator.reset()
    assert refused == expected
    assert sts.assume_role(**WHO)["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_tag_session_is_asked_for_only_when_tags_are_sent(url, simulator):
    simulator.configure(may_tag_session=False)

    assert key_client("sts", url).assume_role(**WHO)["AssumedRoleUser"]["Arn"]


@pytest.mark.parametrize(
    ("keys", "in_connect", "in_sts"),
    [
        (
            {"aws_secret_access_key": "wrong"},
            (403, "InvalidSignatureException"),
            (403, "SignatureDoesNotMatch"),
        ),
        (
            {"aws_access_key_id": "AKIANOBODYKNOWSTHIS1"},
            (403, "UnrecognizedClientException"),
            (403, "InvalidClientTokenId"),
        ),
        (
            {"aws_session_token": "made-up"},
            (403, "UnrecognizedClientException"),
            (403, "InvalidClientTokenId"),
        ),
    ],
)
def test_wrong_keys_are_refused_by_name(url, keys, in_connect, in_sts):
    connect, sts = key_client("connect", url, **keys), key_client("sts", url, **keys)

    assert refusal(connect.describe_instance, InstanceId=INSTANCE) == in_connect
    assert refusal(sts.get_caller_identity) == in_sts


def test_credentials_of_a_role_expire_and_new_ones_are_good(url, simulator):
    client = assumed(url)

    simulator.world.identities.expire_all()

    refused = refusal(client.describe_instance, InstanceId=INSTANCE)
    assert refused == (403, "ExpiredTokenException")
    assert refusal(assumed_sts(url, simulator)) == (403, "ExpiredToken")
    assert assumed(url).describe_instance(InstanceId=INSTANCE)["Instance"]["Id"] == INSTANCE


def assumed_sts(url: str, simulator):
    client = assumed(url, "sts")
    simulator.world.identities.expire_all()
    return client.get_caller_identity


def test_denied_action_is_refused_and_others_are_not(url, simulator):
    simulator.configure(denied_actions=["connect:DescribeContactFlow"])
    client = key_client("connect", url)

    refused = refusal(client.describe_contact_flow, InstanceId=INSTANCE, ContactFlowId=FLOW)

    assert refused == (403, "AccessDeniedException")
    assert client.describe_instance(InstanceId=INSTANCE)


def test_another_region_does_not_know_the_instance(url):
    client = key_client("connect", url, region_name="eu-west-2")

    refused = refusal(client.describe_instance, InstanceId=INSTANCE)

    assert refused == (404, "ResourceNotFoundException")


async def send(url: str, request: AWSRequest, **changes: str) -> tuple[int, str]:
    headers = {**dict(request.headers.items()), **changes}
    async with (
        aiohttp.ClientSession() as http,
        http.request(request.method, request.url, data=request.data, headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("x-amzn-ErrorType", "")


def signed(url: str, service: str = "connect") -> AWSRequest:
    request = AWSRequest("GET", f"{url}/instance/{INSTANCE}")
    keys = Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    botocore.auth.SigV4Auth(keys, service, REGION).add_auth(request)
    return request


async def test_signature_covers_path_time_and_service(url):
    request = signed(url)
    old = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)).strftime(
        "%Y%m%dT%H%M%SZ"
    )

    assert await send(url, request) == (200, "")
    elsewhere = signed(url)
    elsewhere.url += "9"
    assert await send(url, elsewhere) == (403, "InvalidSignatureException")
    assert await send(url, request, **{"X-Amz-Date": old}) == (403, "InvalidSignatureException")
    assert (await send(url, signed(url, "sts")))[1] == "InvalidSignatureException"
    assert (await send(url, request, Authorization="Basic eDp4"))[0] == 400


async def test_request_without_a_signature_is_refused(http):
    async with http.get(f"/instance/{INSTANCE}") as answer:
        kind = answer.headers["x-amzn-ErrorType"]
        assert (answer.status, kind) == (403, "MissingAuthenticationTokenException")
        assert answer.headers["x-amzn-RequestId"]
        assert set(await answer.json()) == {"Message"}
