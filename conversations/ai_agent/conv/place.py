"""What the tools of one turn share: the conversation as they see it, and what serves them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection

from conversations.ai_agent.entities.reading import entities_in
from conversations.ai_agent.means.apis import api_call, api_operations
from conversations.ai_agent.means.secrets import secret_read
from conversations.ai_agent.means.values import values_of
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.sandbox.runner import ConvSnapshot, ToolLimits, ToolOutcome, tool_run
from conversations.journal.selectors import TranscriptEntry, transcript_get
from conversations.models import Conversation, Tool, Variant
from conversations.releases.content import content_of
from integrations.contract.integration_keys import tool_integrations

ROLES = {"user": "user", "bot": "agent", "live_agent": "live_agent"}
# The service that lists where a conversation can be handed off.
HANDOFFS = "handoffs"
# What conv.handoff shows; asked for only where a tool runs.
HandoffView = Callable[[], Mapping[str, Any] | None]
_FUNCTION = re.compile(r"\.functions\.([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvPlace:
    """A conversation for tools; `services` are those that the portal above this app adds."""

    conversation: Conversation
    snapshot: ConvSnapshot
    services: Mapping[str, Service] = field(default_factory=dict)

    def after(self, outcome: ToolOutcome) -> ConvPlace:
        """Return the place as the next tool of the same turn finds it."""
        snapshot = replace(self.snapshot, state=outcome.state)
        if self.snapshot.memory is not None:
            snapshot = replace(snapshot, memory=outcome.effects.memory or {})
        return replace(self, snapshot=replace(snapshot, language=_language(snapshot, outcome)))

    def with_said(self, said: Mapping[str, str]) -> ConvPlace:
        """Return the place where conv.entities has these, too."""
        entities = {**self.snapshot.entities, **said}
        return replace(self, snapshot=replace(self.snapshot, entities=entities))


def _language(snapshot: ConvSnapshot, outcome: ToolOutcome) -> str:
    codes = [values["code"] for name, values in outcome.effects.done if name == "set_language"]
    return str(codes[-1]) if codes else snapshot.language


def conv_place(
    conversation: Conversation,
    *,
    until_sequence: int | None = None,
    handoff_view: HandoffView | None = None,
    services: Mapping[str, Service] | None = None,
    **more: Any,
) -> ConvPlace:
    """Read a conversation for its tools; `more` are further fields of the snapshot."""
    snapshot = conv_snapshot(conversation, until_sequence, handoff_view)
    return ConvPlace(
        conversation=conversation,
        snapshot=replace(snapshot, **more) if more else snapshot,
        services=services or {},
    )


def conv_snapshot(
    conversation: Conversation, until_sequence: int | None, handoff_view: HandoffView | None
) -> ConvSnapshot:
    """Return what tools see of a conversation, apart from what only some of them ask for."""
    project, end_user = conversation.project, conversation.end_user
    transcript = transcript_get(conversation, until_sequence=until_sequence)
    view = handoff_view() if handoff_view else None
    # What an end user only says to be, in a form, is nobody to look up accounts by.
    known_as = (end_user.email or end_user.external_id) if end_user.is_verified else ""
    return ConvSnapshot(
        id=conversation.pk,
        account_id=project.workspace.public_id,
        project_id=project.public_id,
        env=conversation.environment,
        channel_type=conversation.channel_type,
        language=conversation.locale or "en",
        state=conversation.tool_state,
        history=[
            {"role": ROLES[line["sender"]], "text": line["text"]}
            for line in transcript
            if line["sender"] in ROLES
        ],
        transcript=[_line(line["ts"], line["sender"], line["text"]) for line in transcript],
        handoff=dict(view) if view else None,
        variant_name=conversation.variant_id or None,
        current_flow=conversation.flow.get("flow") or None,
        current_step=conversation.flow.get("step") or None,
        entities=_entities(conversation, transcript),
        integration_attributes=conversation.integration_attributes,
        context_vault=conversation.context.get("verified", {}).get("claims", {}),
        caller_number=known_as or None,
        memory=end_user.memory if end_user.is_verified else None,
        metric_events=conversation.metrics,
    )


def _entities(conversation: Conversation, transcript: Sequence[TranscriptEntry]) -> dict[str, str]:
    """Return what was read out of what the end user has said, in their words.

    What the last message holds stands under its kind, what they were asked for under its name.
    """
    texts = (line["text"] for line in reversed(transcript) if line["sender"] == "user")
    found = {kind: said for kind, (_, said) in entities_in(next(texts, "")).items()}
    return {**found, **conversation.dialog.get("said", {}), **said_in(conversation.flow)}


def said_in(flow: Mapping[str, Any]) -> dict[str, str]:
    """Return what a flow has collected, in the end user's words, as it is kept."""
    said = flow.get("said", {})
    return {name: said.get(name, str(value)) for name, value in flow.get("entities", {}).items()}


