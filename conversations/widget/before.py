"""What an end user is asked before a conversation begins: a consent, and a few questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from conversations.journal.json_values import has_valid_text
from conversations.models import Channel
from integrations.behaviour.languages import DEFAULT, language_of

CONSENT_MAX = 500
ANSWER_MAX = 500
QUESTIONS_MAX = 8
KINDS = {
    "text": "Text",
    "email": "E-mail address",
    "phone": "Phone number",
    "select": "Choice",
}


class ConsentNeededError(Exception):
    """A conversation was to begin before the present text was agreed to."""


class AnswersWrongError(Exception):
    """Answers are missing or wrong; the text names each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What must be agreed to; `version` grows with every change of its words."""

    is_on: bool = False
    version: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)
    # {label, url} of what the text speaks of, and the same in languages that have their own.
    links: list[dict[str, str]] = field(default_factory=list)
    links_in: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)

    def text(self, locale: str) -> str:
        """Return the text in the language of a locale, in English where there is none."""
        return self.texts.get(language_of(locale)) or self.texts.get(DEFAULT, "")

    def links_of(self, locale: str) -> list[dict[str, str]]:
        """Return the policies in the language of a locale, the usual ones where it has none."""
        return self.links_in.get(language_of(locale)) or self.links


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of the form; `labels` and `option_labels` hold it in further languages."""

    name: str
    label: str
    kind: str = "text"
    is_required: bool = False
    options: list[str] = field(default_factory=list)
    labels: Mapping[str, str] = field(default_factory=dict)
    # What options are called, one for each in their order; an answer is the option itself.
    option_labels: Mapping[str, list[str]] = field(default_factory=dict)

    def options_in(self, locale: str) -> list[dict[str, str]]:
        """Return each option, and what it is called in the language of a locale."""
        called = self.option_labels.get(language_of(locale)) or self.options
        pairs = zip(self.options, called, strict=True)
        return [{"payload": option, "label": label} for option, label in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What comes before a conversation of a channel."""

    consent: Consent
    questions: list[Question]


def before_of(channel: Channel) -> Before:
    """Return what a channel asks; nothing, where no admin has asked for anything."""
    stored = channel.before or {}
    return Before(
        consent=Consent(**stored.get("consent", {})),
        questions=[Question(**one) for one in stored.get("questions", [])],
    )


def before_look(channel: Channel, locale: str) -> dict[str, Any]:
    """Return what the widget draws of it, in one language; empty where nothing is asked."""
    before = before_of(channel)
    found: dict[str, Any] = {}
    if before.consent.is_on:
        found["consent"] = {
            "version": before.consent.version,
            "text": before.consent.text(locale),
            "links": before.consent.links_of(locale),
        }
    if before.questions:
        found["fields"] = [_drawn(one, locale) for one in before.questions]
    return found


def consent_check(channel: Channel, given: Mapping[str, Any] | None, locale: str) -> dict[str, Any]:
    """Return what is recorded of the consent; raises ConsentNeededError."""
    consent = before_of(channel).consent
    if not consent.is_on:
        return {}
    version = (given or {}).get("version")
    if type(version) is not int or version != consent.version:
        raise ConsentNeededError(
            f"Show the text of consent (version {consent.version}) first, and send its version "
            "as consent.version once it is agreed to."
        )
    at = timezone.now().isoformat(timespec="milliseconds")
    return {"version": consent.version, "at": at, "language": language_of(locale)}


def answers_check(channel: Channel, given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the answers that were asked for; raises AnswersWrongError that names each fault."""
    answers, problems = {}, []
    for question in before_of(channel).questions:
        text = str((given or {}).get(question.name) or "").strip()
        if problem := _problem(question, text):
            problems.append(f"form.{question.name} {problem}")
        elif text:
            answers[question.name] = text
    if problems:
        raise AnswersWrongError("; ".join(problems) + ".")
    return answers


def _problem(question: Question, text: str) -> str:
    if not text:
        return "is needed" if question.is_required else ""
    if len(text) > ANSWER_MAX or not has_valid_text(text):
        return f"may have {ANSWER_MAX} characters that a text may hold"
    if question.kind == "select" and text not in question.options:
        return "must be one of its options"
    if question.kind == "email":
        try:
            validate_email(text)
        except ValidationError:
            return "must be an e-mail address"
    if question.kind == "phone" and sum(one.isdigit() for one in text) < 5:
        return "must be a phone number"
    return ""


def _drawn(question: Question, locale: str) -> dict[str, Any]:
    return {
        "name": question.name,
        "label": question.labels.get(language_of(locale)) or question.label,
        "kind": question.kind,
        "is_required": question.is_required,
        "options": question.options_in(locale),
        "max_length": ANSWER_MAX,
    }
