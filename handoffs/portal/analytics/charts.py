"""Draw figures as SVG on the server: columns, lines and a tinted table need no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from handoffs.portal.analytics.counting.figure import Figure

WIDTH, HEIGHT, FOOT, LEFT = 720, 220, 24, 40
COLUMNS_MAX = 62
# So many colours and patterns are told apart; series beyond them share the last.
SERIES_MAX = 6
PATTERNS = ("", "slant", "level", "cross", "back", "upright")


def chart(figure: Figure, hrefs: Sequence[str] = ()) -> SafeString | str:
    """Return the drawing of a figure; empty for one that is a table alone.

    `hrefs` is where each of its rows leads: Enter and a click go there.
    """
    if figure.kind == "columns":
        return _columns(figure, hrefs)
    if figure.kind == "histogram":
        return _columns(replace(figure, columns=figure.columns[:2], rows=_first_two(figure)), ())
    if figure.kind == "lines":
        return _lines(figure, hrefs)
    return ""


def _first_two(figure: Figure) -> list[Sequence[Any]]:
    return [row[:2] for row in figure.rows]


def bar(value: float, most: float) -> SafeString:
    """Return a bar for a cell of a table: style attributes are forbidden here, SVG is not."""
    width = round(100 * value / most, 1) if most else 0
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="8"/></svg>',
        width,
    )


def tint(value: int, most: int) -> int:
    """Return how strongly a cell is tinted, from 0 to 4."""
    return 0 if not value or not most else min(4, 1 + int(3.99 * value / most))


def _columns(figure: Figure, hrefs: Sequence[str]) -> SafeString:
    rows, series = _gathered(figure), figure.columns[1:]
    most = max((sum(values) for _, values in rows), default=0) or 1
    step = (WIDTH - LEFT) / max(len(rows), 1)
    bars = []
    for number, (_, values) in enumerate(rows):
        top = float(HEIGHT)
        for which, value in enumerate(values):
            height = value / most * (HEIGHT - 10)
            top -= height
            if value:
                x, width = LEFT + number * step + step * 0.1, step * 0.8
                kind = min(which, SERIES_MAX - 1)
                bars.append((kind, f"{x:.1f}", f"{top:.1f}", f"{width:.1f}", f"{height:.1f}"))
    drawn = format_html_join(
        "", '<rect class="series-{}" x="{}" y="{}" width="{}" height="{}"/>', bars
    )
    hatched = [(figure.name, PATTERNS[kind], *place) for kind, *place in bars if PATTERNS[kind]]
    drawn += format_html_join(
        "",
        '<rect class="hatch" fill="url(#{}-{})" x="{}" y="{}" width="{}" height="{}"/>',
        hatched,
    )
    said = [
        f"{label}: "
        + ", ".join(f"{value:,} {name}" for name, value in zip(series, values, strict=True))
        for label, values in rows
    ]
    legend = _legend(figure.name, series) if len(series) > 1 else SafeString("")
    return _framed(figure, _patterns(figure.name) + drawn + _hits(said, hrefs), rows, most, legend)


def _lines(figure: Figure, hrefs: Sequence[str]) -> SafeString:
    rows = [(str(row[0]), [row[1], row[2]]) for row in figure.rows]
    known = [value for _, values in rows for value in values if value is not None]
    most = max(known, default=0) or 1
    step = (WIDTH - LEFT) / max(len(rows), 1)
    paths = []
    for which in range(2):
        for part in _unbroken([values[which] for _, values in rows]):
            points = " ".join(
                f"{LEFT + (at + 0.5) * step:.1f},{HEIGHT - value / most * (HEIGHT - 10):.1f}"
                for at, value in part
            )
            paths.append((which, points))
    drawn = format_html_join("", '<polyline class="line-{}" points="{}"/>', paths)
    dots = format_html_join("", '<circle class="dot-{}" cx="{}" cy="{}" r="2.5"/>', _dots(paths))
    legend = _legend(figure.name, figure.columns[1:3], is_line=True)
    counted = [(label, [0 if v is None else v for v in values]) for label, values in rows]
    said = [_line_said(label, values) for label, values in rows]
    return _framed(figure, drawn + dots + _hits(said, hrefs), counted, most, legend)


def _line_said(label: str, values: Sequence[float | None]) -> str:
    median, p90 = values
    return f"{label}: " + (f"median {median} s, p90 {p90} s" if median is not None else "too few")


def _hits(said: Sequence[str], hrefs: Sequence[str]) -> SafeString:
    """Return a column over the whole height for each place: what the pointer and keys come to."""
    step = (WIDTH - LEFT) / max(len(said), 1)
    is_each = len(hrefs) == len(said)
    found = [
        (text, hrefs[at] if is_each else "", f"{LEFT + at * step:.1f}", f"{step:.1f}", HEIGHT)
        for at, text in enumerate(said)
    ]
    return format_html_join(
        "",
        '<rect class="hit" data-said="{}" data-href="{}" x="{}" y="0" width="{}" height="{}"/>',
        found,
    )


def _patterns(name: str) -> SafeString:
    """Return what tells series apart where colours do not."""
    drawings = {
        "slant": "M0 6L6 0",
        "back": "M0 0L6 6",
        "level": "M0 3H6",
        "cross": "M0 0L6 6M0 6L6 0",
        "upright": "M3 0V6",
    }
    return format_html_join(
        "",
        '<pattern id="{}-{}" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<path d="{}"/></pattern>',
        [(name, kind, path) for kind, path in drawings.items()],
    )


def _dots(paths: Sequence[tuple[int, str]]) -> list[tuple[int, str, str]]:
    return [(which, *point.split(",")) for which, text in paths for point in text.split()]  # type: ignore[misc]


def _unbroken(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return the parts of a line between the places where nothing is known."""
    parts: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append((at, value))
    return [part for part in parts if part]


