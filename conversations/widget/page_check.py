"""Whether a page carries the widget: fetched as a visitor would, and read for tag and policy."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from conversations.models import Channel, Conversation
from conversations.webhooks.sender import outward_route
from conversations.widget.access_token import host_allowed
from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient, open_session
from integrations.http.errors import VendorResponse
from integrations.http.url_guard import url_problem
from integrations.kit.pasted import joined_address, split_address

PAGE_SECONDS = 10.0
PAGE_MAX_BYTES = 5 * 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_REDIRECTS_MAX = 3
_SCRIPT = re.compile(r"/conversations/widget\.js(?:\?|$)")
# Only these are given to a parser: one of Python's takes hours for a page of nothing but "<".
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(?:script|meta)\b[^<>]{0,8000}>", re.IGNORECASE)
# Newest conversations that are looked through for one of a real page.
_NEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCheck:
    """One thing that was looked at; `cure` says what to do where it is wrong."""

    name: str
    is_ok: bool
    about: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """The newest conversation that came from a page of the customer's own."""

    page: str
    at: datetime


@dataclass(slots=True)
class _Page(HTMLParser):
    """The tags of a page that matter here."""

    tags: list[dict[str, str]] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin as the parser does."""
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the widget's scripts and the policies in meta tags."""
        found = {name: value or "" for name, value in attrs}
        if tag == "script" and _SCRIPT.search(found.get("src", "")):
            self.tags.append(found)
        if tag == "meta" and found.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(found.get("content", ""))


class PageCheckForm(forms.Form):
    """The page to look at."""

    page = forms.URLField(
        max_length=500,
        assume_scheme="https",
        label="Address of your page",
        widget=forms.URLInput(attrs={"placeholder": "https://shop.example/"}),
        help_text="It is fetched from here as a visitor’s browser would, without signing in.",
    )

    @classmethod
    def initial_of(cls, channel: Channel) -> dict[str, Any]:
        """Offer the first allowed page."""
        first = next((one for one in channel.allowed_origins if "://" not in one), "")
        return {"page": f"https://{first}/" if first else ""}

    def clean_page(self) -> str:
        """Refuse what no visitor of the web could open."""
        page: str = self.cleaned_data["page"]
        if problem := url_problem(page, allow_local=settings.ALLOW_LOCAL_AGENTS):
            raise ValidationError(f"This address cannot be fetched: {problem}.")
        return page

    def checked(self, channel: Channel) -> list[PageCheck]:
        """Return what was found at the page."""
        return page_checked(channel, self.cleaned_data["page"])


def live_state(channel: Channel) -> LiveState | None:
    """Return the newest real session: not of the portal's own test page; None before the first."""
    return newest_of_own_page(Conversation.objects.filter(channel=channel))


def newest_of_own_page(conversations: QuerySet[Conversation]) -> LiveState | None:
    """Return the newest that came from a page of the customer's own, among the last few."""
    own = split_address(settings.PUBLIC_URL).netloc
    newest = conversations.order_by("-started_at").select_related("channel")
    for row in newest.only("started_at", "page", "channel__allowed_origins")[:_NEWEST]:
        url = str(row.page.get("url", ""))
        if (host := split_address(url).netloc) and host != own and host_allowed(row.channel, host):
            return LiveState(page=url.partition("?")[0], at=row.started_at)
    return None


def page_checked(channel: Channel, url: str) -> list[PageCheck]:
    """Fetch a page and say of each thing that the widget needs whether it is there."""
    try:
        address, answer = async_to_sync(_fetched)(url)
    except (ConnectorError, ValueError) as error:
        why = error.reason or error.code if isinstance(error, ConnectorError) else "its redirect"
        return [
            PageCheck(
                name="The page answers",
                is_ok=False,
                about=f"It could not be fetched ({why}).",
                cure="Open it in a browser that is not signed in, and check the address.",
            )
        ]
    page = _page_read(answer.body.decode("utf-8", errors="replace"))
    policies = [*page.policies, answer.headers.get("Content-Security-Policy", "")]
    return [
        PageCheck(
            name="The page answers",
            is_ok=200 <= answer.status < 300,
            about=f"{address} answered with status {answer.status}.",
            cure="Give the address of a page that everybody may open.",
        ),
        _host_check(channel, address),
        _tag_check(channel, page.tags, address),
        _policy_check([one for one in policies if one]),
    ]


