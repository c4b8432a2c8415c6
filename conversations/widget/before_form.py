"""The form of what comes before a conversation."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from django import forms

from conversations.ai_agent.forms import LinesField
from conversations.models import Channel
from conversations.widget.before import (
    CONSENT_MAX,
    KINDS,
    QUESTIONS_MAX,
    Before,
    Consent,
    Question,
    before_of,
)
from integrations.behaviour.languages import DEFAULT, languages

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LINKS_MAX, _OPTIONS_MAX = 5, 20
_FREE_ROWS = 2


def _link(line: str) -> str:
    label, _, url = line.rpartition(" ")
    parts = urlsplit(url)
    if not label.strip() or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected words and an address, such as Privacy https://example.com/p")
    return f"{label.strip()} {url}"


def _label(line: str) -> str:
    code, _, label = line.partition("=")
    if code.strip() not in languages() or not label.strip():
        raise ValueError(f"expected one of {', '.join(languages())}, = and the words")
    return f"{code.strip()} = {label.strip()}"


def _option_labels(line: str) -> str:
    code, _, labels = _label(line).partition(" = ")
    return f"{code} = {' | '.join(one.strip() for one in labels.split('|'))}"


class BeforeForm(forms.Form):
    """Consent in each language, and up to eight questions."""

    consent_is_on = forms.BooleanField(
        label="Ask for consent",
        required=False,
        help_text="The widget asks for no token and opens no conversation before end users accept. "
        "What they accepted, and when, is kept with the conversation.",
    )
    consent_links = LinesField(
        read=_link,
        maximum=_LINKS_MAX,
        rows=2,
        label="Policies it speaks of",
        help_text="One for each line: its name, then its address. At least one is needed.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add a text for each language, and rows for the questions."""
        super().__init__(*args, **kwargs)
        for code, language in languages().items():
            self.fields[f"consent_text_{code}"] = forms.CharField(
                label=f"Text of consent in {language.name}",
                required=False,
                max_length=CONSENT_MAX,
                widget=forms.Textarea(attrs={"rows": 3, "lang": code, "dir": "auto"}),
            )
            if code != DEFAULT:
                self.fields[f"consent_links_{code}"] = LinesField(
                    read=_link,
                    maximum=_LINKS_MAX,
                    rows=2,
                    label=f"Policies in {language.name}",
                    help_text="Empty: those below.",
                )
        self.rows = _rows(self)
        for number in range(1, self.rows + 1):
            self.fields |= _question_fields(number)

    @classmethod
    def initial_of(cls, channel: Channel) -> dict[str, Any]:
        """Return what the form shows of a channel."""
        before = before_of(channel)
        consent = before.consent
        shown: dict[str, Any] = {
            "consent_is_on": consent.is_on,
            "consent_links": _lines(consent.links),
            **{f"consent_links_{code}": _lines(links) for code, links in consent.links_in.items()},
            "rows": min(QUESTIONS_MAX, len(before.questions) + _FREE_ROWS),
            **{f"consent_text_{code}": text for code, text in consent.texts.items()},
        }
        for number, question in enumerate(before.questions, start=1):
            shown |= _shown(number, question)
        return shown

    def groups(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Return heading, remark and fields of each part of the page."""
        names = ["consent_is_on"]
        for code in languages():
            names += [f"consent_text_{code}", f"consent_links_{code}"]
        names = [name for name in names if name in self.fields] + ["consent_links"]
        parts = [("Consent", "", [self[name] for name in names])]
        for number in range(1, self.rows + 1):
            fields = [self[f"q{number}_{part}"] for part in _question_parts()]
            label = str(self[f"q{number}_label"].value() or "")
            parts.append((f"Question {number}: {label or 'not used'}", "", fields))
        return parts

    def clean(self) -> dict[str, Any]:
        """Ask for what a consent or a question cannot do without."""
        found = super().clean() or {}
        if found.get("consent_is_on"):
            if not found.get("consent_text_en"):
                self.add_error(
                    "consent_text_en",
                    "The text in English is shown where there is no other: it is needed.",
                )
            if not found.get("consent_links") and "consent_links" not in self.errors:
                self.add_error("consent_links", "Name at least one policy and its address.")
        names: set[str] = set()
        for number in range(1, self.rows + 1):
            self._check(number, found, names)
        return found

    def _check(self, number: int, found: dict[str, Any], names: set[str]) -> None:
        if not found.get(f"q{number}_label"):
            return
        name = found.get(f"q{number}_name") or ""
        if not _NAME.fullmatch(name):
            text = "A name of small letters, digits and _, such as order_number."
            self.add_error(f"q{number}_name", text)
        elif name in names:
            self.add_error(f"q{number}_name", "Another question has this name already.")
        names.add(name)
        is_choice = found.get(f"q{number}_kind") == "select"
        if is_choice and not found.get(f"q{number}_options"):
            self.add_error(f"q{number}_options", "A choice needs its options, one for each line.")
        count = len(found.get(f"q{number}_options") or [])
        named = _option_names(found.get(f"q{number}_option_labels") or [])
        if any(len(labels) != count for labels in named.values()):
            text = f"Name each of the {count} options, in their order, with | between them."
            self.add_error(f"q{number}_option_labels", text)

    def values(self, channel: Channel) -> dict[str, Any]:
        """Return the fields of the channel that are to be saved."""
        old = before_of(channel)
        consent = _consent(self.cleaned_data, old.consent)
        before = Before(consent=consent, questions=self._questions())
        return {"before": asdict(before)}

    def _questions(self) -> list[Question]:
        found = self.cleaned_data
        return [
            Question(
                name=found[f"q{number}_name"],
                label=found[f"q{number}_label"],
                kind=found[f"q{number}_kind"],
                is_required=found[f"q{number}_is_required"],
                options=found[f"q{number}_options"],
                labels=_pairs(found[f"q{number}_labels"]),
                option_labels=_option_names(found[f"q{number}_option_labels"]),
            )
            for number in range(1, self.rows + 1)
            if found.get(f"q{number}_label")
        ]


def _consent(found: dict[str, Any], old: Consent) -> Consent:
    texts = {code: found[f"consent_text_{code}"] for code in languages()}
    texts = {code: text for code, text in texts.items() if text}
    links = _links(found["consent_links"])
    others = {code: found.get(f"consent_links_{code}") for code in languages()}
    links_in = {code: _links(lines) for code, lines in others.items() if lines}
    is_changed = (texts, links, links_in) != (dict(old.texts), old.links, dict(old.links_in))
    return Consent(
        is_on=found["consent_is_on"],
        version=old.version + 1 if is_changed else old.version,
        texts=texts,
        links=links,
        links_in=links_in,
    )


def _links(lines: list[str]) -> list[dict[str, str]]:
    parts = (line.rpartition(" ") for line in lines)
    return [{"label": label, "url": url} for label, _, url in parts]


def _lines(links: list[dict[str, str]]) -> list[str]:
    return [f"{one['label']} {one['url']}" for one in links]


def _option_names(lines: list[str]) -> dict[str, list[str]]:
    return {code: labels.split(" | ") for code, labels in _pairs(lines).items()}


def _pairs(lines: list[str]) -> dict[str, str]:
    return {code: label for code, _, label in (line.partition(" = ") for line in lines)}


def _rows(form: BeforeForm) -> int:
    """Return how many questions the page has room for, never fewer than were sent."""
    shown = int(form.initial.get("rows", _FREE_ROWS))
    sent = [name for name in form.data if re.fullmatch(r"q[1-8]_label", name)]
    return min(QUESTIONS_MAX, max(shown, len(sent)))


def _question_parts() -> list[str]:
    return ["label", "name", "kind", "is_required", "options", "labels", "option_labels"]


def _shown(number: int, question: Question) -> dict[str, Any]:
    labels = [f"{code} = {label}" for code, label in question.labels.items()]
    options = [f"{code} = {' | '.join(named)}" for code, named in question.option_labels.items()]
    shown = asdict(question) | {"labels": labels, "option_labels": options}
    return {f"q{number}_{name}": value for name, value in shown.items()}


def _question_fields(number: int) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {
        "label": forms.CharField(
            label="Question", required=False, max_length=80, help_text="Empty: not used."
        ),
        "name": forms.CharField(
            label="Name for tools and vendors",
            required=False,
            max_length=40,
            widget=forms.TextInput(attrs={"class": "code"}),
            help_text="An answer goes along to the live agent under this name, and tools read it "
            "in conv.integration_attributes. name is what the end user is called there; email and "
            "phone are kept as told, never as proof of who it is.",
        ),
        "kind": forms.ChoiceField(label="Kind", choices=list(KINDS.items()), required=False),
        "is_required": forms.BooleanField(label="An answer is required", required=False),
        "options": LinesField(maximum=_OPTIONS_MAX, rows=3, label="Options of a choice"),
        "labels": LinesField(
            read=_label,
            maximum=20,
            rows=2,
            label="The question in other languages",
            help_text="One for each line, such as de = Ihre Bestellnummer.",
        ),
        "option_labels": LinesField(
            read=_option_labels,
            maximum=20,
            rows=2,
            label="The options in other languages",
            help_text="One language for each line, all options in their order, such as de = "
            "Bestellung | Rückgabe. Tools and live agents get the option above.",
        ),
    }
    return {f"q{number}_{name}": field for name, field in fields.items()}
