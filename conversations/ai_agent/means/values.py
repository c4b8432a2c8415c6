"""Read what tools see as conv.real_time_config and conv.translations."""

from __future__ import annotations

from typing import Any

from conversations.models import ToolValues


def values_of(project_id: int, language: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a project, and its texts in a language; English is the fallback."""
    row = ToolValues.objects.filter(project_id=project_id).first()
    if row is None:
        return {}, {}
    wanted = [language, language.replace("_", "-").split("-")[0], "en"]
    texts = {}
    for key, by_language in row.translations.items():
        found = next((by_language[one] for one in wanted if one in by_language), None)
        if found is not None:
            texts[key] = found
    return row.config, texts
