"""HTML of a message as markdown: words, links and lists stay, tags never pass."""

from __future__ import annotations

import pytest

from integrations.contract.rich_content import Markup
from integrations.kit.html_markdown import markdown_of


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>A &amp; <b>B</b></p>", "A & **B**"),
        ("See <a href='https://x.example/a_(b)?c=1&amp;d'>our page</a>, please",
         "See [our page](https://x.example/a_%28b%29?c=1&d), please"),
        ("<ul><li>a</li><li>b <i>c</i></li></ul>tail", "- a\n- b _c_\n\ntail"),
        ("<ol><li>x<ul><li>y</li></ul></li><li>z</li></ol>", "1. x\n   - y\n2. z"),
        ("<b> bold </b>word <b></b>end", "**bold** word end"),
        ("<p><strong>Open</strong></p><p>2*3 [x]</p>", "**Open**\n\n2\\*3 \\[x\\]"),
        ("<b>Now</b><br>1. not a list<br># no heading", "**Now**\n1\\. not a list\n\\# no heading"),
        ("<code>a*b</code>", "`a*b`"),
        ("<a href='https://x.example/'><img alt='Logo' src='y'></a>", "[Logo](https://x.example/)"),
    ],
)  # fmt: skip
def test_marks_links_and_lists_are_kept_as_markdown(source: str, text: str):
    assert markdown_of(source) == (text, Markup.MARKDOWN)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>One</p>\n<p>Two</p>", "One\n\nTwo"),
        ("a<br>b<div>c</div>", "a\nb\n\nc"),
        ("one   \n two&nbsp;three", "one two three"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<script>alert(1)</script>2*3 _a_ <style>p{}</style>", "2*3 _a_"),
        ("<a href='javascript:alert(1)'>x</a>", "x"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a < b & c </i>", "a < b & c"),
        (" <p> </p> ", ""),
    ],
)
def test_words_without_marks_are_plain(source: str, text: str):
    assert markdown_of(source) == (text, Markup.PLAIN)
