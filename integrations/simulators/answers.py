"""How a simulator answers: at which addresses, and JSON that comes out as it was put in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from starlette.responses import JSONResponse

F = TypeVar("F", bound=Callable[..., Any])
_ADDRESSES = "simulated_addresses"


class AsciiJSONResponse(JSONResponse):
    """Writes what is not ASCII as escapes, so that half a surrogate pair is no fault of ours."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


def endpoint(method: str, *paths: str) -> Callable[[F], F]:
    """Write at a method of a class which requests it answers."""

    def mark(function: F) -> F:
        setattr(function, _ADDRESSES, [(method, path) for path in paths])
        return function

    return mark


def endpoints_of(group: object) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield HTTP method, path and what answers, in the order in which a class has them."""
    for name, kept in vars(type(group)).items():
        for method, path in getattr(kept, _ADDRESSES, ()):
            yield method, path, getattr(group, name)
