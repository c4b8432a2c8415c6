"""A project's own words for what end users read, by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from integrations.behaviour.languages import language_of
from integrations.behaviour.sentence import Tongue
from integrations.models import Project, Wording
from integrations.projects.audit import audit_record

WIDGET = "widget."


def tongue_of(project_id: int, locale: str) -> Tongue:
    """Return a locale that knows the project's own words, for whatever takes a locale."""
    return Tongue(locale, own_words(project_id, locale))


def own_words(project_id: int, locale: str) -> dict[str, str]:
    """Return what a project words anew in a locale's language; most word nothing."""
    rows = Wording.objects.filter(project_id=project_id, language=language_of(locale))
    found = rows.values_list("texts", flat=True).first()
    return found or {}


@transaction.atomic
def wording_set(project: Project, language: str, texts: Mapping[str, str], *, actor: Any) -> None:
    """Keep a project's words in one language; what is empty is said as before."""
    kept = {key: text for key, text in texts.items() if text}
    old = own_words(project.pk, language)
    changed = sorted(key for key in {*kept, *old} if kept.get(key) != old.get(key))
    Wording.objects.update_or_create(project=project, language=language, defaults={"texts": kept})
    if changed:
        audit_record(
            project=project,
            actor=actor,
            action="wording.changed",
            subject=language,
            fields=changed,
        )
