"""Writes the HTML of a message as markdown; no tag passes, and no word or link is lost."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from integrations.contract.rich_content import Markup

_BLOCKS = frozenset(
    {
        *("p", "div", "section", "article", "header", "footer", "blockquote", "pre", "table"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "figure", "address", "form"),
    }
)
_LINES = frozenset({"tr", "dt", "dd", "option"})
_MARKS = {
    **dict.fromkeys(("b", "strong", "h1", "h2", "h3", "h4", "h5", "h6"), "**"),
    **dict.fromkeys(("i", "em"), "_"),
    **dict.fromkeys(("code", "kbd"), "`"),
}
_HIDDEN = frozenset({"script", "style", "head", "title", "template", "noscript"})
_LINKS = ("https://", "http://", "mailto:", "tel:")
_SPECIAL = re.compile(r"([\\`*_\[\]])")
# What would make a line a heading, a quotation or an item of a list.
_LINE_STARTS = re.compile(r"(?m)(^[ ]{0,3}|^[ ]{0,3}[0-9]{1,9})([#>+.)-])(?=[ \n]|$)")
_OPENINGS = ("**", "_", "`", "[")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_PARENTHESES = str.maketrans({"(": "%28", ")": "%29", " ": "%20", "<": "%3C", ">": "%3E"})


def markdown_of(source: str) -> tuple[str, Markup]:
    """Return an HTML text as markdown, or as plain text where it had nothing but words."""
    writer = _Writer()
    writer.feed(source)
    writer.close()
    return writer.text(), Markup.MARKDOWN if writer.has_markup else Markup.PLAIN


class _Writer(HTMLParser):
    """Collects words with the marks around them; blanks fall together as a browser's would."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.has_markup = False
        self._parts: list[str] = []
        self._open: list[str] = []
        self._lists: list[int] = []
        self._links: list[str] = []

    def text(self) -> str:
        """Return what was collected, without blank lines at its ends."""
        written = [_escaped(part) if self.has_markup else part for part in self._parts]
        lines = [line.rstrip(" ") for line in "".join(written).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, a line, an item, a mark or a link."""
        given = {name: value or "" for name, value in attrs}
        if tag in ("br", "img"):
            self._say("\n" if tag == "br" else given.get("alt", ""))
            return
        self._begin_block(tag)
        self._open.append(tag)
        if tag == "a":
            self._begin_link(given.get("href", ""))
        if tag in _MARKS and not self._is_in(*_HIDDEN):
            self.has_markup = True
            self._parts.append(_Mark(_MARKS[tag]))

    def handle_endtag(self, tag: str) -> None:
        """End what was begun; an end without a beginning is passed over."""
        if tag not in self._open:
            return
        while self._open and (ended := self._open.pop()) != tag:
            self._end(ended)
        self._end(tag)

    def handle_data(self, data: str) -> None:
        """Take words; blanks count once, except where they are kept."""
        is_kept = self._is_in("pre", "textarea")
        self._say(data if is_kept else _BLANKS.sub(" ", data), is_kept=is_kept)

    def _say(self, words: str, *, is_kept: bool = False) -> None:
        if self._is_in(*_HIDDEN):
            return
        words = words.replace("\xa0", " ")
        if not is_kept and self._tail()[-1:] in ("", " ", "\n"):
            words = words.lstrip(" ")
        if words and self._is_in("code", "kbd"):
            self._parts.append(_Mark(words.replace("`", "'")))
        elif words:
            self._parts.append(words)

    def _begin_block(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self._break(1 if self._lists else 2)
            self._lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self._begin_item()
        elif tag in _BLOCKS:
            self._break(1 if self._lists else 2)
        elif tag in _LINES:
            self._break(1)
        elif tag in ("td", "th"):
            self._say(" ")

    def _begin_item(self) -> None:
        self.has_markup = True
        self._break(1)
        depth, number = "   " * max(len(self._lists) - 1, 0), self._lists[-1] if self._lists else 0
        self._parts.append(_Mark(f"{depth}{number}. " if number else f"{depth}- "))
        if number:
            self._lists[-1] += 1

    def _begin_link(self, href: str) -> None:
        url = href.strip() if href.strip().lower().startswith(_LINKS) else ""
        self._links.append(url.translate(_PARENTHESES))
        if url:
            self.has_markup = True
            self._parts.append(_Mark("["))

    def _end(self, tag: str) -> None:
        if tag == "a" and self._links and (url := self._links.pop()):
            self._close(f"]({url})", "[")
        if tag in _MARKS and not self._is_in(*_HIDDEN):
            self._close(_MARKS[tag], _MARKS[tag])
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in ("ul", "ol") or tag in _BLOCKS:
            self._break(1 if self._lists else 2)

    def _close(self, mark: str, opening: str) -> None:
        """Set a mark after the last word, not after the blank; around nothing, set none."""
        last = self._parts[-1] if self._parts else ""
        if isinstance(last, _Mark) and last == opening and mark == opening:
            self._parts.pop()
            return
        ended = last.rstrip(" \n")
        self._parts[-1:] = [type(last)(ended), _Mark(mark), last[len(ended) :]]

    def _break(self, lines: int) -> None:
        """End the line, with so many line breaks in all; at the very start there is none."""
        tail = self._tail()
        if tail and not self._is_in(*_HIDDEN):
            have = len(tail) - len(tail.rstrip("\n"))
            self._parts.append("\n" * max(lines - have, 0))

    def _tail(self) -> str:
        """Return the last that was written, opening marks left out."""
        tail = ""
        for part in reversed(self._parts):
            if len(tail) > 1:
                break
            if not (isinstance(part, _Mark) and part in _OPENINGS):
                tail = part + tail
        return tail

    def _is_in(self, *tags: str) -> bool:
        return any(tag in tags for tag in self._open)


class _Mark(str):
    """What stands for a tag, as against somebody's words."""

    __slots__ = ()


def _escaped(part: str) -> str:
    """Write words so that markdown takes none of them for a mark."""
    if isinstance(part, _Mark):
        return part
    return _LINE_STARTS.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", part))
