"""Runs a project's tools in the sandbox: a snapshot goes in, plain data and effects come out."""

from __future__ import annotations

import keyword
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic_monty import (
    MontyError,
    MontyRuntimeError,
    MontySession,
    ResourceLimits,
)

from conversations.ai_agent.sandbox.effects import ConvEffects, effects_read
from conversations.ai_agent.sandbox.errors import tool_error
from conversations.ai_agent.sandbox.host import SECRET_MAX_CHARS, Service, ToolHost
from conversations.ai_agent.sandbox.results import (
    RESERVED,
    ToolError,
    plain_calls,
    plain_logs,
    plain_return,
    plain_state,
    plain_texts,
)
from conversations.ai_agent.sandbox.served import INERT, NO_INTEGRATIONS, REFUSED
from conversations.ai_agent.sandbox.workers import WORKERS
from conversations.journal.json_values import valid_text

_PARTS = ("prelude.py", "prelude_conv.py")
PRELUDE = "\n\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _PARTS)
OPEN = "\n_baton_conv = _baton_open(_baton_snapshot, _baton_names, _baton_tool)\n"
# As an argument it stands for the flow that runs the tool.
FLOW = "_baton_flow"
MAX_SOURCE_CHARS = 64 * 1024
MAX_NAMES = 2000

_ATTRIBUTE = re.compile(r"\.\s*([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvSnapshot:
    """What a tool may know of a conversation; secrets are never part of it.

    `history` holds {role: user | agent | live_agent, text}, oldest first; `transcript` holds
    {ts, sender, text, attachments}; `handoff` the fields of the current or last handoff; `memory`
    is None where nothing can be kept of the end user.
    """

    id: str
    account_id: str = ""
    project_id: str = ""
    env: str = ""
    channel_type: str = "webchat.polyai"
    language: str = ""
    state: Mapping[str, object] = field(default_factory=dict, repr=False)
    history: list[dict[str, str]] = field(default_factory=list, repr=False)
    transcript: list[dict[str, Any]] = field(default_factory=list, repr=False)
    handoff: dict[str, Any] | None = field(default=None, repr=False)
    variant_name: str | None = None
    integration_attributes: dict[str, Any] | None = field(default=None, repr=False)
    caller_number: str | None = field(default=None, repr=False)
    callee_number: str | None = field(default=None, repr=False)
    current_flow: str | None = None
    current_step: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict, repr=False)
    handoffs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    memory: Mapping[str, object] | None = field(default=None, repr=False)
    metric_events: list[dict[str, Any]] = field(default_factory=list, repr=False)
    external_events: list[dict[str, Any]] = field(default_factory=list, repr=False)
    context_vault: Mapping[str, object] = field(default_factory=dict, repr=False)
    real_time_config: Mapping[str, object] = field(default_factory=dict, repr=False)
    translations: Mapping[str, str] = field(default_factory=dict, repr=False)
    # What can be called by name: operations of each API, and the source of each other tool.
    apis: Mapping[str, Sequence[str]] = field(default_factory=dict)
    integrations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLimits:
    """What one run may use; sleeping counts against the same number of seconds."""

    timeout_seconds: float = 10.0
    memory_bytes: int = 64 * 1024 * 1024
    recursion_depth: int = 200
    returned_bytes: int = 64 * 1024
    state_bytes: int = 64 * 1024
    print_chars: int = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a run returned and asked for; nothing has happened yet, the caller carries it out.

    `state` is the full new state; `handoff_calls` holds the arguments of `conv.call_handoff`,
    None where not given; `effects` is all else that `conv` was asked for. A secret that the tool
    was told is blackened in all of it.
    """

    returned: str | dict[str, object] | None = field(repr=False)
    said: list[str] = field(repr=False)
    state: dict[str, object] = field(repr=False)
    handoff_calls: list[dict[str, object]] = field(repr=False)
    effects: ConvEffects = field(repr=False)
    logs: list[dict[str, object]] = field(repr=False)
    prints: str = field(repr=False)
    duration_ms: float


DEFAULT_LIMITS = ToolLimits()
NO_SERVICES: Mapping[str, Service] = MappingProxyType({})


def tool_run(
    *,
    source: str,
    function_name: str,
    conv: ConvSnapshot,
    arguments: Mapping[str, object] | None = None,
    limits: ToolLimits = DEFAULT_LIMITS,
    project_key: str,
    services: Mapping[str, Service] = NO_SERVICES,
) -> ToolOutcome:
    """Run one tool to its end in a worker of its own; may be called from any thread.

    `services` answer what `conv` asks the portal for meanwhile. Raises ToolError, and then nothing
    the tool asked for may be carried out; `busy` before it has begun.
    """
    _check_call(source, function_name)
    prints, host = _Prints(limits.print_chars), ToolHost(services, limits.timeout_seconds)
    started = time.perf_counter()
    with WORKERS.session(
        project_key, _resource_limits(limits), workspace_key=conv.account_id
    ) as session:
        try:
            _open_conversation(session, source, function_name, conv, arguments or {})
            collected = session.feed_run(
                f"{source}\n\n_baton_collect({function_name}(_baton_conv, "
                "**_baton_with_flow(_baton_arguments, _baton_conv)), _baton_conv)\n",
                external_lookup={"_baton_host": host.call},
                print_callback=prints,
            )
        except MontyError as error:
            failure = tool_error(error, source, function_name, host.hidden)
            failure.prints = prints.shown(host)
            failure.logs = _logs_after(session, error, host)
            raise failure from None
    milliseconds = (time.perf_counter() - started) * 1000
    return _outcome(collected, limits, host, prints.shown(host), milliseconds)


def sandbox_close() -> None:
    """End all sandbox workers of this process; call it at shutdown."""
    WORKERS.close()


def _check_call(source: str, function_name: str) -> None:
    """The name becomes part of what is run, so it must be a name and nothing else."""
    if not function_name.isidentifier() or keyword.iskeyword(function_name):
        raise ToolError("syntax", "the tool's name must be a Python name")
    if len(source) > MAX_SOURCE_CHARS:
        raise ToolError("syntax", f"the source is longer than {MAX_SOURCE_CHARS} characters")


def _resource_limits(limits: ToolLimits) -> ResourceLimits:
    return ResourceLimits(
        max_feed_duration_secs=limits.timeout_seconds,
        max_total_sleep_secs=limits.timeout_seconds,
        max_memory=limits.memory_bytes,
        max_recursion_depth=limits.recursion_depth,
        max_suspensions=100,
    )


def _open_conversation(
    session: MontySession,
    source: str,
    function_name: str,
    conv: ConvSnapshot,
    arguments: Mapping[str, object],
) -> None:
    """Define `conv` in its own feed, so that line numbers of the tool stay the builder's."""
    whole = "\n".join([source, *conv.functions.values()])
    names = sorted(set(_ATTRIBUTE.findall(whole)))[:MAX_NAMES]
    inputs = {
        "_baton_snapshot": _snapshot(conv),
        "_baton_tool": function_name,
        "_baton_names": names,
        "_baton_arguments": dict(arguments),
    }
    session.feed_run(PRELUDE + OPEN, inputs=inputs, print_callback=_Prints(0))


