"""What an admin pastes: an address with too much behind it, a private key that copying broke."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_MIN_KEY_BITS = 2048
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.S)
_PEM_LINE = 64


def split_address(url: str) -> SplitResult:
    """Take an address apart; one that is none has no parts, and the URL guard says why."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def joined_address(base: str, link: str) -> str:
    """Return where a link of a page leads; one that is none stays as it is."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def bare_address(url: str) -> tuple[str, list[str]]:
    """Cut an address behind its host, with a sentence about it; what is no address stays."""
    parts = split_address(url)
    if not parts.scheme or not parts.netloc:
        return url, []
    is_cut = bool(parts.path.strip("/") or parts.query or parts.fragment)
    notices = ["Everything behind the host was removed from the address."] if is_cut else []
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}", notices


def mended_key(key: str) -> tuple[str, list[str]]:
    """Undo what copying does to a PEM: line ends written out, carriage returns, outer blanks."""
    written_out = "\\n" in key
    key = key.replace("\\r", "").replace("\\n", "\n") if written_out else key
    lines = [line.strip() for line in key.strip().splitlines()]
    notices = ["The written-out \\n of the private key became line ends."] if written_out else []
    return "\n".join(line for line in lines if line) + "\n", notices


def mended_pem(text: str) -> str:
    """Return the private key, or else the first block, of whatever PEM stands in a text.

    What tools write around it goes (Bag Attributes, certificates, a file's indentation), and line
    ends that became blanks, or were written out, come back. Any other text stays as it is.
    """
    blocks = list(_PEM.finditer(text.replace("\\r", "").replace("\\n", "\n")))
    if not blocks:
        return text
    block = next((one for one in blocks if "PRIVATE KEY" in one[1]), blocks[0])
    kind, body = block[1], block[2].strip().strip("\"'")
    if ":" not in body:  # a passphrase's headers stand on lines of their own
        packed = re.sub(r"[\s\"'\\,]+", "", body)
        cut = range(0, len(packed), _PEM_LINE)
        body = "\n".join(packed[start : start + _PEM_LINE] for start in cut)
    lines = [line.strip() for line in body.splitlines()]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])


def key_error(key: str) -> str:
    """Say why this is no RSA key that can sign; the sentence never quotes the key."""
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
