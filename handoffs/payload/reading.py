"""Reads the handoff out of what a tool returned or asked for by `conv.call_handoff`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from handoffs.errors import InvalidPayloadError
from handoffs.payload.common_hints import COMMON_HINTS
from handoffs.payload.data import json_block
from handoffs.payload.hints import hints_for, hints_read, override_hints, require_hints
from integrations.contract.hints import (
    Check,
    Notes,
    PayloadProblem,
    join_path,
    text,
    without_secrets,
)
from integrations.contract.integration_keys import has_connector, key_named, payload_keys

PayloadWarning = PayloadProblem

RETURNED_KEYS = frozenset(
    {"content", "utterance", "handoff", "hangup", "variant", "end_turn", "transition"}
    | {"listen", "utterance_channel"}
)
TEXT_CHAT_KEYS = frozenset({"text_chat", "reason", "utterance", "data"})
NAMED_KEYS = frozenset({"destination", "reason", "utterance", "data", "hints", "route"})
VOICE_KEYS = frozenset({"type", "reason", "utterance", "refer", "invite", "bye", "data"})

_UTTERANCE = text(0, 10_000)
_NAME = text(1, 128)
_REASON = text(0, 128)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffPayload:
    """What a tool asked for, checked and normalised; who gets it is resolved by the caller.

    `integration_key` None with an empty `destination` means the project's default destination.
    `is_voice` marks the telephone shape: without a destination of that name, the client itself
    must carry out the handoff. `inline_overrides` names the hints that replace saved settings.
    `names_at` and `hints_at` are the places in what the tool wrote, for messages about them.
    """

    integration_key: str | None = None
    destination: str = ""
    reason: str = field(default="", repr=False)
    utterance: str = field(default="", repr=False)
    hints: dict[str, object] = field(default_factory=dict, repr=False)
    data: dict[str, object] = field(default_factory=dict, repr=False)
    queue: str = ""
    is_voice: bool = False
    inline_overrides: tuple[str, ...] = ()
    warnings: tuple[PayloadWarning, ...] = ()
    names_at: str = field(default="handoff", compare=False)
    hints_at: str = field(default="hints", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedDestination:
    """A name made certain: a destination of the project (or "" for none) and its integration."""

    destination: str
    integration_key: str


def has_handoff(returned: object) -> bool:
    """Tell whether a tool's return value asks for a handoff; None and False mean it does not."""
    if not isinstance(returned, Mapping):
        return False
    wanted = returned.get("handoff")
    return wanted is not None and wanted is not False


def payload_read(
    returned: object, *, integrations: Collection[str] | None = None
) -> HandoffPayload:
    """Read the handoff a tool returned; raise InvalidPayloadError with every problem at once.

    `integrations` are the keys that messages offer: those that the project uses.
    """
    notes = Notes(offered=_offer(integrations))
    return _finish(_read_returned(returned, notes), notes)


def payload_for_call_handoff(
    destination: object,
    *,
    reason: object = None,
    utterance: object = None,
    data: object = None,
    hints: object = None,
    sip_headers: object = None,
    route: object = None,
) -> HandoffPayload:
    """Check the arguments of `conv.call_handoff`; raise InvalidPayloadError as payload_read does.

    The hints of any integration are accepted here; once the destination is resolved,
    payload_for_integration drops those that do not fit.
    """
    given: dict[object, object] = {"destination": destination, "hints": hints, "data": data}
    given |= {"reason": reason, "utterance": utterance, "route": route}
    notes = Notes()
    found = _read_named(given, "", notes)
    if sip_headers is not None:
        _add_headers(found, sip_headers, notes)
    return _finish(found, notes)


