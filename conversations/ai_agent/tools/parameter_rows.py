"""The rows in which a tool's parameters are edited: what is typed, as text, and what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from django.http import QueryDict

from conversations.ai_agent.entities.parameters import (
    OPTIONS_MAX,
    TYPES,
    Parameter,
    parameters_read,
    signature_of,
    value_fit,
)
from conversations.ai_agent.entities.reading import Value
from integrations.kit.json_values import count_read

PREFIX = "parameter_"
# Says that a form has had the rows: without it the parameters stay as they are.
POSTED = "parameters_shown"
ROWS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """A row as it is typed; `options` are separated by commas, `trial` is for a trial run alone."""

    name: str = ""
    type: str = "string"
    description: str = ""
    required: str = "yes"
    options: str = ""
    question: str = ""
    trial: str = ""

    def parameter(self) -> Parameter:
        """Return what the row says."""
        options = [one.strip() for one in self.options.split(",")]
        return Parameter(
            name=self.name.strip(),
            type=self.type if self.type in TYPES else "string",
            description=self.description.strip(),
            is_required=self.required != "no",
            options=tuple(one for one in options if one)[:OPTIONS_MAX],
            question="\n".join(line.strip() for line in self.question.splitlines() if line.strip()),
        )


def rows_of(source: str, function_name: str, stored: object) -> list[ParameterRow]:
    """Return the rows of a tool; one whose list is still empty has those of its signature."""
    listed = parameters_read(stored) or signature_of(source, function_name)
    return [_row(one) for one in listed]


def rows_posted(posted: QueryDict) -> list[ParameterRow]:
    """Return the rows of a form."""
    names = [field.name for field in fields(ParameterRow)]
    columns = {name: posted.getlist(f"{PREFIX}{name}") for name in names}
    return [
        ParameterRow(**{name: column[at] for name, column in columns.items() if at < len(column)})
        for at in range(len(columns["name"]))
    ]


def rows_move(
    rows: Sequence[ParameterRow], command: str, *, source: str, function_name: str
) -> list[ParameterRow]:
    """Return the rows after a button of theirs was pressed: take, add, or remove:1."""
    verb, _, number = command.partition(":")
    if verb == "take":
        known = {row.name.strip(): row for row in rows}
        signed = signature_of(source, function_name)
        return [known.get(one.name) or _row(one) for one in signed]
    if verb == "add":
        return [*rows, ParameterRow()][:ROWS_MAX]
    at = count_read(number)
    return [row for place, row in enumerate(rows) if place != at]


def rows_stored(rows: Sequence[ParameterRow]) -> list[dict[str, object]]:
    """Return what Tool.parameters keeps of the rows; those without a name are left out."""
    return [row.parameter().stored() for row in rows if row.name.strip()]


def trial_values(
    parameters: Sequence[Parameter], rows: Sequence[ParameterRow]
) -> tuple[dict[str, Value], list[str]]:
    """Return the arguments typed for a trial run, and in sentences what is wrong with them."""
    typed: Mapping[str, str] = {row.name.strip(): row.trial.strip() for row in rows}
    values: dict[str, Value] = {}
    problems = []
    for one in parameters:
        text = typed.get(one.name, "")
        value = value_fit(one, text) if text else None
        if value is not None:
            values[one.name] = value
        elif text:
            problems.append(f"{one.name}: “{text[:60]}” is no {one.kind.label.lower()}.")
        elif one.is_required:
            problems.append(f"{one.name} is required: type a value for the trial beside its name.")
    return values, problems


def _row(parameter: Parameter) -> ParameterRow:
    return ParameterRow(
        name=parameter.name,
        type=parameter.kind.key,
        description=parameter.description,
        required="yes" if parameter.is_required else "no",
        options=", ".join(parameter.options),
        question=parameter.question,
    )