def _page_read(text: str) -> _Page:
    page = _Page()
    for tag in _TAG.findall(_COMMENT.sub("", text)):
        page.reset()  # a script's content is not looked at
        page.feed(tag)
    return page


async def _fetched(url: str) -> tuple[str, VendorResponse]:
    async with open_session(
        allow_local=settings.ALLOW_LOCAL_AGENTS, route=outward_route()
    ) as session:
        http = HttpClient(session, allow_local=settings.ALLOW_LOCAL_AGENTS)
        for _ in range(_REDIRECTS_MAX + 1):
            answer = await http.request(
                "page_check",
                "GET",
                url,
                headers={"Accept": "text/html"},
                timeout=PAGE_SECONDS,
                returns=range(300, 600),
                max_bytes=PAGE_MAX_BYTES,
            )
            if answer.status not in _REDIRECTS:
                break
            url = joined_address(url, answer.headers.get("Location", ""))
        return url, answer


def _host_check(channel: Channel, address: str) -> PageCheck:
    host = split_address(address).netloc
    return PageCheck(
        name="The page may carry the widget",
        is_ok=host_allowed(channel, host),
        about=f"Its host is {host}.",
        cure="Add the host to the allowed pages in the widget’s settings.",
    )


def _tag_check(channel: Channel, tags: list[dict[str, str]], address: str) -> PageCheck:
    name = "The tag is there"
    sources = [(one, joined_address(address, one["src"])) for one in tags]
    keys = [one.get("data-key") or _key_in(source) for one, source in sources]
    if not tags:
        about = "No script of the widget stands in the page as it is served."
        cure = (
            "Paste the tag from the widget’s card. A tag manager that adds it later is not seen "
            "here: open the page in a browser, and look for the round button."
        )
        return PageCheck(name=name, is_ok=False, about=about, cure=cure)
    if channel.public_key not in keys:
        about = f"A widget’s tag stands there with another key: {', '.join(filter(None, keys))}."
        return PageCheck(name=name, is_ok=False, about=about, cure="Copy this widget’s own tag.")
    origins = {_origin(source) for _, source in sources}
    if _origin(settings.PUBLIC_URL) not in origins:
        about = f"Its script comes from {', '.join(sorted(origins))}, not from this portal."
        return PageCheck(name=name, is_ok=False, about=about, cure="Copy the tag again.")
    return PageCheck(name=name, is_ok=True, about="The tag with this widget’s key is there.")


def _policy_check(policies: list[str]) -> PageCheck:
    name = "The page’s policy lets it in"
    if not policies:
        return PageCheck(name=name, is_ok=True, about="It has no Content-Security-Policy.")
    portal = _origin(settings.PUBLIC_URL)
    socket = re.sub("^http", "ws", portal)
    wanted = {"script-src": [portal], "connect-src": [portal, socket], "img-src": [portal]}
    missing = [
        f"{directive} {origin}"
        for directive, origins in wanted.items()
        for origin in origins
        if not all(_allows(policy, directive, origin) for policy in policies)
    ]
    return PageCheck(
        name=name,
        is_ok=not missing,
        about=f"It lacks {', '.join(missing)}." if missing else "It allows all that is needed.",
        cure="Add to the policy what the widget’s card lists.",
    )


def _allows(policy: str, directive: str, origin: str) -> bool:
    """Say whether a policy lets something in; a directive that is not there is default-src."""
    parts = [one.split() for one in policy.split(";") if one.split()]
    directives = {one[0].lower(): one[1:] for one in parts}
    sources = directives.get(directive, directives.get("default-src"))
    if sources is None:
        return True
    target = split_address(origin)
    return any(_covers(source.lower(), target.scheme, target.netloc.lower()) for source in sources)


def _covers(source: str, scheme: str, host: str) -> bool:
    if source == "*":
        return scheme in ("http", "https", "ws", "wss")
    if source == f"{scheme}:":
        return True
    named, _, place = source.rpartition("://")
    place = place.split("/")[0]
    is_scheme = not named or named == scheme or (named, scheme) in (("http", "https"),)
    is_host = place == host or (place.startswith("*.") and host.endswith(place[1:]))
    return is_scheme and is_host


def _key_in(source: str) -> str:
    return next(iter(parse_qs(split_address(source).query).get("key", [])), "")


def _origin(url: str) -> str:
    parts = split_address(url)
    return f"{parts.scheme}://{parts.netloc}"
