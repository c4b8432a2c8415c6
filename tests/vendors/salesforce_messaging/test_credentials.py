"""What an admin may paste, what becomes of it, and what is said about the rest."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from integrations.contract.registry import connector_class, manifest_get
from integrations.http.url_guard import url_problem

CONNECTOR = connector_class("salesforce_messaging")
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> str:
    return RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verified(**changes: str) -> dict[str, str]:
    return {
        "mode": "miaw_verified",
        "scrt_url": "https://birchline.my.salesforce-scrt.com",
        "jwt_key_id": "portal-2026-01",
        "jwt_issuer": "https://portal.example.org",
        "jwt_private_key": pem(),
        **changes,
    }


def normalised(**values: str) -> tuple[dict[str, str], str]:
    kept, notices = CONNECTOR.normalise(values)
    return kept, " ".join(notices)


@pytest.mark.parametrize(
    ("typed", "kept", "said"),
    [
        ("https://birchline.my.salesforce-scrt.com", None, ""),
        ("https://birchline.my.salesforce-scrt.com/", None, ""),
        ("https://Birchline.my.salesforce.com", None, "messaging host"),
        ("https://birchline.my.salesforce-scrt.com/path?x=1", None, "behind the host"),
        (
            "https://birchline--uat.sandbox.my.salesforce.com",
            "https://birchline--uat.sandbox.my.salesforce-scrt.com",
            "messaging host",
        ),
        ("birchline", "birchline", ""),
        ("https://[", "https://[", ""),
        ("http://127.0.0.1:8790/", "http://127.0.0.1:8790", ""),
    ],
)
def test_address_is_converted_and_the_admin_is_told(typed: str, kept: str | None, said: str):
    values, notices = normalised(scrt_url=typed)

    assert values["scrt_url"] == (kept or "https://birchline.my.salesforce-scrt.com")
    assert (said in notices) if said else not notices


def test_organization_id_is_cut_to_fifteen_characters():
    values, notices = normalised(org_id="00D8Y0000012abcUAA")

    assert values["org_id"] == "00D8Y0000012abc"
    assert "15 characters" in notices


def test_misspelt_host_is_refused_with_the_right_spelling():
    errors = CONNECTOR.clean_credentials(
        {"mode": "miaw", "scrt_url": "https://birchline.my.salesforce-srct.com"}
    )

    assert "salesforce-scrt" in errors["scrt_url"]


def test_path_is_refused_where_nothing_removed_it():
    errors = CONNECTOR.clean_credentials(
        {"mode": "miaw", "scrt_url": "https://birchline.my.salesforce-scrt.com/x"}
    )

    assert "without a path" in errors["scrt_url"]


def test_suffix_in_the_manifest_keeps_other_hosts_out():
    [field] = [f for f in manifest_get("salesforce_messaging").fields if f.name == "scrt_url"]

    assert url_problem("https://evil.example", host_suffix=field.url_host_suffix)
    assert (
        url_problem("http://127.0.0.1:1", host_suffix=field.url_host_suffix, allow_local=True)
        is None
    )


def test_fields_of_user_verification_are_needed_for_user_verification_only():
    anonymous = CONNECTOR.clean_credentials(
        {"mode": "miaw", "scrt_url": "https://birchline.my.salesforce-scrt.com"}
    )
    empty = CONNECTOR.clean_credentials(verified(jwt_key_id="", jwt_issuer=" ", jwt_private_key=""))

    assert anonymous == {}
    assert set(empty) == {"jwt_key_id", "jwt_issuer", "jwt_private_key"}


def test_pasted_key_is_mended_and_one_that_cannot_sign_is_refused_at_its_field():
    values, notices = normalised(jwt_private_key=pem().replace("\n", "\\n"))
    errors = CONNECTOR.clean_credentials(verified(jwt_private_key=pem()[30:]))

    assert values["jwt_private_key"] == pem()
    assert "line ends" in notices
    assert "first line" in errors["jwt_private_key"]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ("Order_Ref", "no pairs"),
        ('["a"]', "no pairs"),
        ("{" + ",".join(f'"a{n}": 1' for n in range(51)) + "}", "51"),
        ('{"' + "n" * 65 + '": "1"}', "64 characters"),
        ('{"": "1"}', "empty"),
    ],
)
def test_routing_attributes_have_limits(pairs: str, said: str):
    errors = CONNECTOR.clean_credentials(
        {"mode": "miaw", "scrt_url": "", "routing_attributes": pairs}
    )

    assert said in errors["routing_attributes"]
