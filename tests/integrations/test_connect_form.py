"""The Connect form: what is trimmed, converted, refused, and how it says so."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from integrations.connect.forms import ConnectForm
from integrations.contract.registry import manifest_get
from integrations.credentials.cleaning import CleanedCredentials, credentials_clean, mask

SALESFORCE = manifest_get("salesforce_messaging")
URL = "https://birchline.my.salesforce-scrt.com"
GOOD = {
    "mode": "miaw",
    "org_id": "00D8Y0000012abc",
    "scrt_url": URL,
    "es_developer_name": "Portal_Handoff",
}


def clean(stored: dict[str, str] | None = None, **changes: str) -> CleanedCredentials:
    return credentials_clean(SALESFORCE, {**GOOD, **changes}, stored=stored or {})


def verified(pem: str, **changes: str) -> dict[str, str]:
    return {
        "mode": "miaw_verified",
        "jwt_key_id": "portal-2026-01",
        "jwt_issuer": "https://portal.example.org",
        "jwt_private_key": pem,
        **changes,
    }


def test_three_values_from_the_code_snippet_are_enough() -> None:
    cleaned = clean()

    assert cleaned.errors == {}
    assert cleaned.notices == ()
    assert cleaned.values["session_attribute_name"] == "PortalSessionId"


@pytest.mark.parametrize("name", ["org_id", "scrt_url", "es_developer_name"])
def test_each_required_field_left_out_is_named_with_an_example(name: str) -> None:
    cleaned = clean(**{name: "  "})

    assert list(cleaned.errors) == [name]
    assert "is missing. For example:" in cleaned.errors[name]


@pytest.mark.parametrize("name", ["jwt_key_id", "jwt_issuer", "jwt_private_key"])
def test_user_verification_needs_its_fields(name: str, private_pem: str) -> None:
    missing = clean(**verified(private_pem, **{name: ""}))
    whole = clean(**verified(private_pem))

    assert list(missing.errors) == [name]
    assert whole.errors == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("org_id", "00E8Y0000012abc"),
        ("org_id", "00D8Y0000012ab"),
        ("scrt_url", "http://birchline.my.salesforce-scrt.com"),
        ("scrt_url", "https://birchline.example.com"),
        ("scrt_url", "https://admin:pw@birchline.my.salesforce-scrt.com"),
        ("scrt_url", "https://birchline.my.salesforce-scrt.com:8443"),
        ("scrt_url", "https://10.0.0.7"),
        ("es_developer_name", "9_Handoff"),
        ("es_developer_name", "Portal Handoff"),
        ("session_attribute_name", "a b"),
        ("routing_attributes", "no equals sign"),
        ("routing_attributes", "Order = 1\nOrder = 2"),
        ("routing_attributes", "\n".join(f"k{n} = v" for n in range(51))),
        ("routing_attributes", f"{'k' * 65} = v"),
        ("routing_attributes", f"k = {'v' * 1025}"),
    ],
)
def test_a_malformed_value_is_refused_at_its_field(name: str, value: str) -> None:
    cleaned = clean(**{name: value})

    assert list(cleaned.errors) == [name]
    assert name not in cleaned.values


@pytest.mark.parametrize(
    ("name", "value"), [("jwt_ttl_seconds", "59"), ("jwt_ttl_seconds", "5.5"), ("jwt_alg", "HS256")]
)
def test_limits_of_a_verified_identity_are_kept(name: str, value: str, private_pem: str) -> None:
    cleaned = clean(**verified(private_pem, **{name: value}))

    assert list(cleaned.errors) == [name]


def test_the_misspelt_host_of_the_guides_is_refused_with_the_right_spelling() -> None:
    cleaned = clean(scrt_url="https://birchline.my.salesforce-srct.com")

    assert "salesforce-scrt" in cleaned.errors["scrt_url"]


def test_a_my_domain_address_becomes_the_messaging_host() -> None:
    cleaned = clean(scrt_url="birchline.my.salesforce.com/lightning/setup")

    assert cleaned.errors == {}
    assert cleaned.values["scrt_url"] == URL
    assert any("birchline.my.salesforce-scrt.com" in notice for notice in cleaned.notices)


def test_blanks_and_zero_width_characters_are_removed_with_a_notice() -> None:
    cleaned = clean(es_developer_name="\u200b Portal_Handoff\ufeff ")

    assert cleaned.values["es_developer_name"] == "Portal_Handoff"
    assert cleaned.notices == ("Developer Name: blanks around the value were removed.",)


def test_pairs_are_kept_as_json_and_shown_as_lines() -> None:
    cleaned = clean(routing_attributes="Order_Ref = BL-20931\n\nTier=gold = best")
    form = ConnectForm(SALESFORCE, stored=dict(cleaned.values))

    assert json.loads(cleaned.values["routing_attributes"]) == {
        "Order_Ref": "BL-20931",
        "Tier": "gold = best",
    }
    assert form.initial["routing_attributes"] == "Order_Ref = BL-20931\nTier = gold = best"


def test_a_simulator_is_refused_unless_the_setting_is_on(settings) -> None:
    settings.ALLOW_LOCAL_VENDORS = False
    refused = clean(scrt_url="http://127.0.0.1:8790")

    settings.ALLOW_LOCAL_VENDORS = True
    accepted = clean(scrt_url="http://127.0.0.1:8790")

    assert list(refused.errors) == ["scrt_url"]
    assert accepted.errors == {}


def test_the_mask_keeps_the_secret_and_anything_else_replaces_it(private_pem: str) -> None:
    stored = verified(private_pem)

    kept = clean(stored=stored, **verified(mask(private_pem)))
    changed = clean(stored=stored, **verified("••••"))

    assert kept.values["jwt_private_key"] == private_pem
    assert list(changed.errors) == ["jwt_private_key"]


def test_a_key_with_written_out_line_ends_is_put_right(private_pem: str) -> None:
    cleaned = clean(**verified(private_pem.strip().replace("\n", "\\n")))

    assert cleaned.errors == {}
    assert cleaned.values["jwt_private_key"] == private_pem


def test_a_key_without_its_frame_is_refused_by_the_missing_line(private_pem: str) -> None:
    lines = private_pem.strip().splitlines()

    without_begin = clean(**verified("\n".join(lines[1:])))
    without_end = clean(**verified("\n".join(lines[:-1])))

    assert "BEGIN" in without_begin.errors["jwt_private_key"]
    assert "END" in without_end.errors["jwt_private_key"]


def test_weak_encrypted_and_public_keys_are_refused() -> None:
    weak = generate_private_key(public_exponent=65537, key_size=1024)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(b"passphrase")
    public = weak.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    bad = [
        weak.private_bytes(pem, pkcs8, serialization.NoEncryption()),
        weak.private_bytes(pem, pkcs8, locked),
        public,
    ]

    errors = [clean(**verified(key.decode())).errors for key in bad]

    assert [list(error) for error in errors] == [["jwt_private_key"]] * 3


def test_no_error_repeats_a_secret() -> None:
    cleaned = clean(**verified("-----BEGIN PRIVATE KEY-----\nhunter2hunter2\n"))

    assert "hunter2" not in json.dumps([dict(cleaned.errors), cleaned.notices])
    assert "hunter2" not in repr(cleaned)


def test_fields_of_another_connection_type_are_neither_required_nor_kept(private_pem: str) -> None:
    cleaned = clean(**{**verified(private_pem), "mode": "miaw"})

    assert cleaned.errors == {}
    assert not [name for name in cleaned.values if name.startswith("jwt_")]


def test_every_field_says_where_to_find_its_value() -> None:
    form = ConnectForm(SALESFORCE, stored={})

    assert [name for name, field in form.fields.items() if not field.help_text] == []
