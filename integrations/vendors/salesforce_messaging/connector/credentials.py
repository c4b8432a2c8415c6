"""The rules for Salesforce's credentials that a single field's pattern cannot express."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from integrations.vendors.salesforce_messaging.manifest import MANIFEST, VERIFIED
from integrations.vendors.salesforce_messaging.mapping.start import (
    MAX_ATTRIBUTE_NAME,
    MAX_ATTRIBUTE_VALUE,
    MAX_ATTRIBUTES,
    read_pairs,
)

SCRT_SUFFIX = ".my.salesforce-scrt.com"
_MY_DOMAIN_SUFFIX = ".my.salesforce.com"
_MISSPELT = "salesforce-srct"
_MIN_KEY_BITS = 2048


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept = dict(values)
    notices: list[str] = []
    if len(org_id := kept.get("org_id", "").strip()) == 18:
        kept["org_id"] = org_id[:15]
        notices.append("The organization ID was cut to its first 15 characters, the API's form.")
    if url := kept.get("scrt_url", "").strip():
        kept["scrt_url"], changes = _normalised_url(url)
        notices += changes
    if key := kept.get("jwt_private_key", ""):
        kept["jwt_private_key"], changes = _normalised_key(key)
        notices += changes
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name."""
    errors = {
        "scrt_url": _url_error(values.get("scrt_url", "")),
        "routing_attributes": _pairs_error(values.get("routing_attributes", "")),
    }
    if values.get("mode") == VERIFIED:
        for field in MANIFEST.fields:
            if VERIFIED in field.required_for_modes and not values.get(field.name, "").strip():
                errors[field.name] = f"{field.label} is missing. User verification needs it."
        if key := values.get("jwt_private_key", "").strip():
            errors["jwt_private_key"] = _key_error(key)
    return {name: error for name, error in errors.items() if error}


def _normalised_url(url: str) -> tuple[str, list[str]]:
    parts = _split(url)
    if not parts.scheme or not parts.netloc:
        return url, []
    host, notices = parts.netloc.lower(), []
    if host.endswith(_MY_DOMAIN_SUFFIX):
        host = host.removesuffix(_MY_DOMAIN_SUFFIX) + SCRT_SUFFIX
        notices.append(f"The address was changed to the messaging host, {host}.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        notices.append("Everything behind the host was removed from the address.")
    return f"{parts.scheme.lower()}://{host}", notices


def _url_error(url: str) -> str:
    if _MISSPELT in url.lower():
        return (
            "The host is misspelt: it says salesforce-srct. "
            "Write salesforce-scrt, as in https://birchline.my.salesforce-scrt.com."
        )
    parts = _split(url)
    if parts.path or parts.query or parts.fragment:
        return "The address has something behind the host. Enter it without a path."
    return ""


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")  # the URL guard says what is wrong with it


def _pairs_error(text: str) -> str:
    try:
        pairs = read_pairs(text)
    except ValueError:
        return 'The routing attributes are no pairs. Enter them as {"Order_Ref": "BL-20931"}.'
    if len(pairs) > MAX_ATTRIBUTES:
        return f"There are {len(pairs)} routing attributes. Keep {MAX_ATTRIBUTES} at most."
    for name, value in pairs.items():
        if not name or len(name) > MAX_ATTRIBUTE_NAME:
            return f"A name is empty or longer than {MAX_ATTRIBUTE_NAME} characters. Shorten it."
        if len(value) > MAX_ATTRIBUTE_VALUE:
            return f"{name} is longer than {MAX_ATTRIBUTE_VALUE} characters. Shorten its value."
    return ""


def _normalised_key(key: str) -> tuple[str, list[str]]:
    """Undo what copying does to a PEM: line ends written out, carriage returns, outer blanks."""
    written_out = "\\n" in key
    key = key.replace("\\r", "").replace("\\n", "\n") if written_out else key
    lines = [line.strip() for line in key.strip().splitlines()]
    notices = ["The written-out \\n of the private key became line ends."] if written_out else []
    return "\n".join(line for line in lines if line) + "\n", notices


def _key_error(key: str) -> str:
    lines = key.strip().splitlines()
    if not lines[0].startswith("-----BEGIN "):
        return "The private key lacks its first line, -----BEGIN PRIVATE KEY-----."
    if not lines[-1].startswith("-----END "):
        return "The private key lacks its last line, -----END PRIVATE KEY-----."
    if "ENCRYPTED" in key:
        return "The private key is encrypted. Remove its passphrase with openssl pkey first."
    try:
        parsed = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return (
            "The private key cannot be read. Copy the whole PEM file, RSA with 2048 bits or more."
        )
    if not isinstance(parsed, RSAPrivateKey):
        return "The private key is not an RSA key. Make one with 2048 bits or more."
    if parsed.key_size < _MIN_KEY_BITS:
        return f"The private key has {parsed.key_size} bits. Make one with 2048 bits or more."
    return ""
