"""A device that makes passkeys and shows them, with every part of its answer to be spoilt."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData, CollectedClientData

FLAG = AuthenticatorData.FLAG
VERIFIED = FLAG.UP | FLAG.UV


@dataclass
class Authenticator:
    """One device with one key; `count` is how often it has signed."""

    origin: str
    host: str
    attachment: str = "platform"
    flags: int = VERIFIED
    count: int = 0
    handle: str = ""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def makes(self, options: Mapping[str, Any], **spoilt: Any) -> str:
        """Answer what the page asked for a new passkey."""
        self.handle = options["user"]["id"]
        public = AttestedCredentialData.create(
            Aaguid.NONE, self.credential_id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = self._data(FLAG.AT, public, spoilt)
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": bytes(data)})
        client = self._client("webauthn.create", options, spoilt)
        return self._answer(
            client, attestationObject=websafe_encode(attestation), transports=["internal", "usb"]
        )

    def shows(self, options: Mapping[str, Any], **spoilt: Any) -> str:
        """Answer what the page asked of a passkey."""
        self.count += 1
        data = self._data(0, b"", spoilt)
        client = self._client("webauthn.get", options, spoilt)
        signed = self.key.sign(data + client.hash, ec.ECDSA(SHA256()))
        return self._answer(
            client,
            authenticatorData=websafe_encode(bytes(data)),
            signature=websafe_encode(spoilt.get("signature", signed)),
            userHandle=spoilt.get("handle", self.handle),
        )

    def _data(self, more: int, public: bytes, spoilt: Mapping[str, Any]) -> AuthenticatorData:
        host = spoilt.get("host", self.host)
        flags = FLAG(spoilt.get("flags", self.flags) | more)
        count = spoilt.get("count", self.count)
        return AuthenticatorData.create(
            hashlib.sha256(host.encode()).digest(), flags, count, public
        )

    def _client(
        self, kind: str, options: Mapping[str, Any], spoilt: Mapping[str, Any]
    ) -> CollectedClientData:
        return CollectedClientData.create(
            spoilt.get("type", kind),
            spoilt.get("challenge", websafe_decode(options["challenge"])),
            spoilt.get("origin", self.origin),
            spoilt.get("cross_origin", False),
        )

    def _answer(self, client: CollectedClientData, **response: Any) -> str:
        name = websafe_encode(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "authenticatorAttachment": self.attachment,
                "clientExtensionResults": {},
                "response": {"clientDataJSON": websafe_encode(client), **response},
            }
        )
