"""What an address asks a page for: taken where the page offers it; else the page says so."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.http import HttpRequest


def ignore(request: HttpRequest, *sentences: str) -> None:
    """Let the page say above its content what of its address it took no notice of."""
    request.ignored = [*ignored(request), *sentences]  # type: ignore[attr-defined]


def ignored(request: HttpRequest) -> list[str]:
    """Return what the page says of its address."""
    return getattr(request, "ignored", [])


def asked(request: HttpRequest, name: str, offered: Container[str], usual: str = "") -> str:
    """Return one of the values that a page offers; anything else counts as the usual one."""
    text = request.GET.get(name, "").strip()
    if text and text not in offered:
        ignore(request, f"“{text[:40]}” is ignored: {name} takes one of its choices.")
        return usual
    return text or usual


def page_asked(request: HttpRequest, pages: Paginator[Any]) -> Page[Any]:
    """Return the page of a number; for one that is none, the first or the last."""
    text = request.GET.get("page", "").strip()
    try:
        return pages.page(text or 1)
    except InvalidPage:
        found = pages.get_page(text)
        ignore(request, f"There is no page “{text[:40]}”: this is page {found.number}.")
        return found
