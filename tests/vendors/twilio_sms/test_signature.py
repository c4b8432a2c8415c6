"""The signature: the contract's vectors, Twilio's own library as a judge, and what is refused."""

from __future__ import annotations

import hashlib

import pytest

from integrations.contract.errors import WebhookVerificationError
from integrations.vendors.twilio_sms.mapping.signature import require_true
from tests.vendors.twilio_sms.signed import AUTH_TOKEN, FORM_TYPE, body, inbound, signature

URL = "https://portal.example.test/channels/sms/acme/inbound"
FORM = inbound("Hi é + & = 100%")
del FORM["SmsMessageSid"]
FORM["SmsMessageSid"] = FORM["MessageSid"]


def judged(given: str, *, url: str = URL, form: dict | None = None, **changes) -> None:
    headers = {"x-twilio-signature": given, "content-type": FORM_TYPE}
    headers |= changes.pop("headers", {})
    call = {
        "url": url,
        "method": "POST",
        "headers": headers,
        "body": body(FORM if form is None else form),
        "auth_tokens": (AUTH_TOKEN, ""),
        "shared_key": "",
    }
    require_true(**{**call, **changes})


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (FORM, "4E1Qbo1fXGgM8UAUFlM6ml2bCaM="),
        (FORM, "/PFWgizctp+chq7+n3PIbbZHkwo="),  # with :443 written out
        ({**FORM, "Body": ""}, "PRBVJdxCVxL2v6JBFAjZk/MYRdM="),
    ],
)
def test_the_vectors_of_the_contract_are_true(form: dict, expected: str) -> None:
    judged(expected, form=form)


def test_a_shared_key_signs_with_the_algorithm_that_its_header_names() -> None:
    given = "FQPFBHijj+cWhhNMGEiGxmmEfD9XdBpWbLtjhsplHBU="
    name = "x-twilio-webhooks-signature-settings"
    named = {name: "key=SK1,algorithm=HMAC_SHA256"}

    judged(given, headers=named, shared_key=AUTH_TOKEN)

    for headers, shared_key in [
        (named, ""),
        (named, "another-key"),
        ({}, AUTH_TOKEN),
        ({name: "key=SK1,algorithm=HMAC_MD5"}, AUTH_TOKEN),
        ({name: "nonsense"}, AUTH_TOKEN),
    ]:
        with pytest.raises(WebhookVerificationError):
            judged(given, headers=headers, shared_key=shared_key)


def test_a_json_body_is_the_one_whose_digest_the_address_bears() -> None:
    raw = b'{"a": 1}'
    url = f"{URL}?bodySHA256={hashlib.sha256(raw).hexdigest()}"
    given = "TJWzVeUpulAbh5B/XbOobwsx5ZU="
    headers = {"content-type": "application/json"}

    judged(given, url=url, body=raw, headers=headers)

    with pytest.raises(WebhookVerificationError):
        judged(given, url=url, body=b'{"a": 2}', headers=headers)


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example.test:8443/in?x=1&y=%C3%A9",
        "http://127.0.0.1:8000/in",
        "https://portal.example.test/in/%7Eplain?text=a+b",
        "https://[2001:db8::1]/in",
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        inbound("Hello", FutureParam="1"),
        inbound("  blanks  ", FromCity="", FromZip=""),
        {**inbound("twice"), "Tag": ["b", "a", "a"]},
        {},
    ],
)
def test_what_twilios_library_signs_is_true(url: str, form: dict) -> None:
    judged(signature(url, form), url=url, form=form)


def test_a_get_signs_its_address_alone() -> None:
    url = f"{URL}?MessageSid=SM1&Body=Hi"

    judged(signature(url, {}), url=url, method="GET", body=b"")


@pytest.mark.parametrize(
    "changes",
    [
        {"url": URL.replace("https", "http")},
        {"url": URL + "?a=1"},
        {"form": {**FORM, "Body": "Hi"}},
        {"form": {**FORM, "More": ""}},
        {"auth_tokens": ("another-token-of-32-characters-xx",)},
        {"auth_tokens": ("", "")},
    ],
)
def test_anything_else_is_refused(changes: dict) -> None:
    with pytest.raises(WebhookVerificationError):
        judged(signature(URL, FORM), **changes)


def test_while_the_token_is_changed_both_are_good() -> None:
    judged(
        signature(URL, FORM, "second-token-0123456789"),
        auth_tokens=(AUTH_TOKEN, "second-token-0123456789"),
    )
