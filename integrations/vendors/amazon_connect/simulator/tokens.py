"""The participant service's bearer secrets: two kinds of token, and addresses that expire."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

# What every token looks like from outside; nobody may read anything into it.
PREFIX = b"AQIDAHj"
SOCKET_PATH = "/participant-socket"


@dataclass(slots=True, kw_only=True)
class Grant:
    """What a secret stands for."""

    chat_id: str
    participant_id: str
    subject: str = ""
    # For a file's address: how the file is to be shown.
    disposition: str = ""
    expires_at: float | None = None


class Tokens:
    """Gives out and recognises secrets; each kind is known apart from the others."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._grants: dict[str, dict[str, Grant]] = {}

    def issue(self, kind: str, grant: Grant) -> str:
        """Return a new secret of a kind."""
        token = base64.urlsafe_b64encode(PREFIX + secrets.token_bytes(96)).decode()
        self._grants.setdefault(kind, {})[token] = grant
        return token

    def find(self, kind: str, token: str) -> Grant | None:
        """Return what a secret stands for while it is good."""
        grant = self._grants.get(kind, {}).get(token)
        if grant is None or (grant.expires_at is not None and grant.expires_at <= self._now()):
            return None
        return grant

    def expire(self, *kinds: str) -> None:
        """Let every secret of these kinds expire."""
        for kind in kinds:
            for grant in self._grants.get(kind, {}).values():
                grant.expires_at = 0

    def forget(self) -> None:
        """Know no secret any more."""
        self._grants.clear()

    def as_json(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return {
            kind: {token: asdict(grant) for token, grant in grants.items()}
            for kind, grants in self._grants.items()
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned."""
        self._grants = {
            kind: {token: Grant(**grant) for token, grant in grants.items()}
            for kind, grants in kept.items()
        }
