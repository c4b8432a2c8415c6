"""The simulated login host: client-credentials tokens, and how many requests they are good for."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

WINDOW_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """A token of one OAuth client."""

    value: str
    client_id: str
    expires_at: float

    @property
    def is_good(self) -> bool:
        """Tell whether the token has not expired."""
        return time.time() < self.expires_at


class TokenOffice:
    """Issues tokens and counts the requests made with them, per client."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._calls: dict[str, deque[float]] = {}

    def issue(self, client_id: str, *, ttl_seconds: float) -> AccessToken:
        """Make a token."""
        token = AccessToken(
            value=secrets.token_urlsafe(48),
            client_id=client_id,
            expires_at=time.time() + ttl_seconds,
        )
        self._tokens[token.value] = token
        return token

    def find(self, value: str) -> AccessToken | None:
        """Return a token that is good."""
        token = self._tokens.get(value)
        return token if token and token.is_good else None

    def seconds_to_wait(self, client_id: str, *, limit: int) -> int:
        """Count one request; returns 0, or how long to wait when it is one too many."""
        now = time.monotonic()
        calls = self._calls.setdefault(client_id, deque())
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        if limit and len(calls) >= limit:
            return max(1, ceil(calls[0] + WINDOW_SECONDS - now))
        calls.append(now)
        return 0

    def expire_all(self) -> None:
        """Let every token issued so far be expired."""
        for token in self._tokens.values():
            token.expires_at = 0

    def forget(self) -> None:
        """Forget all tokens and counts."""
        self._tokens.clear()
        self._calls.clear()

    def as_list(self) -> list[dict[str, Any]]:
        """Return everything a restart must keep."""
        return [asdict(token) for token in self._tokens.values()]

    def restore(self, kept: list[Mapping[str, Any]]) -> None:
        """Take over what `as_list` returned."""
        self._tokens = {one["value"]: AccessToken(**one) for one in kept}
