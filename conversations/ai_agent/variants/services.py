"""Create, change and delete variants; the only writer of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from conversations.models import Variant
from integrations.models import Project
from integrations.projects.audit import audit_record

VARIANTS_MAX = 50
ATTRIBUTES_MAX = 50
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


@transaction.atomic
def variant_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Variant:
    """Add a variant; raises ValidationError with the field at fault."""
    project.lock()
    if project.variants.count() >= VARIANTS_MAX:
        raise ValidationError({"name": f"A project takes at most {VARIANTS_MAX} variants."})
    variant = Variant(project=project, **values)
    _save(variant)
    _audit(variant, actor, "created", values)
    return variant


@transaction.atomic
def variant_update(*, variant: Variant, actor: Any, values: Mapping[str, Any]) -> Variant:
    """Change a variant; its id stays. Raises ValidationError with the field at fault."""
    variant.project.lock()
    changed = variant.change(values)
    _save(variant)
    if changed:
        _audit(variant, actor, "changed", changed)
    return variant


@transaction.atomic
def variant_delete(*, variant: Variant, actor: Any) -> None:
    """Delete a variant; conversations that name it have none afterwards."""
    _audit(variant, actor, "deleted", ())
    variant.delete()


def attributes_read(lines: Iterable[str]) -> dict[str, str]:
    """Return the attributes of `name = text` lines; raises ValueError that names the line."""
    found: dict[str, str] = {}
    for line in lines:
        name, has_text, text = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not has_text or not _ATTRIBUTE.fullmatch(name):
            raise ValueError(f"“{line.strip()[:60]}” is not name = text.")
        if name in found:
            raise ValueError(f"{name} is given twice.")
        found[name] = text
    if len(found) > ATTRIBUTES_MAX:
        raise ValueError(f"{len(found)} attributes are given; at most {ATTRIBUTES_MAX} fit.")
    return found


def attribute_lines(attributes: Mapping[str, str]) -> str:
    """Return the lines that attributes_read would read so."""
    return "\n".join(f"{name} = {text}" for name, text in attributes.items())


def language_problem(language: str) -> str:
    """Say why a text is no language tag; empty when it is one."""
    if not language or _LANGUAGE.fullmatch(language):
        return ""
    return f"“{language}” is no language tag, such as de or en-GB."


def _save(variant: Variant) -> None:
    variant.name = variant.name.strip()
    others = Variant.objects.filter(project=variant.project).exclude(pk=variant.pk)
    if others.filter(name=variant.name).exists():
        message = f"A variant named “{variant.name}” exists in this project."
        raise ValidationError({"name": ValidationError(message, code="variant_name")})
    if variant.is_default:
        others.filter(is_default=True).update(is_default=False)
    variant.save()


def _audit(variant: Variant, actor: Any, verb: str, fields: Any) -> None:
    audit_record(
        project=variant.project,
        actor=actor,
        action=f"variant.{verb}",
        subject=variant.name,
        fields=fields,
    )