def _snapshot(conv: ConvSnapshot) -> dict[str, object]:
    said = [turn["text"] for turn in conv.history if turn["role"] == "user"]
    plain = {
        "id": conv.id,
        "account_id": conv.account_id,
        "project_id": conv.project_id,
        "env": conv.env,
        "language": conv.language,
        "transcript": conv.transcript,
        "transcript_alternatives": said[-1:],
        "variant_name": conv.variant_name,
        "integration_attributes": conv.integration_attributes,
        "caller_number": conv.caller_number,
        "callee_number": conv.callee_number,
        "current_flow": conv.current_flow,
        "current_step": conv.current_step,
        "memory": None if conv.memory is None else dict(conv.memory),
        "metric_events": conv.metric_events,
        "generic_external_events": conv.external_events,
        "context_vault": dict(conv.context_vault),
        "real_time_config": dict(conv.real_time_config),
        "sms_templates": {},
        "sip_headers": {},
        "voice_change": None,
        "agentic_dial": None,
    }
    return {
        "plain": plain,
        "channel_type": conv.channel_type,
        "state": dict(conv.state),
        "history": conv.history,
        "handoff": conv.handoff,
        "entities": dict(conv.entities),
        "handoffs": {name: dict(one) for name, one in conv.handoffs.items()},
        "variants": {name: dict(one) for name, one in conv.variants.items()},
        "translations": dict(conv.translations),
        "apis": {name: list(operations) for name, operations in conv.apis.items()},
        "functions": dict(conv.functions),
        "refused": dict(REFUSED),
        "inert": list(INERT),
        "integrations": {name: list(found) for name, found in conv.integrations.items()},
        "no_integration": NO_INTEGRATIONS,
    }


class _Prints:
    """Collects what a tool prints up to a cap, and drops the rest."""

    def __init__(self, max_chars: int) -> None:
        self._text = ""
        self._max_chars = max_chars

    def __call__(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        # A secret that stands where the text is cut is blackened whole.
        room = self._max_chars + SECRET_MAX_CHARS if self._max_chars else 0
        self._text += valid_text(text[: max(0, room - len(self._text))])

    def shown(self, host: ToolHost) -> str:
        """Return what may be shown of it."""
        hidden: str = host.hidden(self._text)
        return hidden[: self._max_chars]


def _logs_after(
    session: MontySession, error: MontyError, host: ToolHost
) -> list[dict[str, object]]:
    """Fetch the log of a run that failed; a stopped or dead worker has none to give."""
    if not isinstance(error, MontyRuntimeError) or not error.traceback():
        return []
    try:
        entries = session.feed_run("_baton_conv.log._baton_entries", print_callback=_Prints(0))
        return plain_logs(entries, host.hidden)
    except (MontyError, ToolError):
        return []


def _outcome(
    collected: object, limits: ToolLimits, host: ToolHost, prints: str, duration_ms: float
) -> ToolOutcome:
    if not isinstance(collected, dict):
        raise ToolError("bad_return", RESERVED)
    return ToolOutcome(
        returned=host.hidden(plain_return(collected, max_bytes=limits.returned_bytes)),
        said=host.hidden(plain_texts(collected.get("said"), name="conv.say")),
        state=host.hidden(plain_state(collected.get("state"), max_bytes=limits.state_bytes)),
        handoff_calls=host.hidden(plain_calls(collected.get("handoffs"))),
        effects=effects_read(collected, host.hidden),
        logs=plain_logs(collected.get("logs"), host.hidden),
        prints=prints,
        duration_ms=duration_ms,
    )
