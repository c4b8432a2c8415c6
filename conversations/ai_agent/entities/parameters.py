"""What a tool takes beside conv: from its signature, and from the list on its page.

The signature says which parameters there are and which Python needs; the list adds what each one
means, of which kind it is, and how the end user is asked for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conversations.ai_agent.entities.reading import Value, entity_read
from conversations.models import Tool

OPTIONS_MAX, TEXT_MAX = 50, 500
_GIVEN_BY_US = frozenset({"conv", "flow"})
_ANNOTATED = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_BY_LANGUAGE = re.compile(r"^\s*([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?)\s*:\s*(.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterType:
    """A kind of argument: its name in forms, how it is read, and what a model is told of it."""

    key: str
    label: str
    entity: str
    schema: Mapping[str, Any]


TYPES: Mapping[str, ParameterType] = {
    key: ParameterType(key=key, label=label, entity=entity, schema=schema)
    for key, label, entity, schema in (
        ("string", "Text", "free_text", {"type": "string"}),
        ("number", "Number", "numeric", {"type": "number"}),
        ("integer", "Whole number", "numeric", {"type": "integer"}),
        ("boolean", "Yes or no", "yes_no", {"type": "boolean"}),
        ("enum", "One of several", "enum", {"type": "string"}),
        ("date", "Date", "date", {"type": "string", "format": "date"}),
        ("email", "E-mail address", "email", {"type": "string", "format": "email"}),
        ("phone_number", "Phone number", "phone_number", {"type": "string"}),
        ("code", "Code with digits", "alphanumeric", {"type": "string"}),
        ("name", "Name of a person", "name", {"type": "string"}),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a tool; `question` asks for it, a line for each language.

    Without a `type` nobody has said what it is, and it counts as a text.
    """

    name: str
    type: str = ""
    description: str = ""
    is_required: bool = True
    options: Sequence[str] = ()
    question: str = ""

    @property
    def kind(self) -> ParameterType:
        """Return its type."""
        return TYPES.get(self.type, TYPES["string"])

    @property
    def takes_all(self) -> bool:
        """Say whether any words would be an answer."""
        return self.kind.entity in ("free_text", "name")

    @property
    def what(self) -> str:
        """Say in words what it is."""
        return self.description or self.name.replace("_", " ").strip()

    def stored(self) -> dict[str, Any]:
        """Return it as Tool.parameters keeps it."""
        return {
            "name": self.name,
            "type": self.kind.key,
            "description": self.description,
            "is_required": self.is_required,
            "options": list(self.options),
            "question": self.question,
        }

    def asked_in(self, locale: str) -> str:
        """Return the builder's question in a language; empty where there is none."""
        plain, own = [], {}
        for line in self.question.splitlines():
            found = _BY_LANGUAGE.match(line)
            if found:
                own[found[1].lower().replace("_", "-")] = found[2].strip()
            elif line.strip():
                plain.append(line.strip())
        wanted = locale.lower().replace("_", "-")
        text = own.get(wanted) or own.get(wanted.split("-")[0]) or " ".join(plain)
        return text or next(iter(own.values()), "")


def parameters_read(stored: object) -> list[Parameter]:
    """Read Tool.parameters; what no editor would have written is left out."""
    rows = [one for one in stored if isinstance(one, dict)] if isinstance(stored, list) else []
    return [_read(one) for one in rows if isinstance(one.get("name"), str) and one["name"]]


def parameters_of(source: str, function_name: str, stored: object) -> list[Parameter]:
    """Return what a tool takes, in the order of its signature, with what its list says of each.

    What Python needs is required, whatever the list says.
    """
    listed = {one.name: one for one in parameters_read(stored)}
    return [
        _joined(one, listed[one.name]) if one.name in listed else one
        for one in signature_of(source, function_name)
    ]


def tool_parameters(tool: Tool) -> list[Parameter]:
    """Return what a tool takes beside conv."""
    return parameters_of(tool.source, tool.name, tool.parameters)


def parameters_needed(tools: Iterable[Tool]) -> dict[str, list[str]]:
    """Return by the name of each tool the parameters without which it cannot run."""
    return {
        tool.name: [one.name for one in tool_parameters(tool) if one.is_required] for tool in tools
    }


@lru_cache(maxsize=512)
def takes_flow(source: str, function_name: str) -> bool:
    """Say whether a function has a parameter for the flow that runs it."""
    function = _function(source, function_name)
    return function is not None and any(one.arg == "flow" for one in _arguments(function))


@lru_cache(maxsize=512)
def signature_of(source: str, function_name: str) -> tuple[Parameter, ...]:
    """Return the parameters of a function in a source; nothing where it cannot be read."""
    function = _function(source, function_name)
    return tuple(_in_signature(function)) if function else ()


def differences(source: str, function_name: str, stored: object) -> list[str]:
    """Say in sentences where the list on the tool's page and the signature differ.

    A tool without a list goes by its signature alone.
    """
    listed = {one.name: one for one in parameters_read(stored)}
    signed = {one.name: one for one in signature_of(source, function_name)}
    if not listed:
        return []
    found = [
        f"{name} is not in the list of parameters: it counts as a plain text. Add it there."
        for name in signed
        if name not in listed
    ]
    found += [
        f"the list of parameters has {name}, which {function_name} does not take: it is ignored."
        for name in listed
        if name not in signed
    ]
    for name in listed.keys() & signed.keys():
        found += _pair_differences(name, signed[name], listed[name])
    return sorted(found)


