"""The parser of the APIs' JSON: what cannot be kept is refused, with the field at fault."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import IO, Any, Never

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from integrations.kit.plain_json import MAX_DEPTH, json_problem

_BODY = "body"
_TOKENS = re.compile(r'"((?:[^"\\]|\\.)*)"|[\[\]{}]')


class StrictJSONParser(JSONParser):
    """Answers 400 for broken texts, numbers and nesting, and cleans nothing."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body as Python values; raises ParseError, which names the field."""
        raw = stream.read()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ParseError(f"{_BODY}: It is not UTF-8.") from error
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except RecursionError as error:
            reason = f"It is nested deeper than {MAX_DEPTH} levels."
            raise ParseError(f"{_deep_field(text)}: {reason}") from error
        except ValueError as error:
            raise ParseError(f"{_BODY}: It is no JSON: {_said(error)}") from error
        if found := json_problem(value):
            raise ParseError(_sentence(*found))
        return value


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")


def _sentence(path: str, reason: str) -> str:
    field = re.split(r"[.\[]", path, maxsplit=1)[0] or _BODY
    return f"{field}: {reason}." if path in ("", field) else f"{field}: {reason}, at {path}."


def _said(error: ValueError) -> str:
    """Return where it broke, never a piece of the body."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}."
    return f"{error}."


def _deep_field(text: str) -> str:
    """Name the field in which the nesting goes too deep, for a body that cannot be read."""
    field, depth = _BODY, 0
    for token in _TOKENS.finditer(text):
        mark = token.group()[0]
        if mark == '"':
            field = token.group(1)[:40] if depth == 1 else field
        else:
            depth += 1 if mark in "[{" else -1
        if depth > MAX_DEPTH:
            break
    return "".join(char if char.isprintable() else "?" for char in field)
