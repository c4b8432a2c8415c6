"""Judges a call as Twilio signs it: over the address to the letter, and the sorted parameters."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from integrations.contract.errors import WebhookVerificationError

HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"
_FORM = "application/x-www-form-urlencoded"
_AUTH_TOKEN_DIGEST = "HMAC_SHA1"  # noqa: S105 - the name of an algorithm
_DIGESTS = {_AUTH_TOKEN_DIGEST: hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_PORTS = {"https": 443, "http": 80}
# Of a query, beside letters, digits and -._~: what a browser's URL leaves as it is (an apostrophe
# is not among it), and what Node's querystring does.
_KEPT_BY_BROWSERS, _KEPT_BY_NODE = "%!$&()*+,/:;=?@[]\\^`{|}", "!*'()"
Pairs = Sequence[tuple[str, str]]


def form_pairs(method: str, headers: Mapping[str, str], body: bytes) -> Pairs:
    """Return the parameters of a form that was posted; those of an address belong to it."""
    if method != "POST" or not _is_form(headers):
        return ()
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def require_true(
    *,
    url: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    auth_tokens: Collection[str],
    shared_key: str,
) -> None:
    """Raise WebhookVerificationError unless the account has signed the call.

    A header names a shared key and its algorithm; without it an auth token has signed. Twilio
    writes the usual port into the address or leaves it out, and may have escaped what stands in
    its query: each is good, as it is to Twilio's own libraries.
    """
    keys, digest = _key_named(headers.get(SETTINGS_HEADER, ""), auth_tokens, shared_key)
    pairs = form_pairs(method, headers, body)
    given = headers.get(HEADER, "").strip()
    expected = [
        signature(key, address, pairs, digest) for key in keys if key for address in addresses(url)
    ]
    # Each of them is compared: the time must not tell which one came close.
    fits = [hmac.compare_digest(given.encode(), one.encode()) for one in expected]
    if not any(fits) or not _fits_body(url, method, headers, body):
        raise WebhookVerificationError("webhook: the signature does not fit")


def signature(key: str, url: str, pairs: Pairs, digest: str = _AUTH_TOKEN_DIGEST) -> str:
    """Return the signature of an address and of what was posted there."""
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    posted = "".join(name + one for name in sorted(values) for one in sorted(values[name]))
    signed = (url + posted).encode("utf-8", "replace")
    return base64.b64encode(hmac.new(key.encode(), signed, _DIGESTS[digest]).digest()).decode()


def addresses(url: str) -> list[str]:
    """Return each way in which an address may have been written when it was signed."""
    found = (one for written in _queries(url) for one in _with_and_without_port(written))
    return list(dict.fromkeys(found))


def _queries(url: str) -> tuple[str, str, str]:
    """Return an address as it came, with its query escaped as browsers do, and as Node does."""
    bare, mark, query = url.partition("?")
    if not query:
        return url, url, url
    escaped = quote(query, safe=_KEPT_BY_BROWSERS)
    pairs = parse_qsl(escaped, keep_blank_values=True)
    node = urlencode(pairs, quote_via=quote, safe=_KEPT_BY_NODE)
    return url, f"{bare}{mark}{escaped}", f"{bare}{mark}{node}"


def _with_and_without_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 80)
    except ValueError:  # no number, or one too large: nobody has signed it
        return url, url
    bare = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    return urlunsplit(parts._replace(netloc=bare)), urlunsplit(
        parts._replace(netloc=f"{bare}:{port}")
    )


def _key_named(
    settings: str, auth_tokens: Collection[str], shared_key: str
) -> tuple[Collection[str], str]:
    if not settings:
        return auth_tokens, _AUTH_TOKEN_DIGEST
    named = dict(part.strip().partition("=")[::2] for part in settings.split(","))
    algorithm = named.get("algorithm", "").upper()
    if algorithm not in _DIGESTS or not shared_key:
        raise WebhookVerificationError("webhook: signed in a way that is not set up here")
    return (shared_key,), algorithm


def _fits_body(url: str, method: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether a body that is no form is the one whose digest the signed address bears."""
    if method != "POST" or _is_form(headers):
        return True
    told = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(told.lower().encode(), hashlib.sha256(body).hexdigest().encode())


def _is_form(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", _FORM).partition(";")[0].strip().lower() == _FORM
