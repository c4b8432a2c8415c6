"""What an admin pastes, what becomes of it, and what is said about the rest."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from integrations.contract.errors import InvalidAuthError
from integrations.kit.pasted import (
    bare_address,
    joined_address,
    key_error,
    mended_key,
    split_address,
)
from integrations.kit.signatures import signed_jwt

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(
    key: object = RSA_KEY,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


@pytest.mark.parametrize(
    ("typed", "bare", "is_told"),
    [
        ("https://Shop.example.org/", "https://shop.example.org", False),
        ("https://shop.example.org/path?x=1#y", "https://shop.example.org", True),
        ("http://127.0.0.1:8790/", "http://127.0.0.1:8790", False),
        ("shop", "shop", False),
        ("https://[", "https://[", False),
    ],
)
def test_address_is_cut_behind_its_host(typed: str, bare: str, is_told: bool):
    found, notices = bare_address(typed)

    assert found == bare
    assert bool(notices) is is_told


def test_address_that_cannot_be_taken_apart_has_no_parts():
    assert not any(split_address("https://["))
    assert joined_address("https://shop.example/a", "//[x/b") == "//[x/b"
    assert joined_address("https://shop.example/a", "/b") == "https://shop.example/b"


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_both_kinds_of_pem_are_accepted(form: PrivateFormat):
    assert key_error(pem(form=form)) == ""


def test_pem_with_written_out_line_ends_is_mended():
    mended, [notice] = mended_key(f"  {pem()} ".replace("\n", "\\r\\n"))

    assert mended == pem()
    assert "line ends" in notice


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("\n".join(pem().splitlines()[1:]), "first line"),
        ("\n".join(pem().splitlines()[:-1]), "last line"),
        (pem(encryption=BestAvailableEncryption(b"x")), "encrypted"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "1024 bits"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read"),
    ],
)
def test_unusable_key_is_refused_with_the_reason_and_without_the_key(key: str, said: str):
    error = key_error(key)

    assert said in error
    assert pem().splitlines()[3] not in error


def test_claims_are_signed_with_their_key_id_and_are_good_for_as_long_as_asked():
    token = signed_jwt({"iss": "us", "aud": "them"}, pem(), seconds=180, key_id="k-1")

    claims = jwt.decode(token, RSA_KEY.public_key(), algorithms=["RS256"], audience="them")
    assert claims["exp"] - claims["iat"] == 180
    assert jwt.get_unverified_header(token)["kid"] == "k-1"


def test_key_that_cannot_sign_is_blamed_at_its_field_and_not_quoted():
    with pytest.raises(InvalidAuthError) as raised:
        signed_jwt({"iss": "us"}, "no key", seconds=60, field="private_key")

    assert raised.value.field == "private_key"
    assert "no key" not in str(raised.value)
