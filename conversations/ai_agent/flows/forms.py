"""The forms of a flow and of its steps; rows of a step are formsets with a free row at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms

from conversations.ai_agent.entities.reading import ENTITY_KINDS
from conversations.ai_agent.flows.steps import STEP_KINDS
from conversations.ai_agent.forms import LinesField
from conversations.models import Flow

PHRASES_MAX = 20
OPTIONS_MAX = 20
ROWS_MAX = 20
END = ("", "End of the flow")
Choices = list[tuple[str, Any]]


class FlowForm(forms.Form):
    """What a flow is called, and where it begins."""

    name = forms.CharField(
        max_length=80,
        help_text="A topic or a tool begins it by this name: conv.goto_flow('Returns').",
    )
    description = forms.CharField(
        max_length=500, required=False, help_text="What it is for; for you and your colleagues."
    )
    start_step = forms.ChoiceField(required=False, label="First step")

    def __init__(self, *args: Any, flow: Flow | None = None, **kwargs: Any) -> None:
        """Offer the flow's own steps."""
        super().__init__(*args, **kwargs)
        names = [step["name"] for step in flow.steps] if flow else []
        start: forms.ChoiceField = self.fields["start_step"]  # type: ignore[assignment]
        start.choices = [(name, name) for name in names]
        if not names:
            del self.fields["start_step"]

    @classmethod
    def for_flow(cls, flow: Flow) -> FlowForm:
        """Return the form filled with a flow."""
        initial = {name: getattr(flow, name) for name in cls.base_fields}
        return cls(initial=initial, flow=flow)


class StepForm(forms.Form):
    """One step; which fields count depends on its kind, and the page shows those alone."""

    step_name = forms.CharField(max_length=80, label="Name", help_text="Unique in the flow.")
    kind = forms.ChoiceField(choices=list(STEP_KINDS.items()), label="What it does")
    prompt = forms.CharField(
        max_length=4000,
        required=False,
        label="What the AI agent says",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Word for word. $order_number stands for a value that was collected or that a "
        "tool has put into conv.state.",
    )
    tools = forms.MultipleChoiceField(
        required=False,
        label="Tools to run",
        widget=forms.CheckboxSelectMultiple,
        help_text="In this order, once everything is collected. A tool gets collected values by "
        "the names of its parameters, and the flow as a parameter named flow.",
    )
    destination = forms.ChoiceField(
        required=False,
        label="Hand over to",
        help_text="What was collected goes along as attributes and as data of the Handoff API.",
    )
    reason = forms.CharField(
        max_length=128, required=False, help_text="Shown to the live agent and in reports."
    )
    note = forms.CharField(
        max_length=1000,
        required=False,
        label="Private note",
        help_text="For the live agent alone: the end user never reads it.",
    )
    waiting_flow = forms.ChoiceField(
        required=False,
        label="While the end user waits, run",
        help_text="This flow speaks while nobody has joined, and stops as soon as somebody does.",
    )
    next_step = forms.ChoiceField(
        required=False,
        label="Then go on at",
        help_text="Where no condition below decides, or when the live agent has left.",
    )
    on_failed = forms.ChoiceField(
        required=False,
        label="If the handoff fails, go on at",
        help_text="Nobody there, not connected, refused, cancelled, or waited too long.",
    )

    def __init__(
        self, *args: Any, steps: Choices, tools: Choices, flows: Choices, places: Choices, **kw: Any
    ) -> None:
        """Offer what the project has."""
        super().__init__(*args, **kw)
        offers = {
            "tools": tools,
            "destination": [("", "The default one"), *places],
            "waiting_flow": [("", "Nothing"), *flows],
            "next_step": [END, *steps],
            "on_failed": [("", "Stay with this step"), *steps],
        }
        for name, choices in offers.items():
            field: forms.ChoiceField = self.fields[name]  # type: ignore[assignment]
            kept = self.initial.get(name) or []
            known = set(_values(choices))
            gone = [one for one in ([kept] if isinstance(kept, str) else kept) if one not in known]
            field.choices = [*choices, *((one, f"{one} (no longer exists)") for one in gone)]


