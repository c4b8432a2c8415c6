"""What people wrote runs in the direction of its script, whatever the page around it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django import forms

from handoffs.portal.tags import as_written

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# Where a page shows a text that somebody typed: the file and the value.
WRITTEN = (
    ("handoffs/timeline_moment.html", "entry.text"),
    ("handoffs/timeline_moment.html", "entry.note"),
    ("handoffs/live_row.html", "row.end_user"),
    ("handoffs/test_talk_lines.html", "line.text"),
    ("handoffs/conversation_lines.html", "line.text"),
    ("handoffs/conversation_notes.html", "note.text"),
    ("handoffs/live_drawer.html", "end_user"),
    ("handoffs/transcript.html", "text"),
    ("handoffs/handoff_live.html", "value"),
    ("handoffs/handoffs.html", "row.reason"),
    ("handoffs/handoffs.html", "row.handoff.agent_name"),
    ("handoffs/environments.html", "release.note"),
    ("handoffs/environments.html", "move.note"),
    ("handoffs/tool_run_result.html", "text"),
    ("handoffs/destinations.html", "one.name"),
    ("handoffs/log.html", "entry.content"),
    ("conversations/topics.html", "topic.name"),
    ("conversations/topics.html", "topic.example_queries.0"),
    ("conversations/topics.html", "phrase"),
    ("conversations/flows.html", "flow.description"),
    ("conversations/tools.html", "tool.description"),
    ("conversations/agent_test_result.html", "text"),
    ("components/key_values.html", "value"),
    ("components/switcher.html", "project.name"),
)
_VOID = ("input", "br")


def is_auto(source: str, at: int) -> bool:
    """Say whether the text at a place stands in an element, or a value, with dir=auto."""
    tags = list(re.finditer(r"<(/?)(\w+)((?:\{%.*?%\}|\{\{.*?\}\}|[^<>])*)>", source, re.S))
    if any(tag.start() < at < tag.end() and 'dir="auto"' in tag[0] for tag in tags):
        return True
    depth = 0
    for tag in reversed([tag for tag in tags if tag.end() <= at]):
        if tag[2] in _VOID:
            continue
        depth += 1 if tag[1] else -1
        if depth < 0:
            if 'dir="auto"' in tag[0]:
                return True
            depth = 0
    return False


@pytest.mark.parametrize(("name", "value"), WRITTEN)
def test_a_text_that_people_wrote_has_its_own_direction(name: str, value: str):
    source = (TEMPLATES / name).read_text()
    places = [found.start() for found in re.finditer(rf"\{{\{{ {re.escape(value)}[ |]", source)]

    assert places
    assert any(is_auto(source, at) for at in places)


def test_controls_for_texts_have_their_own_direction_and_code_has_not():
    class Form(forms.Form):
        name = forms.CharField()
        lines = forms.CharField(widget=forms.Textarea)
        source = forms.CharField(widget=forms.Textarea(attrs={"class": "code"}))
        number = forms.IntegerField()
        is_on = forms.BooleanField()

    drawn = {field.name: 'dir="auto"' in as_written(field) for field in Form()}

    assert drawn == {"name": True, "lines": True, "source": False, "number": False, "is_on": False}
