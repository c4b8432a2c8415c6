"""Requests checked against the vendor's own service models, which the botocore package carries.

Imitates docs.aws.amazon.com/connect/latest/APIReference: required members, lengths, ranges,
enumerations and patterns of every operation come from there, not from us.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Shape = Mapping[str, Any]


class ModelError(Exception):
    """A request does not fit the model; the text names the member at fault, not its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a service: how it is reached and what it takes."""

    name: str
    method: str
    path: str
    input_shape: str
    service: str
    error_statuses: Mapping[str, int]


@functools.cache
def _model(service: str) -> Mapping[str, Any]:
    package = importlib.util.find_spec("botocore")
    if package is None or package.origin is None:
        raise RuntimeError("The package botocore is needed: it carries the service models.")
    folder = Path(package.origin).parent / "data" / service
    newest = max(folder.glob("*/service-2.json.gz"))
    loaded: Mapping[str, Any] = json.loads(gzip.decompress(newest.read_bytes()))
    return loaded


@functools.cache
def operation(service: str, name: str) -> Operation:
    """Return an operation of a service's model."""
    model = _model(service)
    found = model["operations"][name]
    shapes = [error["shape"] for error in found.get("errors", [])]
    return Operation(
        name=name,
        method=found["http"]["method"],
        path=found["http"]["requestUri"],
        input_shape=found["input"]["shape"],
        service=service,
        error_statuses={s: model["shapes"][s]["error"]["httpStatusCode"] for s in shapes},
    )


def check(found: Operation, values: Mapping[str, Any]) -> None:
    """Raise ModelError where the values do not fit the operation's input."""
    _check(_model(found.service)["shapes"], found.input_shape, values, "")


def members(found: Operation) -> Mapping[str, Shape]:
    """Return the input's members by name, each with its place in the request."""
    shape: Shape = _model(found.service)["shapes"][found.input_shape]
    result: Mapping[str, Shape] = shape["members"]
    return result


def shape_of(service: str, name: str) -> Shape:
    """Return a shape of a service's model."""
    found: Shape = _model(service)["shapes"][name]
    return found


def _check(shapes: Mapping[str, Shape], name: str, value: Any, path: str) -> None:
    shape = shapes[name]
    kind = shape["type"]
    if not _is_kind(kind, value):
        raise ModelError(f"{path or 'The request'} must be of type {kind}.")
    for problem in _limits(shape, kind, value):
        raise ModelError(f"{path} {problem}.")
    if kind == "structure":
        _check_members(shapes, shape, value, path)
    elif kind == "list":
        for index, one in enumerate(value):
            _check(shapes, shape["member"]["shape"], one, f"{path}[{index}]")
    elif kind == "map":
        for key, one in value.items():
            _check(shapes, shape["key"]["shape"], key, f"A key of {path}")
            _check(shapes, shape["value"]["shape"], one, f"A value of {path}")


def _check_members(shapes: Mapping[str, Shape], shape: Shape, value: Any, path: str) -> None:
    prefix = f"{path}." if path else ""
    for required in shape.get("required", []):
        if value.get(required) is None:
            raise ModelError(f"{prefix}{required} is required.")
    if shape.get("union") and len(value) != 1:
        raise ModelError(f"{path} must have exactly one member.")
    for name, one in value.items():
        if name not in shape["members"]:
            raise ModelError(f"{prefix}{name} is not a member of the request.")
        _check(shapes, shape["members"][name]["shape"], one, prefix + name)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "timestamp": (int, float, str),
}


def _is_kind(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _limits(shape: Shape, kind: str, value: Any) -> Iterator[str]:
    size = value if kind in ("integer", "long") else None
    if kind in ("string", "list", "map"):
        size = len(value)
    if size is not None and size < shape.get("min", size):
        yield f"must be at least {shape['min']}"
    if size is not None and size > shape.get("max", size):
        yield f"must be at most {shape['max']}"
    if "enum" in shape and value not in shape["enum"]:
        yield f"must be one of {', '.join(shape['enum'])}"
    if "pattern" in shape and not _fits(shape["pattern"], value):
        yield f"must match {shape['pattern']}"


def _fits(pattern: str, value: str) -> bool:
    # Unicode classes are Java's; none of the members we serve is worse off for a looser check.
    if "\\p{" in pattern or "\\P{" in pattern or "\\u" in pattern:
        return True
    return re.fullmatch(pattern, value) is not None