def _gathered(figure: Figure) -> list[tuple[str, list[int]]]:
    """Return columns: by day, and by week where there would be too many of them."""
    rows = [(str(row[0]), [int(value) for value in row[1:]]) for row in figure.rows]
    if len(rows) <= COLUMNS_MAX:
        return rows
    weeks = [rows[at : at + 7] for at in range(0, len(rows), 7)]
    return [
        (week[0][0], [sum(values) for values in zip(*(row[1] for row in week), strict=True)])
        for week in weeks
    ]


def _framed(
    figure: Figure,
    drawn: SafeString,
    rows: Sequence[tuple[str, Sequence[float]]],
    most: float,
    legend: SafeString,
) -> SafeString:
    first, last = (rows[0][0], rows[-1][0]) if rows else ("", "")
    between = _between(rows) if figure.kind == "histogram" else SafeString("")
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" data-chart>'
        '<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text x="{}" y="12" text-anchor="end">{}</text>'
        '<text x="{}" y="{}" text-anchor="end">0</text>'
        '<text x="{}" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>{}</svg>{}',
        *(WIDTH, HEIGHT + FOOT, f"{figure.title}. The numbers are in the table below."),
        *(LEFT, WIDTH, HEIGHT, HEIGHT, LEFT - 6, f"{most:g}", LEFT - 6, HEIGHT),
        *(LEFT, HEIGHT + 17, first, WIDTH, HEIGHT + 17, last if last != first else ""),
        *(drawn + between, legend),
    )


def _between(rows: Sequence[tuple[str, Sequence[float]]]) -> SafeString:
    """Return the labels of the columns between the first and the last."""
    step = (WIDTH - LEFT) / max(len(rows), 1)
    found = [
        (f"{LEFT + (at + 0.5) * step:.1f}", HEIGHT + 17, label)
        for at, (label, _) in enumerate(rows[1:-1], start=1)
    ]
    return format_html_join("", '<text x="{}" y="{}" text-anchor="middle">{}</text>', found)


def _legend(figure: str, names: Sequence[str], *, is_line: bool = False) -> SafeString:
    kind = "line" if is_line else "series"
    found = []
    for number, name in enumerate(names):
        at = min(number, SERIES_MAX - 1)
        pattern = "" if is_line else PATTERNS[at]
        found.append((kind, at, f"url(#{figure}-{pattern})" if pattern else "none", name))
    items = format_html_join(
        "",
        '<li><svg viewBox="0 0 14 14" aria-hidden="true"><rect class="{}-{}" y="1" width="14" '
        'height="12"/><rect class="hatch" fill="{}" y="1" width="14" height="12"/></svg>{}</li>',
        found,
    )
    return format_html('<ul class="legend">{}</ul>', items)
