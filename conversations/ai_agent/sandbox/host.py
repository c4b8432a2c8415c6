"""Answers what a tool asks for while it runs: secrets, APIs, who is there; and hides secrets.

A tool can call nothing but the names that its caller serves here; what fails is raised inside the
tool, as an exception that it may catch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from conversations.ai_agent.sandbox.results import ToolError, plain_data

HIDDEN = "[secret]"
# Shorter ones would blacken half of every text.
SECRET_MIN_CHARS, SECRET_MAX_CHARS = 4, 8192
MAX_ASKED_BYTES = 256 * 1024

Values = Mapping[str, Any]
# Gets what was asked and the seconds left; may raise the exceptions that a tool can catch.
Service = Callable[[Values, float], object]


class ToolHost:
    """The services of one run, its deadline, and the secrets that it was told."""

    def __init__(self, services: Mapping[str, Service], seconds: float) -> None:
        """Begin the run's time now: waiting for a service counts, as the tool's own work does."""
        self._services = services
        self._until = time.monotonic() + seconds
        self._secrets: set[str] = set()

    def call(self, name: str, /, **given: object) -> object:
        """Serve one call; its arguments are as little to be trusted as what a tool returns."""
        service = self._services.get(name)
        if service is None:
            raise NotImplementedError(UNSERVED.get(name, "this is not available here"))
        try:
            asked = plain_data(given, code="bad_return", name=name, max_bytes=MAX_ASKED_BYTES)
        except ToolError as error:
            raise ValueError(error.message) from None
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the tool's time is over")
        assert isinstance(asked, dict)
        answer = service(asked, left)
        if name == "get_secret":
            self._remember(answer)
        return answer

    def hidden(self, value: Any) -> Any:
        """Return plain data with every secret that the tool was told blackened."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            for secret in sorted(self._secrets, key=len, reverse=True):
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {self.hidden(key): self.hidden(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hidden(item) for item in value]
        return value

    def _remember(self, value: object) -> None:
        for text in value.values() if isinstance(value, dict) else [value]:
            if isinstance(text, str) and len(text) >= SECRET_MIN_CHARS:
                # As it stands, and as an error or a JSON text would quote it.
                self._secrets |= {text, repr(text)[1:-1], json.dumps(text)[1:-1]}


# Why a call is refused where nothing serves it.
UNSERVED: Mapping[str, str] = {
    "get_secret": "there are no secrets in this run",
    "api": "there are no APIs in this run",
    "integration": "no integration can be called in this run",
    "check_availability": "who is there cannot be asked in this run",
    "external_event": "external events cannot be received in this run",
    "prompt_llm": "no language model is configured for tools",
}
