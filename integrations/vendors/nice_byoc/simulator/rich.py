"""Rich messages as the pretend agents send them to a BYOC channel."""

from __future__ import annotations

from typing import Any

from integrations.simulators.digital_content import content_made, contents_with


def content_of(kind: str, base_url: str) -> dict[str, Any]:
    """Return messageContent of a kind."""
    return content_made(_CONTENTS[kind], base_url)


def _text(content: str) -> dict[str, Any]:
    return {"content": content}


_CONTENTS = contents_with(_text)
KINDS = tuple(_CONTENTS)
