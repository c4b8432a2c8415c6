"""The Credentials API: a script connects a vendor, with the Connect form's checks and secrecy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from config.demo.vendors import demo_vendors
from handoffs.payload.reading import payload_read
from handoffs.starting.addressing import payload_address
from handoffs.states import State
from integrations.connect.forms import ConnectForm
from integrations.contract.registry import manifest_get, manifests
from integrations.credentials.cleaning import MASK
from integrations.models import ApiKey, AuditEntry, Integration, Project, VendorCall
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests import factories
from tests.integrations.connecting import salesforce_values
from tests.integrations.test_connect_views import register_key

Status = Integration.Status
SECRET = "a-secret-of-the-script-0123456789"


class Script:
    """An infrastructure script with a key of the project."""

    def __init__(self, project: Project, *permissions: str, vendor: str = "salesforce") -> None:
        wanted = permissions or (ApiKey.Permission.INTEGRATIONS.value,)
        self.row, self.key = factories.api_key(project, *wanted)
        self.base = (
            f"/v1/accounts/{project.workspace.slug}/projects/{project.slug}"
            "/messaging-handoff-integrations/"
        )
        self.vendor = vendor

    def call(self, method: str, body: Any = None, *, act: str = "", env: str = "sandbox") -> Any:
        response = Client(raise_request_exception=False).generic(
            method,
            f"{self.base}{self.vendor}/{env}{act}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"x-api-key": self.key},
        )
        return response.status_code, response.json() if response.content else None

    def put(self, *, env: str = "sandbox", **document: Any) -> tuple[int, Any]:
        status, answer = self.call("PUT", document, env=env)
        return status, answer


@pytest.fixture
def script(project: Project) -> Script:
    return Script(project)


def one(values: dict[str, Any], name: str = "default") -> dict[str, Any]:
    return {name: {key: value for key, value in values.items() if value != ""}}


def rows(project: Project) -> dict[str, Integration]:
    return {row.credential_set: row for row in Integration.objects.filter(project=project)}


def test_a_script_connects_a_vendor_and_the_tile_is_green(
    script: Script, project: Project, salesforce_url: str
) -> None:
    status, answer = script.put(credential_sets=one(salesforce_values(salesforce_url)))

    row = rows(project)["default"]
    assert (status, row.status) == (200, Status.CONNECTED)
    assert answer["states"] == {"default": "connected"}
    assert answer["credential_sets"]["default"]["org_id"] == factories.ORG_ID
    assert answer["assignments"] == {"__default__": "default"}
    assert VendorCall.objects.filter(integration=row).exists()


def test_the_same_document_again_changes_nothing_and_asks_the_vendor_nothing(
    script: Script, project: Project, salesforce_url: str
) -> None:
    document = {"credential_sets": one(salesforce_values(salesforce_url))}
    script.put(**document)
    entries, calls = AuditEntry.objects.count(), VendorCall.objects.count()

    _, shown = script.call("GET")
    again, _ = script.put(**document)
    as_read, same = script.put(**shown)

    assert (again, as_read, same) == (200, 200, shown)
    assert (AuditEntry.objects.count(), VendorCall.objects.count()) == (entries, calls)


def test_each_change_is_audited_with_the_key_and_the_names_of_fields_alone(
    script: Script, project: Project, salesforce_url: str, admin: Client
) -> None:
    script.put(credential_sets=one(salesforce_values(salesforce_url)))
    script.call("DELETE")

    entries = AuditEntry.objects.filter(subject__startswith="salesforce_integration")
    assert {entry.api_key for entry in entries} == {script.row}
    assert [entry.action for entry in entries] == [
        "integration.disconnected",
        "integration.connected",
        "integration.tested",
    ]
    assert "org_id" in entries[1].fields
    page = admin.get(f"/p/{project.public_id}/integrations/sandbox/salesforce_messaging/audit.csv")
    assert "API key Desktop" in page.content.decode()


@pytest.mark.parametrize(
    "change", [{"org_id": "00D8Y0000099zzz"}, {"scrt_url": "http://127.0.0.1:1"}]
)
def test_what_the_vendor_refuses_is_not_saved_unless_that_is_asked_for(
    script: Script, project: Project, salesforce_url: str, change: dict[str, str]
) -> None:
    document = {"credential_sets": one(salesforce_values(salesforce_url, **change))}

    status, refused = script.put(**document)
    kept = rows(project)["default"]
    anyway, _ = script.put(**document, save_anyway=True)

    assert (status, refused["error_code"]) == (422, "CONNECTION_TEST_FAILED")
    assert {"name", "ok", "code", "detail", "ms"} == set(refused["checks"]["default"][0])
    assert (kept.status, kept.credentials, kept.draft) == (Status.NOT_CONNECTED, {}, {})
    assert (anyway, rows(project)["default"].status) == (200, Status.NEEDS_ATTENTION)


def test_one_refused_set_leaves_all_as_they_were(
    script: Script, project: Project, salesforce_url: str
) -> None:
    good = salesforce_values(salesforce_url)
    script.put(credential_sets=one(good))
    before = rows(project)["default"].credentials
    renamed = one({**good, "session_attribute_name": "Other"})

    wrong = one({**good, "org_id": "nonsense"}, "emea")
    malformed, named = script.put(credential_sets={**renamed, **wrong})
    untaken, _ = script.put(
        credential_sets={**renamed, **one({**good, "org_id": "00D8Y0000099zzz"}, "emea")}
    )

    assert (malformed, untaken) == (422, 422)
    assert [e["path"] for e in named["errors"]] == ["credential_sets.emea.org_id"]
    assert rows(project)["default"].credentials == before
    assert "emea" not in rows(project) or rows(project)["emea"].credentials == {}


def test_a_set_that_a_document_leaves_out_is_disconnected(
    script: Script, project: Project, salesforce_url: str
) -> None:
    values = salesforce_values(salesforce_url)
    script.put(credential_sets={**one(values), **one(values, "emea")})

    script.put(credential_sets=one(values))

    found = rows(project)
    assert (found["default"].status, found["emea"].status) == ("connected", "not_connected")
    assert found["emea"].credentials == {}


def test_a_secret_is_never_answered_and_its_mask_leaves_it_as_it_is(
    script: Script,
    project: Project,
    salesforce: SalesforceMessagingSimulator,
    salesforce_url: str,
    private_pem: str,
) -> None:
    register_key(salesforce, private_pem)
    values = salesforce_values(
        salesforce_url,
        mode="miaw_verified",
        jwt_key_id="portal-2026-01",
        jwt_issuer="https://portal.example.org",
        jwt_private_key=private_pem,
    )
    status, shown = script.put(credential_sets=one(values))
    saved = rows(project)["default"].credentials["jwt_private_key"]
    shown["credential_sets"]["default"]["session_attribute_name"] = "Other"

    again, _ = script.put(**shown)

    row = rows(project)["default"]
    body = private_pem.splitlines()[1]
    assert (status, again) == (200, 200)
    assert shown["credential_sets"]["default"]["jwt_private_key"].startswith(MASK)
    assert body not in json.dumps([shown, script.call("GET")])
    assert body not in json.dumps(list(AuditEntry.objects.values("subject", "fields")))
    assert row.credentials["jwt_private_key"] == saved
    assert row.credentials["session_attribute_name"] == "Other"


def test_a_mask_of_another_connection_is_no_secret(script: Script) -> None:
    values = salesforce_values(
        "http://127.0.0.1:9", mode="miaw_verified", jwt_private_key="••••beef"
    )

    status, refused = script.put(credential_sets=one(values))

    at_fault = {error["path"]: error["message"] for error in refused["errors"]}
    assert status == 422
    assert "mask" in at_fault["credential_sets.default.jwt_private_key"]


@pytest.mark.parametrize("manifest", manifests(), ids=lambda found: found.key)
def test_an_empty_set_is_refused_field_by_field_as_the_form_refuses_it(
    project: Project, manifest: Any
) -> None:
    script = Script(project, vendor=manifest.integration_key)
    form = ConnectForm(manifest, stored={}, data={})
    form.is_valid()

    status, refused = script.put(credential_sets={"default": {"connection_type": manifest.key}})

    wanted = {f"credential_sets.default.{n}": t for n, t in form.cleaned.errors.items()}
    told = {error["path"]: error["message"] for error in refused["errors"]}
    assert status == 422
    assert wanted
    assert {path: told.get(path) for path in wanted} == wanted
    assert not project.integrations.exists()


@pytest.mark.parametrize("key", list(demo_vendors()))
def test_what_is_read_of_any_vendor_may_be_sent_back_and_holds_no_secret(
    project: Project, key: str
) -> None:
    vendor, manifest = demo_vendors()[key], manifest_get(key)
    script = Script(project, vendor=key)
    made = {item.name: SECRET for item in manifest.generated if item.kind.value == "secret"}
    values = {"connection_type": key, **made, **vendor.credentials("http://127.0.0.1:9")}
    name = vendor.credential_set

    status, shown = script.put(credential_sets={name: values}, save_anyway=True)
    assert status == 200, shown

    row = rows(project)[name]
    secrets = [
        row.credentials[item.name]
        for item in manifest.fields
        if item.kind.is_secret and row.credentials.get(item.name)
    ]
    assert (status, row.connector_key) == (200, key), shown
    assert not [one for one in [*secrets, SECRET] if one in json.dumps(shown)]
    before = row.credentials
    status, _ = script.put(**shown, save_anyway=True)
    row.refresh_from_db()
    fields = {item.name for item in manifest.fields} | set(made)
    assert status == 200
    assert {n: row.credentials.get(n) for n in fields} == {n: before.get(n) for n in fields}


def test_values_may_have_the_types_that_json_has(
    script: Script, project: Project, salesforce_url: str
) -> None:
    values = {
        **salesforce_values(salesforce_url),
        "routing_attributes": {"Language": "English", "Tier": 2},
    }

    _, shown = script.put(credential_sets=one(values))
    status, refused = script.put(
        credential_sets=one({**values, "routing_attributes": {"a=b": "c"}})
    )

    attributes = {"Language": "English", "Tier": "2"}
    assert shown["credential_sets"]["default"]["routing_attributes"] == attributes
    assert json.loads(rows(project)["default"].credentials["routing_attributes"]) == attributes
    assert (status, refused["errors"][0]["path"]) == (
        422,
        "credential_sets.default.routing_attributes",
    )


def test_sets_are_assigned_to_variants_and_to_the_rest(
    script: Script, project: Project, salesforce_url: str, admin: Client
) -> None:
    values = salesforce_values(salesforce_url)
    script.put(
        credential_sets={**one(values, "emea"), **one(values, "apac")},
        assignments={"__default__": "emea", "night": "apac"},
    )
    asked = payload_read({"handoff": {"text_chat": {"salesforce_integration": {}}}})
    named = payload_read(
        {"handoff": {"text_chat": {"salesforce_integration": {"credential_set": "emea"}}}}
    )

    used = [
        payload_address(project, "sandbox", payload, variant=variant).integration.credential_set
        for payload, variant in [(asked, ""), (asked, "night"), (asked, "day"), (named, "night")]
    ]

    page = admin.get(
        f"/p/{project.public_id}/integrations/sandbox/salesforce_messaging:emea/"
    ).content.decode()
    assert "for every handoff that names none" in page
    assert "for variant night" in page
    assert used == ["emea", "apac", "emea", "emea"]
    assert script.call("GET")[1]["assignments"] == {"__default__": "emea", "night": "apac"}


def test_settings_are_the_behaviour_forms_and_are_judged_by_it(
    script: Script, project: Project, salesforce_url: str
) -> None:
    document = {"credential_sets": one(salesforce_values(salesforce_url))}

    status, shown = script.put(
        **document, settings={"after_agent": "return_to_bot", "default_agent_system": True}
    )
    wrong, refused = script.put(**document, settings={"wait_timeout_seconds": 3, "typing": False})
    unknown, _ = script.put(**document, settings={"colour": "red"})
    off, disabled = script.put(**document, settings={"enabled": False})

    row = rows(project)["default"]
    assert (status, shown["settings"]["after_agent"]) == (200, "return_to_bot")
    assert (row.is_default, row.behaviour["after_agent"]) == (True, "return_to_bot")
    assert (wrong, refused["errors"][0]["path"]) == (422, "settings.wait_timeout_seconds")
    assert row.behaviour["typing"] is True
    assert (unknown, off, disabled["states"]["default"]) == (422, 200, "disabled")


def test_a_test_answers_with_checks_and_saves_no_value(
    script: Script, project: Project, salesforce_url: str
) -> None:
    good = salesforce_values(salesforce_url)
    unsaved, tried = script.call("POST", {"credential_sets": one(good)}, act="/test")
    absent, _ = script.call("POST", act="/test")
    kept = rows(project)["default"].status
    script.put(credential_sets=one(good))

    status, tested = script.call("POST", {}, act="/test")
    wrong = {"credential_sets": one({**good, "org_id": "00D8Y0000099zzz"})}
    failed = script.call("POST", wrong, act="/test")

    assert (unsaved, tried["ok"], absent, kept) == (200, True, 404, "not_connected")
    assert (status, tested["ok"]) == (200, True)
    assert [check["name"] for check in tested["checks"]] == ["reach", "token", "stream"]
    assert (failed[0], failed[1]["ok"]) == (200, False)
    assert failed[1]["checks"][1]["code"] == "not_found"
    assert rows(project)["default"].status == Status.CONNECTED


def test_the_status_is_that_of_the_tile(
    script: Script, project: Project, salesforce_url: str
) -> None:
    _, before = script.call("GET", act="/status")
    values = salesforce_values(salesforce_url, org_id="00D8Y0000099zzz")
    script.put(credential_sets=one(values), save_anyway=True)
    row = rows(project)["default"]
    factories.handoff(state=State.QUEUED, of_integration=row)

    _, broken = script.call("GET", act="/status")

    assert before == {
        "state": "not_connected",
        "last_ok_at": None,
        "last_error": None,
        "open_handoffs": 0,
    }
    assert (broken["state"], broken["open_handoffs"]) == ("needs_attention", 1)
    assert set(broken["last_error"]) == {"at", "code", "message"}


def test_deleting_twice_is_fine_and_what_handoffs_use_is_kept_until_they_end(
    script: Script, project: Project, salesforce_url: str
) -> None:
    script.put(credential_sets=one(salesforce_values(salesforce_url)))
    factories.handoff(state=State.QUEUED, of_integration=rows(project)["default"])

    answers = [script.call("DELETE")[0] for _ in range(2)]

    row = rows(project)["default"]
    assert answers == [204, 204]
    assert (row.status, bool(row.credentials)) == (Status.NOT_CONNECTED, True)
    assert script.call("GET")[0] == 404


def test_the_default_agent_system_is_not_taken_away_while_others_could_be_it(
    script: Script, project: Project, salesforce_url: str
) -> None:
    factories.integration(
        project, connector_key="five9", integration_key="five9_integration", credentials={}
    )
    document = {"credential_sets": one(salesforce_values(salesforce_url))}
    script.put(**document, settings={"default_agent_system": True})

    status, refused = script.call("DELETE")

    assert (status, refused["error_code"]) == (409, "DEFAULT_IN_USE")
    assert rows(project)["default"].status == Status.CONNECTED


def test_a_set_that_is_connected_in_another_way_is_left_alone(
    script: Script, project: Project, salesforce_url: str
) -> None:
    script.put(credential_sets=one(salesforce_values(salesforce_url)))
    values = {
        "connection_type": "salesforce_live_chat",
        "live_agent_url": "https://d.la1-c1.salesforceliveagent.com/chat",
        "org_id": factories.ORG_ID,
        "deployment_id": "572000000000001",
        "button_id": "573000000000001",
    }

    status, refused = script.put(credential_sets={"default": values}, save_anyway=True)

    assert (status, refused["error_code"]) == (409, "SET_IN_USE"), refused
    assert rows(project)["default"].connector_key == "salesforce_messaging"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"credential_sets": {}},
        {"credential_sets": {"Big Name": {}}},
        {"credential_sets": {"default": []}},
        {"credential_sets": {"default": {}}, "assignments": {"night": "apac"}},
        {"credential_sets": {"a": {}, "b": {}}},
        {"credential_sets": {"default": {}}, "colour": "red"},
        {"credential_sets": {"default": {}}, "save_anyway": "yes"},
    ],
)
def test_what_is_no_document_is_refused(script: Script, document: Any) -> None:
    status, refused = script.call("PUT", document)

    assert (status, refused["error_code"]) == (400, "INVALID_REQUEST")


def test_only_a_key_with_the_permission_and_of_the_project_gets_in(project: Project) -> None:
    for permission in set(ApiKey.Permission.values) - {"integrations"}:
        assert Script(project, permission).call("GET")[0] == 403
    foreign, own = Script(factories.project()), Script(project)
    foreign.base = own.base

    assert foreign.call("GET")[0] == 403
    assert own.call("GET", env="production")[0] == 404
    own.vendor = "pigeon_post"
    assert own.call("GET")[0] == 404


def test_the_addresses_that_the_vendor_calls_are_told(project: Project) -> None:
    vendor = demo_vendors()["genesys"]
    script = Script(project, vendor="genesys")
    values = {**vendor.credentials("http://127.0.0.1:9"), "webhook_secret": SECRET}

    missing, refused = script.put(
        credential_sets={"default": vendor.credentials("http://127.0.0.1:9")}, save_anyway=True
    )
    _, shown = script.put(credential_sets={"default": values}, save_anyway=True)

    paths = [error["path"] for error in refused["errors"]]
    assert (missing, paths) == (422, ["credential_sets.default.webhook_secret"])
    assert shown["webhook_urls"]["events"].endswith(
        f"/{project.workspace.public_id}/{project.public_id}/sandbox/events"
    )
