"""RSA key pairs for an admin: made here, and their public half shown in both usual forms."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

_BITS = 2048


def private_key_generate() -> str:
    """Make an RSA 2048 key and return it as PKCS#8 PEM."""
    key = generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(private_pem: str) -> str:
    """Return the public half as PEM; raises ValueError for what is no RSA key."""
    public = _load(private_pem).public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def public_jwk(private_pem: str, *, key_id: str, algorithm: str) -> str:
    """Return the public half as an indented JSON Web Key."""
    public = json.loads(RSAAlgorithm.to_jwk(_load(private_pem).public_key()))
    jwk = {
        "kty": "RSA",
        "kid": key_id,
        "use": "sig",
        "alg": algorithm,
        "n": public["n"],
        "e": public["e"],
    }
    return json.dumps(jwk, indent=2)


def key_id_suggestion(private_pem: str) -> str:
    """Return a short name for a key, the same for the same key."""
    der = (
        _load(private_pem)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    return f"baton-{digest.finalize().hex()[:12]}"


def _load(pem: str) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError as error:  # an encrypted key without a password
        raise ValueError("encrypted") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not RSA")
    return key