def payload_for_integration(payload: HandoffPayload, integration_key: str) -> HandoffPayload:
    """Return the payload addressed to one integration, without the hints it does not know.

    Raises InvalidPayloadError where that integration needs a hint that is missing.
    """
    notes = Notes(warnings=list(payload.warnings))
    hints = hints_for(integration_key, payload.hints, payload.hints_at, notes)
    require_hints(integration_key, hints, payload.hints_at, notes)
    if notes.problems:
        raise InvalidPayloadError(notes.problems)
    return replace(
        payload,
        integration_key=integration_key,
        hints=hints,
        inline_overrides=tuple(sorted(override_hints() & hints.keys())),
        warnings=tuple(notes.warnings),
    )


def resolve_destination(
    name: str,
    destinations: Mapping[str, str],
    *,
    integrations: Collection[str] | None = None,
    path: str = "destination",
) -> ResolvedDestination:
    """Resolve a name: destination of the project, then integration key, then vendor alias.

    `destinations` maps each name to its integration key ("" where it has none); `integrations`
    are the keys that may be offered. Raises InvalidPayloadError that lists the known names.
    """
    if name in destinations:
        return ResolvedDestination(destination=name, integration_key=destinations[name])
    key = key_named(name)
    if key is None:
        known = ", ".join(sorted(destinations))
        there_are = f"{known}; or {_offer(integrations)}" if known else _offer(integrations)
        raise InvalidPayloadError([(path, f"unknown destination; {there_are}")])
    return ResolvedDestination(destination="", integration_key=key)


@dataclass(slots=True)
class _Found:
    integration_key: str | None = None
    destination: str = ""
    reason: str = ""
    utterance: str = ""
    hints: dict[str, object] = field(default_factory=dict)
    data: dict[str, object] = field(default_factory=dict)
    is_voice: bool = False
    names_at: str = "handoff"
    hints_at: str = "hints"


def _offer(integrations: Collection[str] | None) -> str:
    """Say which integrations a tool can name: the project's, else those there are connectors for.

    None means that no project is known.
    """
    if integrations is None:
        there_are = ", ".join(key for key in payload_keys() if has_connector(key))
        return f"known integrations: {there_are}"
    if not integrations:
        return "no integration is connected in this project yet"
    return f"this project has: {', '.join(sorted(integrations))}"


def _read_returned(returned: object, notes: Notes) -> _Found:
    if not isinstance(returned, dict):
        notes.wrong("", "a dict with the key handoff", returned)
        return _Found()
    utterance = _optional_text(returned, "utterance", "utterance", _UTTERANCE, notes)
    _warn_about_keys(returned, "", RETURNED_KEYS, notes)
    if returned.get("hangup"):
        notes.warn("hangup", "ignored: the handoff wins")
    found = _read_shape(returned.get("handoff"), notes)
    found.utterance = utterance or found.utterance
    return found


def _read_shape(wanted: object, notes: Notes) -> _Found:
    """Tell the canonical shape and the five others apart, and read the one that came."""
    if wanted is True:
        return _Found()
    if isinstance(wanted, str):
        _NAME(wanted, "handoff", notes)
        return _Found(destination=wanted)
    if not isinstance(wanted, dict):
        notes.wrong("handoff", "a dict with text_chat, a destination's name or True", wanted)
        return _Found()
    reader = next((read for key, read in _SHAPES.items() if key in wanted), None)
    if reader is None:
        notes.problem("handoff", "expected one of text_chat, destination, type or reason")
        return _Found()
    return reader(wanted, "handoff", notes)


def _read_text_chat(wanted: Mapping[object, object], path: str, notes: Notes) -> _Found:
    found = _read_common(wanted, path, TEXT_CHAT_KEYS, notes)
    path, chat = f"{path}.text_chat", wanted["text_chat"]
    if not isinstance(chat, dict):
        notes.wrong(path, f"a dict with one integration key ({notes.offered})", chat)
        return found
    if len(chat) != 1:
        counted = f"expected exactly one integration key, got {len(chat)}"
        notes.problem(path, f"{counted}; {notes.offered}")
    for key, hints in chat.items():
        at = join_path(path, key)
        if isinstance(key, str) and key in payload_keys():
            found.integration_key = key
            found.names_at = found.hints_at = at
            found.hints = hints_read(hints, key, at, notes)
            require_hints(key, found.hints, at, notes)
        else:
            notes.problem(at, f"unknown integration; {notes.offered}")
    return found


