"""Makes markdown readable as plain text: links keep their address, lists their signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from integrations.contract.rich_content import Markup

# HTML stays the text it is: what shows it shows it as text.
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def readable(text: str, markup: Markup) -> str:
    """Return a text without its markup; a plain one as it is."""
    return markdown_as_text(text) if markup is Markup.MARKDOWN else text


def markdown_as_text(text: str) -> str:
    """Return what markdown says, without its signs; a link as "label (address)"."""
    page = _Page()
    for token in _MARKDOWN.parse(text):
        page.add(token)
    return page.text() or text.strip()


@dataclass
class _Page:
    """Lines as they come out of the parser's tokens."""

    lines: list[str] = field(default_factory=list)
    lists: list[int | None] = field(default_factory=list)
    lead: str = ""
    quotes: int = 0

    def add(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self.lists.append(None)
            case "ordered_list_open":
                self.lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
                self.lead = self.lead if self.lists else ""
                self._gap()
            case "list_item_open":
                self.lead = self._sign()
            case "blockquote_open":
                self.quotes += 1
            case "blockquote_close":
                self.quotes -= 1
            case "inline":
                self._say(_inline(token.children or []))
            case "fence" | "code_block":
                self._say(token.content.rstrip("\n"))
                self._gap()
            case "paragraph_close" | "heading_close":
                self._gap()

    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")

    def _sign(self) -> str:
        indent = "  " * (len(self.lists) - 1)
        number = self.lists[-1]
        if number is None:
            return f"{indent}- "
        self.lists[-1] = number + 1
        return f"{indent}{number}. "

    def _say(self, said: str) -> None:
        lead, self.lead = self.lead, " " * len(self.lead)
        for line in said.split("\n"):
            self.lines.append("> " * self.quotes + lead + line)
            lead = " " * len(lead)

    def _gap(self) -> None:
        """Leave an empty line between paragraphs, none between the items of a list."""
        if not self.lists and self.lines and self.lines[-1]:
            self.lines.append("")


def _inline(tokens: Sequence[Token]) -> str:
    said: list[str] = []
    opened: list[tuple[str, int]] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "html_inline":
                said.append(token.content)
            case "softbreak" | "hardbreak":
                said.append("\n")
            case "image":
                said.append(_linked(token.content, str(token.attrs.get("src", ""))))
            case "link_open":
                opened.append((str(token.attrs.get("href", "")), len(said)))
            case "link_close":
                href, start = opened.pop()
                label = "".join(said[start:])
                said[start:] = [_linked(label, href)]
    return "".join(said)


def _linked(label: str, address: str) -> str:
    bare = address.removeprefix("mailto:").removeprefix("tel:")
    same = label.strip() in ("", address, bare)
    return bare if same else f"{label} ({bare})" if bare else label