def _values(choices: Choices) -> Iterator[str]:
    """Yield the values of choices, those in groups too."""
    for value, label in choices:
        if isinstance(label, str):
            yield value
        else:
            yield from (one for one, _ in label)


class EntityForm(forms.Form):
    """A value to collect; a row without a name is left out."""

    name = forms.RegexField(
        r"^[A-Za-z_][A-Za-z0-9_]{0,39}$",
        required=False,
        label="Name",
        error_messages={"invalid": "Use letters, digits and underscores, such as order_number."},
    )
    kind = forms.ChoiceField(choices=[(one.key, one.label) for one in ENTITY_KINDS.values()])
    question = forms.CharField(max_length=500, required=False, label="Question")
    options = LinesField(maximum=OPTIONS_MAX, rows=2, label="Options, one per line")


class ConditionForm(forms.Form):
    """A way out of a step; a row without any content is left out."""

    description = forms.CharField(max_length=120, required=False, label="When")
    phrases = LinesField(maximum=PHRASES_MAX, rows=2, label="The end user says, one per line")
    required_entities = forms.CharField(max_length=400, required=False, label="Needs, by comma")
    child_step = forms.ChoiceField(required=False, label="Go to")
    remove = forms.BooleanField(required=False, label="Remove")

    def __init__(self, *args: Any, steps: Choices, **kwargs: Any) -> None:
        """Offer the flow's steps."""
        super().__init__(*args, **kwargs)
        target: forms.ChoiceField = self.fields["child_step"]  # type: ignore[assignment]
        kept = self.initial.get("child_step") or ""
        gone = [(kept, f"{kept} (no longer exists)")] if kept not in dict([END, *steps]) else []
        target.choices = [END, *steps, *gone]


EntityRows = forms.formset_factory(EntityForm, extra=1, max_num=ROWS_MAX)
ConditionRows = forms.formset_factory(ConditionForm, extra=1, max_num=ROWS_MAX)


class StepEditor:
    """A step's form and its rows, as one."""

    def __init__(self, step: Mapping[str, Any], data: Any, offers: Mapping[str, Choices]) -> None:
        """Fill them with the step, or with what was sent."""
        initial = {**step, "step_name": step.get("name", "")}
        self.form = StepForm(data, initial=initial, **offers)
        self.entities = EntityRows(data, prefix="entities", initial=step.get("entities", []))
        rows = [
            {**one, "required_entities": ", ".join(one.get("required_entities", []))}
            for one in step.get("conditions", [])
        ]
        self.conditions = ConditionRows(
            data,
            prefix="conditions",
            initial=rows,
            form_kwargs={"steps": offers["steps"]},
        )

    def is_valid(self) -> bool:
        """Check all of them, so that each says what is wrong."""
        found = [one.is_valid() for one in (self.form, self.entities, self.conditions)]
        return all(found)

    def step(self) -> dict[str, Any]:
        """Return the step as a flow keeps it: without what is empty."""
        values = dict(self.form.cleaned_data)
        found = {
            "name": values.pop("step_name"),
            **values,
            "entities": [_filled(row) for row in self._rows(self.entities) if row.get("name")],
            "conditions": [
                _condition(row) for row in self._rows(self.conditions) if _is_given(row)
            ],
        }
        return _filled(found)

    def _rows(self, formset: Any) -> Iterable[dict[str, Any]]:
        return (form.cleaned_data for form in formset if form.cleaned_data)


def _condition(row: Mapping[str, Any]) -> dict[str, Any]:
    names = [one.strip() for one in row["required_entities"].split(",")]
    kept = {name: value for name, value in row.items() if name != "remove"}
    return _filled({**kept, "required_entities": [one for one in names if one]})


def _is_given(row: Mapping[str, Any]) -> bool:
    """Tell a condition from the free row at the end."""
    if row.get("remove"):
        return False
    return any(value for name, value in row.items() if name != "remove")


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in ("", [], None)}
