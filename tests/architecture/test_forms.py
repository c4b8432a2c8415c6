"""A form in which one writes what is kept is marked: leaving it with changes asks first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"
FORM = re.compile(r'<form\b(?P<attributes>(?:[^>"]|"[^"]*")*)>(?P<inside>.*?)</form>', re.DOTALL)
FIELD = re.compile(r"<(?P<tag>input|select|textarea)\b(?P<attributes>[^>]*)>")
KIND = re.compile(r'type="(\w+)"')
LOOP = re.compile(r"{% for (?:(?!{% for ).)*?{% endfor %}", re.DOTALL)
INCLUDE = re.compile(r'{% include "([^"]+)"')
DRAWN = re.compile(r"{{ (?:field|form\.\w+)(?:\|\w+)? }}")
# What is not written in: it is ticked, chosen or pressed.
NOT_TYPED = {"hidden", "checkbox", "radio", "submit"}

SIGNING_IN = "it signs in or proves who somebody is: a secret is not to stay on a page"
ACT = "it does something at once, with a confirmation or a remark beside it"
QUESTION = "it asks or says something at once, and changes no setting"
WORD = "a word that names something, typed again in a second"
EXCEPTIONS = {
    "account/confirm.html": SIGNING_IN,
    "account/passkey_new.html": SIGNING_IN,
    "account/password.html": SIGNING_IN,
    "account/second_factor.html": SIGNING_IN,
    "integrations/invitation_account.html": SIGNING_IN,
    "registration/login.html": SIGNING_IN,
    "registration/sign_in_code.html": SIGNING_IN,
    "components/confirm_dialog.html": ACT,
    "components/list_acts.html": ACT,
    "handoffs/destination_delete.html": ACT,
    "handoffs/handoff_acts.html": ACT,
    "handoffs/live.html": ACT,
    "handoffs/person.html": ACT,
    "integrations/disconnect.html": ACT,
    "conversations/agent.html": QUESTION,
    "conversations/topics.html": QUESTION,
    "handoffs/retention.html": QUESTION,
    "handoffs/test_panel.html": QUESTION,
    "handoffs/test_talk.html": QUESTION,
    "components/list_bar.html": WORD,
    "handoffs/conversation_tags.html": WORD,
    "integrations/integration.html": WORD,
}


@cache
def text_of(name: str) -> str:
    return (TEMPLATES / name).read_text()


def forms_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the attributes and the inside of every form that posts."""
    for form in FORM.finditer(text):
        if 'method="post"' in form["attributes"]:
            yield form["attributes"], form["inside"]


def is_written_in(inside: str) -> bool:
    """Tell whether a person types in it, or fills in more than two fields."""
    if DRAWN.search(inside) or "components/field.html" in inside:
        return True
    included = (name for name in INCLUDE.findall(inside) if not name.startswith("components/"))
    if any(is_written_in(text_of(name)) for name in included):
        return True
    if any(is_typed(field) for field in fields_of(inside)):
        return True
    is_repeated = any(fields_of(loop) for loop in LOOP.findall(inside))
    return len(fields_of(inside)) > 2 or is_repeated


def fields_of(text: str) -> list[re.Match[str]]:
    return [field for field in FIELD.finditer(text) if 'type="hidden"' not in field[0]]


def is_typed(field: re.Match[str]) -> bool:
    kind = KIND.search(field["attributes"])
    return field["tag"] != "select" and (kind[1] if kind else "text") not in NOT_TYPED


def unmarked() -> dict[str, int]:
    """Count the forms that one writes in and that are not marked, by template."""
    found: dict[str, int] = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        for attributes, inside in forms_of(path.read_text()):
            if is_written_in(inside) and "data-unsaved" not in attributes:
                name = str(path.relative_to(TEMPLATES))
                found[name] = found.get(name, 0) + 1
    return found


def test_every_form_that_one_writes_in_is_marked_but_for_one_in_each_exception():
    assert unmarked() == dict.fromkeys(EXCEPTIONS, 1)


def test_the_rule_knows_what_is_written_in():
    assert is_written_in('<textarea name="note"></textarea>')
    assert is_written_in('<input name="name">')
    assert is_written_in('{% for field in form %}{% include "components/field.html" %}{% endfor %}')
    assert is_written_in('{% include "conversations/channel_fields.html" %}')
    assert is_written_in('{% for one in ways %}<input type="radio" name="way">{% endfor %}')
    assert not is_written_in('<input type="hidden" name="act"><button>Go</button>')
    assert not is_written_in(
        '<select name="to">{% for one in places %}<option>{{ one }}</option>{% endfor %}</select>'
    )
