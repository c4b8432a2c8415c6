"""Calls as Twilio makes them, signed by Twilio's own library."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from twilio.request_validator import RequestValidator

ACCOUNT_SID = "AC" + "b" * 32
AUTH_TOKEN = "portal-example-auth-token"
OURS, THEIRS = "+15550100199", "+15550100101"
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


def inbound(text: str, sid: str = "SM" + "a" * 32, **changes: str) -> dict[str, str]:
    """The parameters of a text that comes in, as the contract's own example has them."""
    return {
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "Body": text,
        "From": THEIRS,
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "To": OURS,
        "ToCountry": "US",
        **changes,
    }


def signature(url: str, form: dict[str, Any], key: str = AUTH_TOKEN) -> str:
    """What Twilio's library puts into the header."""
    posted = QueryDict(body(form).decode())
    return str(RequestValidator(key).compute_signature(url, posted))


def body(form: dict[str, Any]) -> bytes:
    """The form as it is posted."""
    return urlencode(form, doseq=True).encode()
