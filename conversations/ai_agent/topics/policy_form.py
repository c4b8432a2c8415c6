"""The form of Build > Handoff rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.ai_agent.topics.policy import LEVELS, MISSES_MAX, RULES_MAX, TriggerPolicy
from conversations.ai_agent.topics.rules import OPERATORS, WITHOUT_VALUE, condition_problem
from integrations.models import Project


class PolicyForm(forms.Form):
    """When the AI agent hands off by itself, and the rules of where to."""

    level = forms.ChoiceField(
        label="How soon the AI agent hands off", choices=LEVELS.items(), widget=forms.RadioSelect
    )
    on_wish = forms.BooleanField(
        required=False,
        label="An explicit wish for a human",
        help_text="“Agent please”, “/human”, “Help”, in English, German and Spanish. A topic of "
        "your own for it decides what is said. What is refused (“no human please”) is no wish.",
    )
    on_anger = forms.BooleanField(
        required=False,
        label="Frustration",
        help_text="“This is useless”, “you don't understand”, where no topic matches.",
    )
    misses = forms.IntegerField(
        min_value=0,
        max_value=MISSES_MAX,
        label="Messages in a row that nobody understands",
        help_text="So many hand off; 0: never. Greetings and thanks do not count. AI first bears "
        "twice as many.",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        """Offer the project's destinations in each rule's row."""
        super().__init__(*args, **kwargs)
        places = project.destinations.order_by("name").values_list("name", flat=True)
        self._places = [("", "No rule"), *((name, name) for name in places)]
        for number in range(1, RULES_MAX + 1):
            self._add_rule(number)

    def _add_rule(self, number: int) -> None:
        compares = [(name, words) for name, (words, _) in OPERATORS.items()]
        fact = forms.TextInput(attrs={"class": "code", "placeholder": "state.tier"})
        added = {
            "fact": forms.CharField(required=False, max_length=80, widget=fact, label="Value"),
            "op": forms.ChoiceField(choices=compares, required=False, label="Comparison"),
            "value": forms.CharField(required=False, max_length=200, label="Compared with"),
            "to": forms.ChoiceField(choices=self._places, required=False, label="Destination"),
        }
        for name, field in added.items():
            field.label = f"{field.label} of rule {number}"
            self.fields[f"{name}_{number}"] = field

    @property
    def rule_rows(self) -> list[list[forms.BoundField]]:
        """Return the fields of each rule."""
        numbers = range(1, RULES_MAX + 1)
        return [[self[f"{name}_{n}"] for name in ("fact", "op", "value", "to")] for n in numbers]

    @property
    def has_places(self) -> bool:
        """Say whether there is a destination to choose."""
        return len(self._places) > 1

    def clean(self) -> dict[str, Any]:
        """Refuse a rule that could never hold."""
        found = super().clean() or {}
        for number in range(1, RULES_MAX + 1):
            if found.get(f"to_{number}") and (
                problem := condition_problem(self._condition(number))
            ):
                self.add_error(f"fact_{number}", ValidationError(f"Rule {number}: {problem}"))
        return found

    def policy(self) -> dict[str, Any]:
        """Return the policy of a valid form, as it is stored."""
        found = self.cleaned_data
        rules = [
            {"condition": self._condition(number), "destination": found[f"to_{number}"]}
            for number in range(1, RULES_MAX + 1)
            if found[f"to_{number}"]
        ]
        names = ("level", "on_wish", "on_anger", "misses")
        return {name: found[name] for name in names} | {"rules": rules}

    @classmethod
    def of(cls, project: Project, policy: TriggerPolicy) -> PolicyForm:
        """Return the form filled with a policy."""
        names = ("level", "on_wish", "on_anger", "misses")
        initial: dict[str, Any] = {name: getattr(policy, name) for name in names}
        for number, rule in enumerate(policy.rules, start=1):
            condition = rule["condition"]
            initial |= {
                f"{name}_{number}": condition.get(name, "") for name in ("fact", "op", "value")
            }
            initial[f"to_{number}"] = rule["destination"]
        return cls(project, initial=initial)

    def _condition(self, number: int) -> dict[str, str]:
        found = {
            name: self.cleaned_data.get(f"{name}_{number}", "") for name in ("fact", "op", "value")
        }
        found["fact"] = found["fact"].strip()
        if found["op"] in WITHOUT_VALUE:
            found.pop("value")
        return found
