"""Writes rich content as plain text: lines, numbered choices, and whatever texts are in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

# Nothing that a person reads is deeper.
_MAX_DEPTH = 6


def joined(*lines: str) -> str:
    """Join the lines that hold something."""
    return "\n".join(line for line in lines if line)


def numbered(texts: Iterable[str]) -> list[str]:
    """Number what can be chosen, from 1 on; what is empty is left out."""
    return [f"{number}. {text}" for number, text in enumerate(filter(None, texts), start=1)]


def any_text(value: object, keys: Sequence[str]) -> str:
    """Collect the texts under these keys, best first, in content that has no rule of its own."""
    return joined(*dict.fromkeys(_texts(value, keys, 0)))


def _texts(value: object, keys: Sequence[str], depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, keys, depth + 1)
    elif isinstance(value, Mapping):
        yield from (value[key] for key in keys if isinstance(value.get(key), str))
        for item in value.values():
            yield from _texts(item, keys, depth + 1)
