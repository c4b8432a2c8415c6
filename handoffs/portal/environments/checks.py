"""What would not work in an environment, said before a release goes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.ai_agent.entities.parameters import parameters_needed
from conversations.ai_agent.flows.steps import FlowPlan, Known, plan_of, plan_problems
from conversations.ai_agent.tools.check import tool_check
from conversations.ai_agent.tools.means_lint import means_named
from conversations.ai_agent.topics.actions import handoff_targets, tool_targets, topic_actions
from conversations.models import Destination, Secret, Tool, ToolApi
from conversations.releases.content import instances_of
from handoffs.errors import HandoffError
from handoffs.payload.reading import payload_for_call_handoff
from handoffs.starting.addressing import offered_integrations, payload_address
from handoffs.starting.judging import Setting, payload_reader
from integrations.connections.destinations import integration_default
from integrations.contract.integration_keys import key_named, vendor_name
from integrations.models import Environment, Project

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know before a release goes out."""

    severity: Severity
    where: str
    message: str


def release_check(project: Project, content: Mapping[str, Any], environment: str) -> list[Finding]:
    """List what of a content would fail in an environment, the worst first."""
    return sorted(
        ReleaseCheck(project, content, environment).findings(),
        key=lambda one: one.severity != "error",
    )


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """Holds a content against what one environment of its project has."""

    project: Project
    content: Mapping[str, Any] = field(repr=False)
    environment: str

    def findings(self) -> Iterator[Finding]:
        """Yield all that would fail, kind by kind."""
        yield from self._connections()
        yield from self._destinations()
        yield from self._topics()
        yield from self._flows()
        yield from self._tools()
        yield from self._means()
        yield from self._variants()

    @property
    def _label(self) -> str:
        return str(Environment(self.environment).label)

    @property
    def _places(self) -> Sequence[Destination]:
        return instances_of(Destination, self.project.pk, self.content)

    def _names(self, key: str) -> list[str]:
        return [row["name"] for row in self.content.get(key, [])]

    def _connections(self) -> Iterator[Finding]:
        if not offered_integrations(self.project, [self.environment]):
            message = f"No live-agent integration is connected in {self._label}: handoffs will fail"
            yield Finding(severity="warning", where="Integrations", message=f"{message} there.")
        elif integration_default(self.project, self.environment) is None:
            message = f"Several integrations are connected in {self._label} and none is the default"
            yield Finding(severity="warning", where="Integrations", message=f"{message}.")

    def _destinations(self) -> Iterator[Finding]:
        for place in self._places:
            where = f"Destination “{place.name}”"
            if problem := self._unreachable(place.name):
                yield Finding(severity="error", where=where, message=problem)
            if place.after_flow and place.after_flow not in self._names("flows"):
                message = f"Begins the flow “{place.after_flow}”, which is not part of this release"
                yield Finding(severity="error", where=where, message=f"{message}.")

    def _unreachable(self, name: str) -> str:
        """Say why a handoff to a name would open nothing; empty where it leads somewhere."""
        try:
            payload = payload_for_call_handoff(name)
            payload_address(self.project, self.environment, payload, self._places)
        except HandoffError as error:
            return str(error)
        return ""

    def _is_place(self, name: str) -> bool:
        known = {place.name.casefold() for place in self._places}
        return name.casefold() in known or key_named(name) is not None

    def _topics(self) -> Iterator[Finding]:
        rules = self.project.trigger_policy.get("rules", [])
        for name in dict.fromkeys(str(rule.get("destination", "")) for rule in rules):
            if name and not self._is_place(name):
                message = f"Hand off to “{name}”, which is not part of this release."
                yield Finding(severity="error", where="Handoff rules", message=message)
        for topic in self.content.get("topics", []):
            if topic.get("is_enabled", True):
                for message in self._topic_problems(topic):
                    where = f"Topic “{topic['name']}”"
                    yield Finding(severity="error", where=where, message=message)

    def _topic_problems(self, topic: Mapping[str, Any]) -> Iterator[str]:
        actions, text = topic.get("actions", []), topic.get("actions_text", "")
        for name in tool_targets(actions, text):
            if name not in self._names("tools"):
                yield f"Runs the tool {name}, which is not part of this release."
        for name in handoff_targets(actions, text):
            if not self._is_place(name):
                yield f"Hands off to “{name}”, which is not part of this release."
        for action in topic_actions(actions, text):
            if action.kind == "goto_flow" and action.target not in self._names("flows"):
                yield f"Begins the flow “{action.target}”, which is not part of this release."

    def _flows(self) -> Iterator[Finding]:
        offered = offered_integrations(self.project, [self.environment])
        plans = [
            plan_of(flow["name"], flow.get("start_step", ""), flow.get("steps", []))
            for flow in self.content.get("flows", [])
        ]
        known = Known(
            tools=parameters_needed(instances_of(Tool, self.project.pk, self.content)),
            flows=self._names("flows"),
            places=[*self._names("destinations"), *self._vendors_in(plans, offered)],
        )
        for plan in plans:
            for problem in plan_problems(plan, known):
                step = f", step “{problem.step}”" if problem.step else ""
                where = f"Flow “{plan.name}”{step}"
                yield Finding(severity="error", where=where, message=problem.message)

    def _vendors_in(self, plans: Sequence[FlowPlan], offered: Sequence[str]) -> list[str]:
        """Return what the flows call vendors that are connected here: their keys and aliases."""
        named = {step.destination for plan in plans for step in plan.steps.values()}
        return [name for name in named if key_named(name) in offered]

    def _tools(self) -> Iterator[Finding]:
        setting = Setting(environments=[self.environment], destinations=self._places)
        reader = payload_reader(self.project, setting)
        for tool in self.content.get("tools", []):
            problems = tool_check(
                tool["source"],
                tool["name"],
                payload_reader=reader,
                parameters=tool.get("parameters"),
                project_key=self.project.public_id,
                workspace_key=self.project.workspace.public_id,
            )
            for problem in problems:
                where = f"Tool {tool['name']}, line {problem.line}"
                yield Finding(severity=problem.severity, where=where, message=problem.message)

    def _means(self) -> Iterator[Finding]:
        """Name secrets and APIs that tools read and that have nothing in this environment."""
        secrets = {row.name: row for row in Secret.objects.filter(project=self.project)}
        apis = {row.name: row for row in ToolApi.objects.filter(project=self.project)}
        for tool in self.content.get("tools", []):
            named = means_named(tool["source"])
            messages = [self._secret_problem(name, secrets) for name in sorted(named.secrets)]
            messages += [self._api_problem(apis.get(name), name) for name in sorted(named.apis)]
            keys = {apis[name].secret_name for name in named.apis if name in apis}
            messages += [self._secret_problem(name, secrets) for name in sorted(keys) if name]
            for message in filter(None, dict.fromkeys(messages)):
                yield Finding(severity="error", where=f"Tool {tool['name']}", message=message)

    def _secret_problem(self, name: str, secrets: Mapping[str, Secret]) -> str:
        if name not in secrets:
            return f"Reads the secret {name}, which this project has not."
        if self.environment in secrets[name].set_at:
            return ""
        return f"Reads the secret {name}, which has no value in {self._label}."

    def _api_problem(self, api: ToolApi | None, name: str) -> str:
        if api is None:
            return f"Calls the API {name}, which this project has not."
        if api.base_urls.get(self.environment):
            return ""
        return f"Calls the API {name}, which has no address in {self._label}."

    def _variants(self) -> Iterator[Finding]:
        offered = offered_integrations(self.project, [self.environment])
        for variant in self.content.get("variants", []):
            key = variant.get("integration_key")
            if key and key not in offered:
                message = f"{vendor_name(key)} is not connected in {self._label}."
                where = f"Variant “{variant['name']}”"
                yield Finding(severity="warning", where=where, message=message)
