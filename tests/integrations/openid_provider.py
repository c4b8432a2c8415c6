"""A strict OpenID provider on a port of its own: refuses what the specifications refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "baton", "a/secret:with signs"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Return the key of a name; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OpenIdProvider:
    """Who signs in, what is said of them, and how the answer is spoilt."""

    def __init__(self, address: str, redirect_uri: str) -> None:
        self.issuer, self.redirect_uri = address, redirect_uri
        self.person: dict[str, Any] = {
            "sub": "u-1",
            "email": "noor@birchline.example",
            "email_verified": True,
            "name": "Noor Haddad",
        }
        self.spoilt: dict[str, Any] = {}
        self.signs_with = self.publishes = "first"
        self.tells_email_apart = False
        self.is_down = False
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: set[str] = set()

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/out",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def keys(self) -> dict[str, Any]:
        public = rsa_key(self.publishes).public_key()
        key = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
        return {"keys": [key | {"kid": self.publishes, "use": "sig", "alg": "RS256"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser goes after the person has signed in."""
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == self.redirect_uri
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return f"{self.redirect_uri}?{answer}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Exchange a code once; None where the specification asks for a refusal."""
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            [unquote(part) for part in pair.split(":")] != [CLIENT, SECRET]
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != self.redirect_uri
            or asked is None
            or challenge != asked["code_challenge"]
        ):
            return None
        access = secrets.token_urlsafe(16)
        self._tokens.add(access)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._id_token(asked["nonce"]),
        }

    def userinfo(self, authorization: str) -> dict[str, Any] | None:
        known = authorization.removeprefix("Bearer ") in self._tokens
        return self.person if known else None

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        person = {"sub": self.person["sub"]} if self.tells_email_apart else self.person
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= person | self.spoilt
        named = self.publishes if self.signs_with == "forged" else self.signs_with
        return jwt.encode(
            claims, rsa_key(self.signs_with), algorithm="RS256", headers={"kid": named}
        )


class _Handler(BaseHTTPRequestHandler):
    provider: OpenIdProvider

    def do_GET(self) -> None:
        parts, own = urlsplit(self.path), self.provider
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if own.is_down:
            self._answer(503, {})
        elif parts.path == "/.well-known/openid-configuration":
            self._answer(200, own.discovery())
        elif parts.path == "/keys":
            self._answer(200, own.keys())
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", own.authorize(asked))
            self.end_headers()
        else:
            said = own.userinfo(self.headers.get("Authorization", ""))
            self._answer(200 if said else 401, said or {})

    def do_POST(self) -> None:
        assert self.path == "/token"
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(text).items()}
        said = self.provider.token(form, self.headers.get("Authorization", ""))
        self._answer(200 if said else 400, said or {"error": "invalid_grant"})

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def openid_provider(redirect_uri: str) -> Iterator[OpenIdProvider]:
    """Serve a provider of its own for one test."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        provider = OpenIdProvider(f"http://127.0.0.1:{server.server_port}", redirect_uri)
        handler.provider = provider
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield provider
        finally:
            server.shutdown()
