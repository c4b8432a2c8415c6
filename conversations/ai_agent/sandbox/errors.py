"""Turns what the sandbox raised into an error for the tool's builder: a code, a line, a reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pydantic_monty import (
    Frame,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
)

from conversations.ai_agent.sandbox.results import Code, ToolError

MAX_MESSAGE_CHARS = 500
# The prelude is the session's first feed, the tool's source its second.
SOURCE_FEED: Final = "<python-input-1>"
UNSUPPORTED: Final = "The monty syntax parser does not yet support "

# What importing works for; everything else a tool needs comes through `conv`.
AVAILABLE_MODULES: Final = (
    "asyncio",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "os",
    "pathlib",
    "random",
    "re",
    "sys",
    "time",
    "tomllib",
    "typing",
    "unicodedata",
)
# Of those, the ones worth naming: the rest work only in part, or are of no use without files.
USEFUL_MODULES: Final = (
    "base64, collections, csv, dataclasses, datetime, decimal, functools, hashlib, itertools, "
    "json, math, random, re, time, typing"
)

# How the sandbox's own refusals begin, by the exception's name; a tool may raise the same names.
LIMITS: Final[dict[str, tuple[tuple[str, ...], Code, str]]] = {
    "TimeoutError": (
        ("feed time limit exceeded", "sleep limit exceeded", "turn time limit exceeded"),
        "timeout",
        "the tool ran longer than its time limit and was stopped",
    ),
    "MemoryError": (
        ("memory limit exceeded",),
        "memory",
        "the tool needed more memory than it may use and was stopped",
    ),
}


def tool_error(
    error: MontyError, source: str, function_name: str, hide: Callable[[str], str] = str
) -> ToolError:
    """Build the ToolError for a failed run; quotes the builder's own code and nothing else.

    `hide` blackens secrets, before anything is cut.
    """
    if isinstance(error, MontyCrashedError):
        if error.timed_out:
            return ToolError("timeout", LIMITS["TimeoutError"][2])
        return ToolError("crashed", "the sandbox stopped while running the tool")
    if isinstance(error, MontySyntaxError):
        line, column = position(error.traceback(), source, function_name)
        return ToolError(
            "syntax", hide(error.display("msg"))[:MAX_MESSAGE_CHARS], line=line, column=column
        )
    if not isinstance(error, MontyRuntimeError):
        return ToolError("bad_return", "the tool handed back something that is not plain data")
    return _runtime_error(error, source, function_name, hide)


def _runtime_error(
    error: MontyRuntimeError, source: str, function_name: str, hide: Callable[[str], str]
) -> ToolError:
    kind, text = type(error.exception()).__name__, hide(error.display("msg"))
    line, column = position(error.traceback(), source, function_name)
    if text.startswith(UNSUPPORTED):
        message = f"tools cannot use this part of Python: {text.removeprefix(UNSUPPORTED)}"
        return ToolError("syntax", message[:MAX_MESSAGE_CHARS], line=line, column=column)
    openings, code, message = LIMITS.get(kind, ((), "runtime", ""))
    if text.startswith(openings):
        return ToolError(code, message, line=line, column=column)
    message = f"{kind}: {text}"[:MAX_MESSAGE_CHARS]
    if text == f"name '{function_name}' is not defined" and column is None:
        return ToolError("syntax", f"the source defines no function named {function_name}")
    if kind == "ModuleNotFoundError":
        message = f"{message}. Tools can import: {USEFUL_MODULES}"
    return ToolError("runtime", message, line=line, column=column)


def position(frames: list[Frame], source: str, function_name: str) -> tuple[int | None, int | None]:
    """Return the innermost place in the builder's source, as line and column from 1.

    A failure of the call itself (a missing argument) is placed at the function's definition, and
    one found at the end of the text at its last line.
    """
    last_line = source.count("\n") + 1
    own = [frame for frame in frames if frame.filename == SOURCE_FEED]
    if not own:
        return None, None
    inside = [frame for frame in own if frame.line <= last_line]
    if inside:
        return inside[-1].line, inside[-1].column
    if own[-1].function_name is None:
        return len(source.rstrip().splitlines()) or 1, None
    found = re.search(rf"^def\s+{re.escape(function_name)}\b", source, re.MULTILINE)
    return (source.count("\n", 0, found.start()) + 1 if found else None), None
