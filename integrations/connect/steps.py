"""What the steps of the Connect flow show, worked out from a manifest and an integration."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from integrations.behaviour.channels import CHANNELS, channels_of
from integrations.connections.destinations import connection_title
from integrations.connections.drafts import LastTest, edited_values
from integrations.connections.outcomes import (
    WEBHOOK_CAUSE,
    WEBHOOK_CURE,
    WEBHOOK_SEEN,
    check_labels,
)
from integrations.contract.connector import CheckResult
from integrations.contract.failures import answer_word
from integrations.contract.manifest import ErrorHelp, GeneratedKind, Manifest
from integrations.contract.registry import manifest_get
from integrations.credentials.cleaning import fields_for_mode, is_required, mode_of
from integrations.credentials.generated_values import generated_for
from integrations.credentials.key_pairs import key_id_suggestion, public_jwk, public_pem
from integrations.models import Integration
from integrations.models.connection_name import DEFAULT_SET


class Step(enum.Enum):
    """The steps, in order; the value is the last part of the address."""

    BEFORE = "before"
    GIVE = "give"
    VALUES = "values"
    TEST = "test"
    BEHAVIOUR = "behaviour"
    DONE = "done"

    @property
    def title(self) -> str:
        """The words in the stepper."""
        return _TITLES[self]

    @property
    def url_name(self) -> str:
        """The name of the step's address."""
        return f"connect_{self.value}"


