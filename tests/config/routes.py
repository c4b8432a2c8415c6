"""Every address that the portal has, read from the URL conf, so that a new one is tested too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).resolve().parents[2]
PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_READS = re.compile(r"""(?:POST|GET|query|data)(?:\.getlist|\.get)?[(\[]["'](\w+)["']""")


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern, with its parameters still to be filled in."""

    pattern: str

    @property
    def parameters(self) -> list[str]:
        """Name the parameters in their order."""
        return [found["name"] for found in PARAMETER.finditer(self.pattern)]

    def filled(self, values: dict[str, str], *, others: str = "1") -> str:
        """Return the address with these values, as they stand in a request."""
        return "/" + PARAMETER.sub(lambda found: values.get(found["name"], others), self.pattern)

    def __str__(self) -> str:
        return self.pattern or "/"


# One class draws the pages of all our models in Django's admin.
_SAME_AS_OTHERS = re.compile(
    r"admin/(?:integrations|conversations|handoffs)/(?!(?:handoff|workspace)/)\w+/."
)


@cache
def routes() -> list[Route]:
    """Return all routes of the portal, Django admin's too: of its rows' pages, two models' ones."""
    found = sorted(set(_patterns(get_resolver().url_patterns, "")))
    return [Route(pattern) for pattern in found if not _SAME_AS_OTHERS.match(pattern)]


@cache
def field_names() -> list[str]:
    """Return every name under which a view reads a query, a form or JSON."""
    found: set[str] = {"next", "username", "password", "q", "o", "p", "_popup", "action"}
    for folder in ("config", "conversations", "handoffs", "integrations"):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text()
            found.update(_READS.findall(source))
            found.update(re.findall(r"^    (\w+) = forms\.", source, re.M))
    return sorted(found)


def _patterns(found: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for item in found:
        text = before + _as_route(str(item.pattern))
        if isinstance(item, URLResolver):
            yield from _patterns(item.url_patterns, text)
        else:
            yield text


def _as_route(pattern: str) -> str:
    """Write a regular expression, of which Django admin has one, as a route."""
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", pattern.removeprefix("^")).removesuffix("$")