def tool_use(
    place: ConvPlace,
    tool: Tool,
    arguments: Mapping[str, object] | None = None,
    *,
    tools: Mapping[str, Tool] | None = None,
) -> ToolOutcome:
    """Run a tool of the project as its conversation stands; nothing is carried out yet.

    `tools` are those that it may call by conv.functions, by name; None reads them where it calls
    any. Raises ToolError.
    """
    conversation = place.conversation
    functions = _functions(conversation, tool, tools)
    whole = "\n".join([tool.source, *functions.values()])
    snapshot = _with_means(place, whole, functions)
    services = {**_services(conversation, {tool.name, *functions}), **place.services}
    if not connection.in_atomic_block:
        # The tool may take its time; the connection is for somebody else meanwhile.
        connection.close()
    return tool_run(
        source=tool.source,
        function_name=tool.name,
        conv=snapshot,
        arguments=arguments or {},
        limits=ToolLimits(timeout_seconds=tool.timeout_seconds),
        project_key=conversation.project.public_id,
        services=services,
    )


def _services(conversation: Conversation, names: set[str]) -> dict[str, Service]:
    project_id, environment = conversation.project_id, conversation.environment

    def get_secret(asked: Mapping[str, Any], seconds: float) -> object:
        return secret_read(project_id, environment, asked, tools=names)

    def api(asked: Mapping[str, Any], seconds: float) -> object:
        return api_call(project_id, environment, asked, seconds)

    return {"get_secret": get_secret, "api": api}


def _with_means(place: ConvPlace, source: str, functions: Mapping[str, str]) -> ConvSnapshot:
    """Add what the source asks for by name, so that other tools cost no statement for it."""
    conversation, snapshot = place.conversation, replace(place.snapshot, functions=functions)
    if ".api" in source:
        snapshot = replace(snapshot, apis=api_operations(conversation.project_id))
    if ".integrations" in source:
        snapshot = replace(snapshot, integrations=tool_integrations())
    if ".handoffs" in source and not snapshot.handoffs:
        snapshot = replace(snapshot, handoffs=_handoffs(place.services))
    if ".variant" in source:
        snapshot = replace(snapshot, **_variants(conversation))
    if "real_time_config" in source or "translations" in source:
        config, texts = values_of(conversation.project_id, snapshot.language)
        snapshot = replace(snapshot, real_time_config=config, translations=texts)
    return snapshot


def _handoffs(services: Mapping[str, Service]) -> Mapping[str, Any]:
    """Ask the portal above, which knows what is connected."""
    found = services[HANDOFFS]({}, 0.0) if HANDOFFS in services else {}
    assert isinstance(found, dict)
    return found


def _variants(conversation: Conversation) -> dict[str, Any]:
    rows = content_of(conversation).rows(Variant)
    own = next((one.name for one in rows if one.public_id == conversation.variant_id), None)
    return {
        "variants": {one.name: dict(one.attributes) for one in rows},
        "variant_name": own or conversation.variant_id or None,
    }


def _functions(
    conversation: Conversation, tool: Tool, tools: Mapping[str, Tool] | None
) -> dict[str, str]:
    """Return the sources of the tools that this one calls, and of those that they call."""
    if not _FUNCTION.search(tool.source):
        return {}
    if tools is None:
        tools = {one.name: one for one in content_of(conversation).rows(Tool)}
    found: dict[str, str] = {}
    waiting = _FUNCTION.findall(tool.source)
    while waiting:
        name = waiting.pop()
        if name in tools and name not in found:
            found[name] = tools[name].source
            waiting += _FUNCTION.findall(tools[name].source)
    return found


def _line(at: datetime, sender: str, text: str) -> dict[str, Any]:
    return {"ts": at.isoformat(), "sender": sender, "text": text, "attachments": []}
