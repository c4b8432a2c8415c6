"""Template tags for moments: each in the time zone of the project, with the others beside it."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def exactly(at: datetime | None) -> str:
    """Return a moment to the second, in the zone of the page and in UTC."""
    if at is None:
        return ""
    here, universal = timezone.localtime(at), at.astimezone(UTC)
    text = date_format(here, "Y-m-d H:i:s e")
    if here.utcoffset() == universal.utcoffset():
        return text
    shown_as = "H:i:s" if here.date() == universal.date() else "Y-m-d H:i:s"
    return f"{text} ({date_format(universal, shown_as)} UTC)"


@register.simple_tag
def ago(at: datetime | None, css: str = "") -> SafeString | str:
    """Draw a moment as the time that has passed since; the exact one is its title."""
    if at is None:
        return ""
    return _drawn(at, str(naturaltime(at)), exactly(at), css)


@register.simple_tag
def clock(at: datetime | None, shown_as: str = "H:i:s", css: str = "") -> SafeString | str:
    """Draw a moment as a clock or a calendar shows it; how long ago it was is in its title."""
    if at is None:
        return ""
    text = date_format(timezone.localtime(at), shown_as)
    return _drawn(at, text, f"{exactly(at)}, {naturaltime(at)}", css)


def _drawn(at: datetime, text: str, title: str, css: str) -> SafeString:
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    names = format_html(' class="{}"', css) if css else ""
    return format_html('<time{} datetime="{}" title="{}">{}</time>', names, moment, title, text)