def _read_named(wanted: Mapping[object, object], path: str, notes: Notes) -> _Found:
    found = _read_common(wanted, path, NAMED_KEYS, notes)
    if "destination" in wanted:
        at = join_path(path, "destination")
        found.destination = _required_text(wanted["destination"], at, notes)
        found.names_at = at
    found.hints_at = join_path(path, "hints")
    if wanted.get("hints") is not None:
        found.hints = hints_read(wanted["hints"], None, found.hints_at, notes)
    if wanted.get("route") is not None:
        found.hints["queue"] = _NAME(wanted["route"], join_path(path, "route"), notes)
    return found


def _read_voice(wanted: Mapping[object, object], path: str, notes: Notes) -> _Found:
    found = _read_common(wanted, path, VOICE_KEYS, notes)
    found.names_at = join_path(path, "type")
    found.destination = _required_text(wanted["type"], found.names_at, notes)
    found.is_voice = True
    for key in ("refer", "invite", "bye"):
        if key in wanted:
            at = join_path(path, key)
            notes.warn(at, "ignored: telephone details have no use in text channels")
    return found


# The first key that is there decides; the order is that of agreement with the canonical shape.
_SHAPES: Mapping[str, Callable[[Mapping[object, object], str, Notes], _Found]] = {
    "text_chat": _read_text_chat,
    "destination": _read_named,
    "type": _read_voice,
    "reason": _read_named,
}


def _read_common(
    wanted: Mapping[object, object], path: str, known: frozenset[str], notes: Notes
) -> _Found:
    _warn_about_keys(wanted, path, known, notes)
    found = _Found()
    found.reason = _optional_text(wanted, "reason", join_path(path, "reason"), _REASON, notes)
    at = join_path(path, "utterance")
    found.utterance = _optional_text(wanted, "utterance", at, _UTTERANCE, notes)
    if wanted.get("data") is not None:
        found.data = json_block(wanted["data"], join_path(path, "data"), notes)
    return found


def _required_text(value: object, path: str, notes: Notes) -> str:
    _NAME(value, path, notes)
    return value if isinstance(value, str) else ""


def _optional_text(
    wanted: Mapping[object, object], key: str, path: str, check: Check, notes: Notes
) -> str:
    value = wanted.get(key)
    if value is None:
        return ""
    check(value, path, notes)
    return value if isinstance(value, str) else ""


def _warn_about_keys(
    given: Mapping[object, object], path: str, known: frozenset[str], notes: Notes
) -> None:
    for key, _ in without_secrets(given, path, notes):
        if key not in known:
            notes.warn(join_path(path, key), "unknown key, ignored")


def _add_headers(found: _Found, headers: object, notes: Notes) -> None:
    """Store SIP headers as attributes under their own names; there is no SIP in a text channel."""
    checked = COMMON_HINTS["attributes"].check(headers, "sip_headers", notes)
    attributes = found.hints.get("attributes", {})
    if isinstance(checked, dict) and isinstance(attributes, dict):
        found.hints["attributes"] = {**attributes, **checked}


def _finish(found: _Found, notes: Notes) -> HandoffPayload:
    """Build the payload, or raise with everything that was found wrong."""
    if notes.problems:
        raise InvalidPayloadError(notes.problems, notes.warnings)
    hints = found.hints
    return HandoffPayload(
        integration_key=found.integration_key,
        destination=found.destination,
        reason=found.reason or str(hints.get("reason", "")) or found.destination,
        utterance=found.utterance,
        hints=hints,
        data=found.data,
        queue=str(hints.get("queue", "")),
        is_voice=found.is_voice,
        inline_overrides=tuple(sorted(override_hints() & hints.keys())),
        warnings=tuple(notes.warnings),
        names_at=found.names_at,
        hints_at=found.hints_at,
    )
