"""Keys, scopes, the app id, the rate, and the shape of refusals."""

from __future__ import annotations

import jwt
import pytest

from tests.vendors.zendesk.simulator_harness import (
    APP_ID,
    APP_KEY,
    INT_KEY,
    INTEGRATION_ID,
    Caller,
)

WEBHOOKS = "/integrations/me/webhooks"


def bearer(key: tuple[str, str], scope: str, algorithm: str = "HS256", **headers: str) -> dict:
    secret = key[1] if algorithm != "none" else ""
    token = jwt.encode({"scope": scope}, secret, algorithm, headers={"kid": key[0], **headers})
    return {"Authorization": f"Bearer {token}"}


async def test_no_key_and_a_bad_key_are_unauthorized_in_the_vendors_shape(http, caller):
    bare = await caller.on("GET", WEBHOOKS, headers={})
    wrong = await Caller(http, (INT_KEY[0], "wrong")).on("GET", WEBHOOKS)
    unknown = await Caller(http, ("int_unknown", INT_KEY[1])).on("GET", WEBHOOKS)
    broken = await caller.on("GET", WEBHOOKS, headers={"Authorization": "Basic ?"})
    right, _ = await caller.on("GET", WEBHOOKS)

    refusal = {"errors": [{"code": "unauthorized", "title": "Unauthorized"}]}
    assert bare == wrong == unknown == broken == (401, refusal)
    assert right == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (bearer(INT_KEY, "integration"), 200),
        (bearer(INT_KEY, "app"), 401),
        (bearer(INT_KEY, "user"), 401),
        (bearer((INT_KEY[0], "x" * 32), "integration"), 401),
        (bearer(("int_unknown", INT_KEY[1]), "integration"), 401),
        (bearer(INT_KEY, "integration", "none"), 401),
    ],
)
async def test_jwt_must_be_signed_by_its_key_with_hs256_for_its_scope(caller, headers, status):
    answered, _ = await caller.on("GET", WEBHOOKS, headers=headers)

    assert answered == status


async def test_integration_key_reaches_no_setting_of_the_app(caller, app_caller):
    paths = ["", "/integrations", f"/integrations/{INTEGRATION_ID}", "/switchboards"]

    refused = [await caller.on("GET", path) for path in paths]
    allowed = [(await app_caller.on("GET", path))[0] for path in paths]

    assert {status for status, _ in refused} == {403}
    assert refused[0][1]["errors"][0]["code"] == "forbidden"
    assert allowed == [200] * 4


async def test_foreign_integration_is_forbidden_to_one_key_and_unknown_to_the_other(
    caller, app_caller
):
    path = "/integrations/ffffffffffffffffffffffff/webhooks"

    assert (await caller.on("GET", path))[0] == 403
    status, answer = await app_caller.on("GET", path)

    assert (status, answer["errors"][0]["code"]) == (404, "integration_not_found")


async def test_wrong_app_id_is_app_not_found(caller):
    status, answer = await caller.call("POST", "/apps/000000000000000000000000/users", {})

    assert (status, answer["errors"][0]["code"]) == (404, "app_not_found")


async def test_token_info_names_the_app_to_any_good_key(http, caller):
    status, answer = await caller.call("GET", "/tokenInfo")

    assert status == 200
    assert (answer["app"]["id"], answer["app"]["subdomain"]) == (APP_ID, "brightside")
    assert (await Caller(http, ("int_x", "y")).call("GET", "/tokenInfo"))[0] == 401


async def test_revoked_keys_are_refused_until_they_are_given_back(desk, caller):
    await desk.fault("revoke_keys")
    refused, _ = await caller.on("GET", WEBHOOKS)
    await desk.fault("revoke_keys", is_revoked=False)

    assert refused == 401
    assert (await caller.on("GET", WEBHOOKS))[0] == 200


async def test_configured_keys_replace_the_old_ones(http, desk, caller):
    await desk.configure(keys={"int_new": "new-secret"})

    assert (await caller.on("GET", WEBHOOKS))[0] == 401
    assert (await Caller(http, ("int_new", "new-secret")).on("GET", WEBHOOKS))[0] == 200
    assert (await Caller(http, APP_KEY).on("GET", ""))[0] == 401


async def test_rate_limit_may_or_may_not_say_when_to_come_back(http, desk, caller):
    path = f"/sc/v2/apps/{APP_ID}{WEBHOOKS}"
    await desk.configure(rate_limit_per_minute=1)
    await caller.on("GET", WEBHOOKS)
    async with http.get(path, headers=caller.headers) as response:
        silent = (response.status, response.headers.get("Retry-After"))
    await desk.configure(rate_limit_retry_after=7)
    async with http.get(path, headers=caller.headers) as response:
        told = (response.status, response.headers.get("Retry-After"))
        body = await response.json()

    assert (silent, told) == ((429, None), (429, "7"))
    assert set(body["errors"][0]) == {"code", "title"}


async def test_planned_failure_wears_the_shape_of_the_api_it_hits(http, desk, caller):
    await desk.fault("fail_next", status=429, retry_after=3, path_prefix="/sc/")
    await desk.fault("fail_next", status=503, path_prefix="/api/v2")

    conversations = await caller.on("GET", WEBHOOKS)
    async with http.get("/api/v2/users/me.json") as response:
        tickets = (response.status, await response.json())

    assert conversations[0] == 429
    assert set(conversations[1]["errors"][0]) == {"code", "title"}
    assert tickets[0] == 503
    assert set(tickets[1]) == {"error", "description"}


async def test_unknown_path_and_method_are_refused_in_the_vendors_shape(caller):
    missing = await caller.on("GET", "/nothing")
    method = await caller.on("PUT", "/users", {})

    assert (missing[0], missing[1]["errors"][0]["code"]) == (404, "not_found")
    assert (method[0], method[1]["errors"][0]["code"]) == (405, "method_not_allowed")