def parameters_problems(stored: object) -> list[str]:
    """Say in sentences what is wrong with a list of parameters, by the number of its row."""
    found, names = [], set[str]()
    for number, one in enumerate(parameters_read(stored), start=1):
        problem = ""
        if not one.name.isidentifier() or one.name in _GIVEN_BY_US:
            problem = f"“{one.name[:40]}” is no name that a function's parameter can have."
        elif one.name in names:
            problem = f"{one.name} stands there twice."
        elif one.kind.key == "enum" and len(one.options) < 2:
            problem = f"write what {one.name} can be, separated by commas: two or more."
        elif len(one.description) > TEXT_MAX or len(one.question) > TEXT_MAX:
            problem = f"a description or a question takes up to {TEXT_MAX} characters."
        names.add(one.name)
        found += [f"Parameter {number}: {problem}"] if problem else []
    return found


def value_fit(parameter: Parameter, value: object) -> Value | None:
    """Return a value as the parameter's type has it, or None where it is none of that type."""
    kind = parameter.kind.entity
    if not parameter.type and isinstance(value, int | float):
        return value
    if isinstance(value, bool):
        return value if kind == "yes_no" else None
    if isinstance(value, int | float):
        return _number(parameter, value) if kind == "numeric" else _read_text(parameter, str(value))
    if not isinstance(value, str) or not value.strip():
        return None
    if kind in ("free_text", "name"):
        return value
    if kind == "yes_no" and value.strip().casefold() in ("true", "false"):
        return value.strip().casefold() == "true"
    return _read_text(parameter, value)


def schema_of(parameter: Parameter) -> dict[str, Any]:
    """Return what a model is told of it, as JSON schema."""
    told: dict[str, Any] = dict(parameter.kind.schema)
    if parameter.description:
        told["description"] = parameter.description
    if parameter.kind.key == "enum" and parameter.options:
        told["enum"] = list(parameter.options)
    return told


def _read_text(parameter: Parameter, text: str) -> Value | None:
    value = entity_read(parameter.kind.entity, text, parameter.options)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(parameter, value)
    return value


def _number(parameter: Parameter, value: int | float) -> int | float | None:
    if parameter.type != "integer":
        return value
    return int(value) if float(value).is_integer() else None


def _read(raw: Mapping[str, Any]) -> Parameter:
    kind, options = str(raw.get("type", "string")), raw.get("options")
    return Parameter(
        name=raw["name"],
        type=kind if kind in TYPES else "string",
        description=str(raw.get("description") or ""),
        is_required=raw.get("is_required", True) is not False,
        options=tuple(map(str, options)) if isinstance(options, list) else (),
        question=str(raw.get("question") or ""),
    )


def _joined(signed: Parameter, listed: Parameter) -> Parameter:
    return Parameter(
        name=signed.name,
        type=listed.type,
        description=listed.description or signed.description,
        is_required=signed.is_required or listed.is_required,
        options=listed.options or signed.options,
        question=listed.question,
    )


def _pair_differences(name: str, signed: Parameter, listed: Parameter) -> Iterator[str]:
    of_python = {signed.kind.schema["type"], listed.kind.schema["type"]}
    if signed.type and len(of_python) > 1 and of_python != {"integer", "number"}:
        yield (
            f"{name} is annotated as {signed.kind.label.lower()}, and the list of parameters "
            f"calls it {listed.kind.label.lower()}."
        )
    if signed.is_required and not listed.is_required:
        yield f"{name} has no default in the function, so it is required, whatever the list says."


def _function(source: str, name: str) -> ast.FunctionDef | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return found[-1] if found else None


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _in_signature(function: ast.FunctionDef) -> Iterator[Parameter]:
    places = [*function.args.posonlyargs, *function.args.args]
    defaults = len(places) - len(function.args.defaults)
    needed = {one.arg for one in places[:defaults]}
    keywords = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    needed |= {one.arg for one, default in keywords if default is None}
    told = _told(function)
    for one in _arguments(function):
        if one.arg not in _GIVEN_BY_US:
            kind, options = _type_of(one.annotation)
            yield Parameter(
                name=one.arg,
                type=kind,
                description=told.get(one.arg, ""),
                is_required=one.arg in needed,
                options=options,
            )


def _type_of(annotation: ast.expr | None) -> tuple[str, tuple[str, ...]]:
    """Read str, int, float, bool, Literal["a", "b"], and any of them | None or Optional."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _type_of(annotation.left)
    if isinstance(annotation, ast.Subscript):
        outer = ast.unparse(annotation.value).rpartition(".")[2]
        inner = annotation.slice
        if outer == "Optional":
            return _type_of(inner)
        if outer == "Literal":
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            options = [one.value for one in parts if isinstance(one, ast.Constant)]
            return "enum", tuple(map(str, options))[:OPTIONS_MAX]
    name = annotation.id if isinstance(annotation, ast.Name) else ""
    return _ANNOTATED.get(name, ""), ()


def _told(function: ast.FunctionDef) -> dict[str, str]:
    """Return what the docstring says of parameters, as `name: what it is`, a line each."""
    lines = (ast.get_docstring(function) or "").splitlines()
    found = (
        re.match(r"\s*(?::param\s+)?(\w+)\s*(?:\([^)]*\))?\s*:\s*(\S.*)$", one) for one in lines
    )
    return {match[1]: match[2].strip() for match in found if match}
