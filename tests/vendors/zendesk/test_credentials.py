"""What an admin may paste, what becomes of it, and what is said about the rest."""

from __future__ import annotations

import pytest
from django.test import override_settings

from integrations.contract.manifest import GeneratedKind
from integrations.contract.registry import connector_class, manifest_get
from integrations.credentials.cleaning import credentials_clean
from integrations.vendors.zendesk.connector.credentials import api_base_url, support_base_url

CONNECTOR = connector_class("zendesk")
MANIFEST = manifest_get("zendesk")
GOOD = {
    "subdomain": "brightside",
    "app_id": "aa11bb22cc33dd44ee55ff66",
    "integration_id": "bb11cc22dd33ee44ff55aa66",
    "webhook_id": "dd11ee22ff33aa44bb55cc66",
    "shared_secret": "shared-secret-0001",
    "key_id": "app_cc11dd22ee33ff44aa55bb66",
    "key_secret": "s3cr3t",
    "status_webhook_secret": "status-key-000001",
}


def cleaned(**changes: str):
    return credentials_clean(MANIFEST, {**GOOD, **changes}, stored={})


def test_good_values_are_kept_with_their_defaults():
    found = cleaned()

    assert found.errors == {}
    assert found.notices == ()
    assert found.values["switchboard_integration_name"] == "next"
    assert found.values["conversation_type"] == "multiple"
    assert found.values["status_webhook_header"] == "X-API-Key"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_required_field_is_asked_for_by_name(name: str):
    found = cleaned(**{name: ""})

    label = next(field.label for field in MANIFEST.fields if field.name == name)
    assert list(found.errors) == [name]
    assert label in found.errors[name]


@pytest.mark.parametrize("name", ["key_id", "key_secret"])
def test_missing_key_pair_is_explained(name: str):
    error = cleaned(**{name: ""}).errors[name]

    assert "none of them lets the portal call Zendesk" in error
    assert "Create an API key" in error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_id", "aa11"),
        ("integration_id", "BB11CC22DD33EE44FF55AA66"),
        ("webhook_id", "dd11ee22ff33aa44bb55cc6z"),
        ("shared_secret", "short"),
        ("status_webhook_secret", "short"),
        ("subdomain", "-brightside"),
        ("status_webhook_header", "X API Key"),
        ("summary_field_id", "summary"),
        ("conversation_type", "both"),
        ("support_email", "robin"),
        ("base_url_override", "https://elsewhere.example.com"),
        ("base_url_override", "http://api.smooch.io"),
        ("base_url_override", "https://zendesk.com.example.org/sc"),
    ],
)
def test_wrong_value_is_refused_at_its_field_and_a_right_one_then_accepted(name: str, value: str):
    found = cleaned(**{name: value})

    assert name in found.errors
    assert value not in found.values.values()
    assert cleaned().errors == {}


def test_secret_is_never_repeated_in_an_error():
    assert "hunter2" not in " ".join(cleaned(shared_secret="hunter2").errors.values())


@pytest.mark.parametrize(
    "typed",
    ["https://brightside.zendesk.com/agent", "Brightside", "brightside.zendesk.com", "brightside"],
)
def test_address_is_cut_to_the_subdomain(typed: str):
    found = cleaned(subdomain=typed)

    assert found.values["subdomain"] == "brightside"
    assert bool(found.notices) == (typed != "brightside")


def test_unusual_key_is_kept_with_a_remark():
    found = cleaned(key_id="legacy-key")

    assert found.values["key_id"] == "legacy-key"
    assert "does not look like" in " ".join(found.notices)
    assert cleaned(key_id="int_cc11dd22ee33ff44aa55bb66").notices == ()


@pytest.mark.parametrize(
    ("given", "missing"),
    [("support_email", "support_api_token"), ("support_api_token", "support_email")],
)
def test_api_user_and_token_go_together(given: str, missing: str):
    found = cleaned(**{given: "robin@example.org"})

    assert list(found.errors) == [missing]


@pytest.mark.parametrize("is_allowed", [True, False])
def test_address_of_this_machine_needs_the_deployments_consent(is_allowed: bool):
    with override_settings(ALLOW_LOCAL_VENDORS=is_allowed):
        found = cleaned(base_url_override="http://127.0.0.1:8791/sc")

    assert ("base_url_override" in found.errors) is not is_allowed


@pytest.mark.parametrize(
    ("override", "api", "support"),
    [
        ("", "https://brightside.zendesk.com/sc", "https://brightside.zendesk.com"),
        ("https://api.smooch.io/", "https://api.smooch.io", "https://brightside.zendesk.com"),
        ("http://127.0.0.1:8791/sc", "http://127.0.0.1:8791/sc", "http://127.0.0.1:8791"),
        (
            "https://other.zendesk.com/sc",
            "https://other.zendesk.com/sc",
            "https://other.zendesk.com",
        ),
        ("https://[", "https://[", "https://brightside.zendesk.com"),
    ],
)
def test_both_apis_are_found_from_subdomain_and_override(override: str, api: str, support: str):
    credentials = {**GOOD, "base_url_override": override}

    assert api_base_url(credentials) == api
    assert support_base_url(credentials) == support


def test_override_loses_the_version_that_the_api_adds():
    kept, _ = CONNECTOR.normalise({"base_url_override": "https://api.smooch.io/v2/"})

    assert kept["base_url_override"] == "https://api.smooch.io"


def test_generated_values_are_two_addresses_and_the_secret_of_the_second():
    kinds = {value.name: value.kind for value in MANIFEST.generated}

    assert kinds == {
        "events": GeneratedKind.WEBHOOK_URL,
        "status": GeneratedKind.WEBHOOK_URL,
        "status_webhook_secret": GeneratedKind.SECRET,
    }


def test_every_code_a_check_may_end_with_has_its_help():
    codes = {
        "access": (
            "dns",
            "tls",
            "timeout",
            "invalid_auth",
            "missing_permission",
            "invalid_routing",
            "rate_limited",
        ),
        "webhook": ("invalid_routing", "wrong_type", "disabled"),
        "integration": (
            "invalid_auth",
            "missing_permission",
            "invalid_routing",
            "wrong_type",
            "disabled",
            "timeout",
        ),
        "switchboard": (
            "missing_permission",
            "invalid_routing",
            "wrong_type",
            "disabled",
            "timeout",
        ),
        "support": (
            "dns",
            "invalid_auth",
            "missing_permission",
            "invalid_routing",
            "timeout",
            "unknown",
        ),
    }

    for check, named in codes.items():
        for code in named:
            assert MANIFEST.help_for(check, code), (check, code)
