"""The Connect flow as an admin goes through it, against the simulated Salesforce."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from handoffs.lifecycle.in_use import integrations_in_use
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff
from handoffs.states import EndReason, State
from integrations.connections.services import credentials_purge, integration_mark_needs_attention
from integrations.credentials.key_pairs import public_pem
from integrations.entry.rate_limit import retry_after
from integrations.models import Environment, Integration, Project, VendorCall, VendorToken
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests import factories
from tests.integrations.connecting import (
    KEY,
    address,
    connect,
    enter,
    run_test,
    salesforce_values,
    save,
    the_integration,
)

Status = Integration.Status
VERIFIED = "salesforce_messaging:miaw_verified"


def verified_values(url: str, pem: str, **changes: str) -> dict[str, str]:
    return salesforce_values(
        url,
        mode="miaw_verified",
        jwt_key_id="portal-2026-01",
        jwt_issuer="https://portal.example.org",
        jwt_private_key=pem,
        **changes,
    )


def register_key(salesforce: SalesforceMessagingSimulator, pem: str) -> None:
    salesforce.configure(
        register_key={
            "kid": "portal-2026-01",
            "public_key_pem": public_pem(pem),
            "issuer": "https://portal.example.org",
        }
    )


def codes(checks: list[dict]) -> dict[str, str]:
    return {check["name"]: check["code"] for check in checks}


def test_right_values_pass_every_check_and_connect_the_tile(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    entered = enter(admin, project, salesforce_values(salesforce_url))
    checks = run_test(admin, project)
    save(admin, project)

    row = the_integration(project)
    assert entered.url == address(project, "connect_test")
    assert codes(checks) == {"reach": "ok", "token": "ok", "stream": "ok"}
    assert all(check["ms"] >= 0 for check in checks)
    assert row.status == Status.CONNECTED
    assert row.credentials["org_id"] == factories.ORG_ID
    assert "values" not in row.draft
    assert row.last_success_at is not None


@pytest.mark.parametrize(
    ("change", "at_fault"),
    [
        ({"org_id": "00D8Y0000099zzz"}, "token"),
        ({"es_developer_name": "Portal_Handof"}, "token"),
        ({"scrt_url": "http://127.0.0.1:1"}, "reach"),
    ],
)
def test_each_wrong_value_fails_its_check_and_mending_it_passes(
    admin: Client, project: Project, salesforce_url: str, change: dict, at_fault: str
) -> None:
    enter(admin, project, salesforce_values(salesforce_url, **change))
    broken = run_test(admin, project)
    page = admin.get(address(project, "connect_test")).content.decode()
    enter(admin, project, salesforce_values(salesforce_url))
    mended = run_test(admin, project)

    first_failure = next(check for check in broken if not check["is_ok"])
    assert first_failure["name"] == at_fault
    assert codes(broken)["stream"] == "skipped"
    assert 'data-state="failed"' in page
    assert all(check["is_ok"] for check in mended)


def test_a_verified_connection_is_checked_with_the_registered_key(
    admin: Client,
    project: Project,
    salesforce: SalesforceMessagingSimulator,
    salesforce_url: str,
    private_pem: str,
) -> None:
    enter(admin, project, verified_values(salesforce_url, private_pem))
    unknown = run_test(admin, project)
    page = admin.get(address(project, "connect_test")).content.decode()
    register_key(salesforce, private_pem)
    known = run_test(admin, project)

    assert codes(unknown)["verified_token"] == "invalid_auth"
    assert "data-check-code>auth ·" in page  # the word of the documented answer
    assert codes(known)["verified_token"] == "ok"


def test_values_without_a_passed_test_connect_only_when_saved_anyway(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    enter(admin, project, salesforce_values(salesforce_url, es_developer_name="Wrong"))
    run_test(admin, project)

    save(admin, project)
    refused = the_integration(project).status
    save(admin, project, save_anyway="1")

    row = the_integration(project)
    assert refused == Status.NOT_CONNECTED
    assert row.status == Status.NEEDS_ATTENTION
    assert row.last_error_code == "wrong_type"
    assert row.last_error_message.startswith("Organization and deployment: ")
    assert row.last_error_at is not None


def test_changed_values_lose_the_test_they_had_passed(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))

    enter(admin, project, salesforce_values(salesforce_url, es_developer_name="Other"))
    save(admin, project)

    row = the_integration(project)
    assert row.credentials["es_developer_name"] == factories.DEVELOPER_NAME
    assert row.draft["values"]["es_developer_name"] == "Other"
    assert "test" not in row.draft


def test_a_test_of_the_values_in_use_turns_the_tile_red_and_green_again(
    admin: Client,
    project: Project,
    salesforce: SalesforceMessagingSimulator,
    salesforce_url: str,
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))

    salesforce.fail_next(500, path_prefix="/iamessage/api/v2/authorization")
    run_test(admin, project)
    red = the_integration(project)
    run_test(admin, project)
    green = the_integration(project)

    assert (red.status, red.last_error_code) == (Status.NEEDS_ATTENTION, "cannot_connect")
    assert (green.status, green.last_error_code) == (Status.CONNECTED, "")


def test_a_refused_form_keeps_nothing_and_says_so_at_the_field(
    admin: Client, project: Project
) -> None:
    response = enter(admin, project, salesforce_values("https://example.com", org_id=""))
    page = response.content.decode()

    assert response.status_code == 422
    assert 'id="id_org_id_error"' in page
    assert 'id="id_scrt_url_error"' in page
    assert not Integration.objects.filter(project=project).exists()


def test_no_page_ever_holds_the_secret_that_was_typed(
    admin: Client, project: Project, salesforce_url: str, private_pem: str
) -> None:
    secret_line = private_pem.splitlines()[3]
    values = verified_values(salesforce_url, private_pem)

    pages = [enter(admin, project, {**values, "org_id": ""})]
    pages.append(enter(admin, project, {**values, "jwt_private_key": private_pem[:-40]}))
    pages.append(enter(admin, project, values))
    run_test(admin, project)
    names = ["connect_give", "connect_values", "connect_test"]
    pages += [admin.get(address(project, name)) for name in names]
    save(admin, project, save_anyway="1")
    names = ["integration", "connect_values", "connect_done", "integration_audit"]
    pages += [admin.get(address(project, name)) for name in names]

    assert [page for page in pages if secret_line in page.content.decode()] == []
    assert "••••" in pages[0].content.decode()
    assert the_integration(project).credentials["jwt_private_key"] == private_pem


def test_a_good_secret_need_not_be_pasted_again_after_another_field_was_wrong(
    admin: Client, project: Project, salesforce_url: str, private_pem: str
) -> None:
    values = verified_values(salesforce_url, private_pem)
    refused = enter(admin, project, {**values, "org_id": ""})
    shown = refused.context["form"]["jwt_private_key"].value()

    accepted = enter(admin, project, {**values, "jwt_private_key": shown})

    assert accepted.status_code == 302
    assert the_integration(project).draft["values"]["jwt_private_key"] == private_pem


def test_the_flow_can_be_left_and_resumed(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    admin.post(
        address(project, "connect_before"), {"connection_type": VERIFIED, "confirmed": ["1", "3"]}
    )
    before = admin.get(address(project, "connect_before")).context
    enter(admin, project, salesforce_values(salesforce_url))
    values = admin.get(address(project, "connect_values")).context["form"]

    assert (before["shown_type"], before["confirmed"]) == (VERIFIED, [1, 3])
    assert values["org_id"].value() == factories.ORG_ID
    assert the_integration(project).credentials == {}


def test_a_generated_key_pair_shows_its_public_half_only(admin: Client, project: Project) -> None:
    admin.post(address(project, "connect_before"), {"connection_type": VERIFIED})

    page = admin.post(address(project, "connect_give"), follow=True)

    private = the_integration(project).draft["values"]["jwt_private_key"]
    text = page.content.decode()
    assert public_pem(private) in text
    assert json.loads(page.context["key_pair"].public_jwk)["kty"] == "RSA"
    assert private.splitlines()[1] not in text


def test_tests_are_limited_to_ten_a_minute_for_a_project(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    enter(admin, project, salesforce_values(salesforce_url))

    def test(counted: int) -> Any:
        for _ in range(counted):
            retry_after(f"connection-test:{project.public_id}", limit=0, window_seconds=60)
        headers = {"Accept": "application/x-ndjson"}
        return admin.post(address(project, "connect_test_run"), headers=headers)

    assert test(9).status_code == 200
    # Twice: a minute may end between the count and the try.
    refused = next(answer for answer in (test(10), test(10)) if answer.status_code != 200)
    assert refused.status_code == 429
    assert "Ten tests a minute" in refused.json()["error"]


def test_the_calls_of_a_test_are_recorded(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    enter(admin, project, salesforce_values(salesforce_url))

    run_test(admin, project)

    calls = VendorCall.objects.filter(integration=the_integration(project))
    assert calls.filter(path__contains="access-token", status=200).exists()


@pytest.mark.django_db(transaction=True)
async def test_a_script_gets_each_check_on_a_line_of_its_own(
    async_admin: AsyncClient, project: Project, salesforce_url: str
) -> None:
    await async_admin.post(address(project, "connect_values"), salesforce_values(salesforce_url))

    response = await async_admin.post(
        address(project, "connect_test_run"), headers={"Accept": "application/x-ndjson"}
    )
    body = b"".join([chunk async for chunk in response])

    lines = [json.loads(line) for line in body.splitlines()]
    assert [line.get("name") for line in lines] == ["reach", "token", "stream", None]
    assert lines[0]["state"] == "passed"
    assert lines[-1] == {"kind": "done", "is_ok": True}


def test_a_disabled_integration_keeps_its_values_and_comes_back(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))

    admin.post(address(project, "integration_disable"))
    disabled = the_integration(project)
    admin.post(address(project, "integration_enable"))

    assert (disabled.status, disabled.is_usable) == (Status.DISABLED, False)
    assert disabled.credentials["org_id"] == factories.ORG_ID
    assert the_integration(project).status == Status.CONNECTED


def test_disconnecting_asks_for_the_name_and_forgets_the_values(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    row = connect(admin, project, salesforce_values(salesforce_url))
    later = timezone.now() + timedelta(hours=1)
    VendorToken.objects.create(integration=row, name="token", value="v", expires_at=later)

    refused = admin.post(address(project, "integration_disconnect"), {"confirm_name": "Sales"})
    still = the_integration(project).status
    admin.post(address(project, "integration_disconnect"), {"confirm_name": "Salesforce Messaging"})

    gone = the_integration(project)
    assert (refused.status_code, still) == (422, Status.CONNECTED)
    assert (gone.status, gone.credentials, gone.draft) == (Status.NOT_CONNECTED, {}, {})
    assert not VendorToken.objects.exists()


def test_disconnecting_lets_an_open_handoff_finish_with_its_values(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project)
    handoff = factories.handoff(state=State.ACTIVE, of_integration=row)

    page = admin.get(address(project, "integration_disconnect")).content.decode()
    admin.post(address(project, "integration_disconnect"), {"confirm_name": "Salesforce Messaging"})
    kept = the_integration(project)
    type(handoff).objects.filter(pk=handoff.pk).update(state=State.ENDED.value)
    purged = credentials_purge(in_use=integrations_in_use())

    assert "1 handoff is open." in page
    assert kept.status == Status.NOT_CONNECTED
    assert kept.credentials["org_id"] == factories.ORG_ID
    assert purged == 1
    assert the_integration(project).credentials == {}


def test_disconnecting_can_end_what_is_open_and_the_vendor_can_still_be_told(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project)
    handoff = factories.handoff(state=State.ACTIVE, of_integration=row)

    answer = admin.post(
        address(project, "integration_disconnect"),
        {"confirm_name": "Salesforce Messaging", "open_handoffs": "end_now"},
        follow=True,
    )
    handoff.refresh_from_db()
    kept, ended = the_integration(project), (handoff.state, handoff.end_reason)
    type(handoff).objects.update(vendor_end_until=None)
    purged = credentials_purge(in_use=integrations_in_use())

    assert ended == (State.ENDED.value, "operator_ended")
    assert "1 open handoff was ended." in answer.content.decode()
    assert kept.credentials["org_id"] == factories.ORG_ID
    assert purged == 1


def test_a_refused_disconnect_ends_nothing(admin: Client, project: Project) -> None:
    row = factories.integration(project)
    handoff = factories.handoff(state=State.ACTIVE, of_integration=row)

    admin.post(
        address(project, "integration_disconnect"),
        {"confirm_name": "Sales", "open_handoffs": "end_now"},
    )

    handoff.refresh_from_db()
    assert handoff.state == State.ACTIVE.value


def test_reconnecting_keeps_the_row(admin: Client, project: Project, salesforce_url: str) -> None:
    first = connect(admin, project, salesforce_values(salesforce_url))
    admin.post(address(project, "integration_disconnect"), {"confirm_name": "Salesforce Messaging"})

    second = connect(admin, project, salesforce_values(salesforce_url))

    assert second.pk == first.pk
    assert second.status == Status.CONNECTED


def test_environments_hold_values_of_their_own(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))

    live = admin.get(address(project, "connect_values", "live")).context["form"]

    assert live["org_id"].value() == ""
    assert admin.get(address(project, "connect_values", "moon")).status_code == 404


def test_done_shows_the_tool_and_a_list_that_ticks_itself(admin: Client, project: Project) -> None:
    row = factories.integration(project)
    before = admin.get(address(project, "connect_done"))

    factories.handoff(state=State.ENDED, of_integration=row)
    ticks = admin.get(address(project, "connect_verify")).json()

    assert "&quot;salesforce_integration&quot;: {}" in before.content.decode()
    assert [step.has_passed for step in before.context["verify"]] == [False] * 5
    assert ticks["requested"] is ticks["queued"] is ticks["closed"] is True
    assert ticks["replied"] is False


def test_the_page_of_a_red_tile_says_what_and_when_and_how_to_mend_it(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project)
    integration_mark_needs_attention(row, "invalid_auth", "Salesforce refused the token.")

    page = admin.get(address(project, "integration")).content.decode()

    assert "Salesforce refused the token." in page
    assert "If it does not work" in page
    assert "The conversation does not appear with live agents" in page
    assert "publish" in page


def test_an_unknown_connector_has_no_page(admin: Client, project: Project) -> None:
    url = reverse("connect_before", args=[project.public_id, Environment.SANDBOX.value, "no_such"])

    assert admin.get(url).status_code == 404
    assert KEY not in url


def test_the_verify_list_ticks_by_the_order_of_the_journal_whatever_the_clocks_say(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project)
    talk = factories.conversation(factories.channel(project))
    first = factories.handoff(talk, state=State.ACTIVE, of_integration=row)
    factories.apply(factories.lease_of(first), factories.spoke("The first live agent"))
    with handoff_leased(factories.lease_of(first)) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, is_returned=True)
    second = factories.handoff(talk, state=State.ACTIVE, of_integration=row)

    def ticks(hours: int) -> set[str]:
        """Ask while the handoff's clock is ahead of the journal's, or behind it."""
        at = timezone.now() + timedelta(hours=hours)
        Handoff.objects.filter(pk=second.pk).update(requested_at=at)
        found = admin.get(address(project, "connect_verify")).json()
        return {name for name, has_passed in found.items() if has_passed}

    Handoff.objects.filter(pk=first.pk).update(requested_at=timezone.now() - timedelta(days=2))
    before = ticks(-1)
    factories.apply(factories.lease_of(second), factories.spoke("The second live agent"))
    after = ticks(1)

    assert "replied" not in before
    assert "replied" in after