_TITLES = {
    Step.BEFORE: "Before you start",
    Step.GIVE: "Give to vendor",
    Step.VALUES: "From vendor",
    Step.TEST: "Test",
    Step.BEHAVIOUR: "Behaviour",
    Step.DONE: "Done",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A line of the stepper."""

    step: Step
    is_current: bool
    is_done: bool
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPairView:
    """The public half of the key pair being edited."""

    public_pem: str
    public_jwk: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One line of the check list, before or after it ran."""

    name: str
    label: str
    state: str
    detail: str = field(default="", repr=False)
    code: str = ""
    ms: int | None = None
    cause: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """A channel on the behaviour page, and who else takes its handoffs."""

    name: str
    label: str
    is_taken: bool
    others: tuple[str, ...]


def channel_views(integration: Integration, rivals: Sequence[Integration]) -> list[ChannelView]:
    """Return the channels to map; none where there is nothing to choose."""
    if not rivals:
        return []
    return [
        ChannelView(
            name=name,
            label=label,
            is_taken=name in channels_of(integration),
            others=tuple(connection_title(rival) for rival in rivals if name in channels_of(rival)),
        )
        for name, label in CHANNELS.items()
    ]


def step_views(current: Step, integration: Integration | None) -> list[StepView]:
    """Return the stepper; what needs a connection is closed until there is one."""
    is_connected = bool(integration and integration.status != Integration.Status.NOT_CONNECTED)
    before = set(list(Step)[: list(Step).index(current)])
    return [
        StepView(
            step=step,
            is_current=step is current,
            is_done=step is not current and (is_connected or step in before),
            is_open=is_connected or step not in (Step.BEHAVIOUR, Step.DONE),
        )
        for step in Step
    ]


def is_complete(manifest: Manifest, integration: Integration) -> bool:
    """Say whether everything that a test needs has been entered."""
    values = edited_values(integration)
    mode = mode_of(manifest, values)
    needed = [f.name for f in fields_for_mode(manifest, mode) if is_required(f, mode)]
    return bool(values) and all(values.get(name) for name in needed if name != manifest.mode_field)


def missing_secrets(manifest: Manifest, integration: Integration) -> list[str]:
    """Return the labels of the secrets that no form asks for and nobody has made yet."""
    values = edited_values(integration)
    asked = {item.name for item in manifest.fields}
    wanted = generated_for(manifest, mode_of(manifest, values), GeneratedKind.SECRET)
    return [i.label for i in wanted if i.name not in asked and not values.get(i.name)]


def key_pair_view(manifest: Manifest, values: Mapping[str, str]) -> KeyPairView | None:
    """Return the public half of the stored private key, if there is one."""
    pair = manifest.key_pair
    private = values.get(pair.private_key_field, "") if pair else ""
    if pair is None or not private:
        return None
    key_id = values.get(pair.key_id_field) or key_id_suggestion(private)
    default = next(item.default for item in manifest.fields if item.name == pair.algorithm_field)
    algorithm = values.get(pair.algorithm_field) or default
    return KeyPairView(
        public_pem=public_pem(private),
        public_jwk=public_jwk(private, key_id=key_id, algorithm=algorithm),
        key_id=key_id,
    )


def needs_key_pair(manifest: Manifest, values: Mapping[str, str]) -> bool:
    """Say whether the chosen connection type works with a key pair."""
    pair = manifest.key_pair
    return pair is not None and (
        not pair.shown_for_modes or mode_of(manifest, values) in pair.shown_for_modes
    )


def check_views(manifest: Manifest, test: LastTest | None) -> list[CheckView]:
    """Return the check list of a stored test; without one every check waits."""
    if not test:
        labels = check_labels(manifest)
        return [CheckView(name=n, label=label, state="waiting") for n, label in labels.items()]
    return [check_view(manifest, result) for result in test.checks]


def check_view(manifest: Manifest, result: CheckResult) -> CheckView:
    """Return one finished check with what the manifest says about its failure."""
    state = "passed" if result.is_ok else "skipped" if result.code == "skipped" else "failed"
    help_ = manifest.help_for(result.name, result.code) if state == "failed" else None
    if result.name == WEBHOOK_SEEN and not result.is_ok:
        words = {"vendor": manifest.name, "first": "text" if manifest.channel else "handoff"}
        cause, cure = (text.format(**words) for text in (WEBHOOK_CAUSE, WEBHOOK_CURE))
        state, help_ = "not yet", ErrorHelp(cause=cause, cure=cure)
    return CheckView(
        name=result.name,
        label=check_labels(manifest).get(result.name, result.name),
        state=state,
        detail=result.detail,
        code=answer_word(result.code) if state in ("failed", "not yet") else "",
        ms=result.ms if state in ("passed", "failed") else None,
        cause=help_.cause if help_ else "",
        cure=help_.cure if help_ else "",
    )


def troubles(manifest: Manifest) -> list[tuple[str, ErrorHelp]]:
    """Return what can go wrong, each cause once, by what is seen or by the check that finds it."""
    labels = dict(manifest.check_names)
    found: dict[ErrorHelp, set[str]] = {}
    for (name, _), help_ in manifest.error_help.items():
        found.setdefault(help_, set()).add(labels.get(name, name))
    seen = [
        (symptom.value, help_)
        for symptom in manifest.symptoms
        for help_ in manifest.symptoms[symptom]
    ]
    return seen + [
        (next(iter(names)) if len(names) == 1 else "Any check", help_)
        for help_, names in found.items()
    ]


def tool_source(integration: Integration) -> str:
    """Return the tool that hands a conversation to this integration, ready to paste.

    Where nothing can be handed over, it is one that makes a first call.
    """
    manifest, credential_set = manifest_get(integration.connector_key), integration.credential_set
    if manifest.only_for_tools:
        return _calling_tool(manifest, credential_set)
    values = {}
    if manifest.named_by:
        values[manifest.named_by] = integration.credentials.get(manifest.named_by, "")
    if credential_set != DEFAULT_SET:
        values["credential_set"] = credential_set
    hints = ", ".join(f'"{key}": "{value}"' for key, value in values.items())
    name = f"transfer_to_{manifest.integration_key.removesuffix('_integration')}"
    return (
        f"def {name}(conv: Conversation):\n"
        "    return {\n"
        '        "utterance": "No problem, I\'ll transfer you to one of our agents now.",\n'
        '        "handoff": {\n'
        '            "text_chat": {\n'
        f'                "{manifest.integration_key}": {{{hints}}}\n'
        "            }\n"
        "        }\n"
        "    }\n"
    )


def _calling_tool(manifest: Manifest, credential_set: str) -> str:
    operation = manifest.tool_operations[0]
    argument = (*operation.required, *operation.one_of)[0]
    given = f"{argument}=conv.state.{argument}"
    if credential_set != DEFAULT_SET:
        given += f', credential_set="{credential_set}"'
    return (
        f"def ask_{manifest.tool_name}(conv: Conversation):\n"
        f"    found = conv.integrations.{manifest.tool_name}.{operation.name}({given})\n"
        '    conv.log.info("found", is_pii=True, answer=str(found))\n'
        '    return "I have looked that up."\n'
    )
