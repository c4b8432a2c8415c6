"""Writes a moment as the end user reads times: in their zone and language, the zone named."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time, get_timezone_gmt


def zone_named(name: str) -> tzinfo | None:
    """Return the zone of an IANA name, or None where there is none of that name."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def time_text(at: datetime, *, locale: str, zone: tzinfo | None = None) -> str:
    """Return day, date and time, and in brackets the zone they are in.

    Without a zone the moment's own is taken; a moment without any is UTC.
    """
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    known = _locale(locale)
    local = at.astimezone(zone) if zone else at
    day = format_skeleton("yMMMEd", local, tzinfo=local.tzinfo, locale=known)
    time = format_time(local, format="short", tzinfo=local.tzinfo, locale=known)
    return f"{day}, {time} ({_zone_text(local, known)})"


def _zone_text(local: datetime, locale: Locale) -> str:
    key = getattr(local.tzinfo, "key", "")
    offset = str(get_timezone_gmt(local, locale=locale)) if local.utcoffset() else "UTC"
    city = key.rpartition("/")[2].replace("_", " ") if "/" in key else ""
    return f"{offset}, {city}" if city else offset


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    """Return the nearest locale there are texts for; English at last."""
    for wanted in (name, name.replace("_", "-").split("-")[0]):
        try:
            return Locale.parse(wanted.replace("-", "_"))
        except (ValueError, TypeError, UnknownLocaleError):
            continue
    return Locale("en")
