"""Judge a payload as the live run would, in every environment where one can happen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from conversations.ai_agent.tools.payload_lint import HandoffCall, PayloadFinding, PayloadReader
from conversations.models import Destination
from handoffs.errors import HandoffError, InvalidPayloadError, NotAllowedHereError
from handoffs.payload.hints import override_hints
from handoffs.payload.reading import (
    HandoffPayload,
    has_handoff,
    payload_for_call_handoff,
    payload_read,
)
from handoffs.starting.addressing import (
    Address,
    not_allowed,
    offered_integrations,
    payload_address,
)
from integrations.contract.hints import PayloadProblem
from integrations.models import Environment, Integration, Project

# Pages on which an admin mends what a finding is about, by the name of their address.
_SETTINGS, _INTEGRATIONS = "project_settings", "integrations"
# Where a tool is judged in a project that nobody can talk to yet.
_ANY = (Environment.SANDBOX.value,)


@dataclass(slots=True, kw_only=True)
class Judgement:
    """What a live run would do with a payload; without an address it opens nothing anywhere."""

    address: Address | None = None
    findings: list[PayloadFinding] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where payloads are judged: in these environments, with these destinations of the project.

    Without any of them it is the draft, wherever a tool can run now.
    """

    environments: Sequence[str] | None = None
    destinations: Sequence[Destination] | None = None


_DRAFT = Setting()


def payload_reader(project: Project, setting: Setting = _DRAFT) -> PayloadReader:
    """Return what the tool editor asks to judge the literal payloads in a source."""
    is_used = setting.environments is not None or bool(environments_in_use(project))

    def read(returned: object, left_out: Collection[str]) -> Iterable[PayloadFinding]:
        if isinstance(returned, HandoffCall):
            found = call_judge(project, returned.arguments, left_out=left_out, setting=setting)
        elif has_handoff(returned):
            found = returned_judge(project, returned, left_out=left_out, setting=setting)
        else:
            return []
        # Nothing can run in a project without widgets and connections; those may come later.
        return [one for one in found.findings if is_used or not one.page]

    return read


def returned_judge(
    project: Project,
    returned: object,
    *,
    left_out: Collection[str] = (),
    setting: Setting = _DRAFT,
) -> Judgement:
    """Judge what a tool returned; `left_out` are the places known only when the tool runs."""
    offered = offered_integrations(project, _environments(project, setting))
    read = partial(payload_read, returned, integrations=offered)
    return _judge(project, read, left_out, setting)


def call_judge(
    project: Project,
    arguments: Mapping[str, Any],
    *,
    left_out: Collection[str] = (),
    setting: Setting = _DRAFT,
) -> Judgement:
    """Judge the arguments of a `conv.call_handoff`."""
    return _judge(project, partial(payload_for_call_handoff, **arguments), left_out, setting)


def environments_in_use(project: Project) -> list[str]:
    """Return the environments in which a tool can run: with a widget, or a connection to try."""
    widgets = project.channels.filter(is_enabled=True).values_list("environment", flat=True)
    connected = project.integrations.exclude(status=Integration.Status.NOT_CONNECTED)
    used = {*widgets, *connected.values_list("environment", flat=True)}
    return [value for value in Environment.values if value in used]


def _environments(project: Project, setting: Setting) -> Sequence[str]:
    return setting.environments or environments_in_use(project) or _ANY


def _judge(
    project: Project,
    read: Callable[[], HandoffPayload],
    left_out: Collection[str],
    setting: Setting,
) -> Judgement:
    try:
        payload = read()
    except InvalidPayloadError as error:
        warnings = [_warning(problem) for problem in error.warnings]
        return Judgement(findings=_findings(error, "handoff") + warnings)
    found = Judgement()
    failures: list[tuple[str, HandoffError]] = []
    for environment in _environments(project, setting):
        try:
            address = payload_address(project, environment, payload, setting.destinations)
        except HandoffError as error:
            failures.append((Environment(environment).label, error))
            continue
        found.address = address
        found.findings += _notes(project, address, left_out)
    for label, failure in failures:
        is_vague = found.address is not None and isinstance(failure, InvalidPayloadError)
        place = f"in {label}, " if is_vague else ""
        found.findings += _findings(failure, payload.names_at, place)
    if found.address is None:
        found.findings += [_warning(problem) for problem in payload.warnings]
    found.findings = list(dict.fromkeys(found.findings))
    return found


def _notes(project: Project, address: Address, left_out: Collection[str]) -> list[PayloadFinding]:
    """List what the live run logs, and what it would refuse whatever the value turns out to be."""
    payload, integration = address.payload, address.integration
    at = f"{payload.hints_at}."
    later = {path.removeprefix(at): None for path in left_out if path.startswith(at)}
    refused = not_allowed(project, integration, later, payload.hints_at) if integration else []
    warnings = [_warning(problem) for problem in payload.warnings]
    return warnings + (_findings(NotAllowedHereError(refused), "") if refused else [])


def _warning(problem: PayloadProblem) -> PayloadFinding:
    return PayloadFinding("warning", problem.path, problem.message)


def _findings(error: HandoffError, names_at: str, place: str = "") -> list[PayloadFinding]:
    """Word an error: what an admin can mend elsewhere does not stop a tool from being saved."""
    problems = [PayloadProblem(names_at, str(error))]
    if isinstance(error, InvalidPayloadError):
        problems = error.problems
    if not error.depends_on_settings:
        return [PayloadFinding("error", path, message) for path, message in problems]
    return [
        PayloadFinding("warning", path, place + message, _page(path), is_certain=True)
        for path, message in problems
    ]


def _page(path: str) -> str:
    return _SETTINGS if path.rpartition(".")[2] in override_hints() else _INTEGRATIONS
