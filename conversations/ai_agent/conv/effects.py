"""Carry out what tools asked of `conv`: on the next message, and on the conversation itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils import timezone

from conversations.ai_agent.conv.offers import IMAGE, URL, offers_read
from conversations.ai_agent.conv.parts import AgentMessage, TurnLog
from conversations.ai_agent.sandbox.effects import ConvEffects, Values
from conversations.journal.frames import EventType
from conversations.journal.services import NewEvent, events_append, log_append
from conversations.models import Conversation, EndUser, LogEntry, Variant
from conversations.releases.content import content_of

METRICS_MAX = 200
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_KINDS = {"image": IMAGE, "weblink": URL, "unspecified": URL, IMAGE: IMAGE, URL: URL}
_Doer = Callable[[Conversation, Values], str]


def with_offers(
    messages: list[AgentMessage], effects: ConvEffects, source: str
) -> tuple[list[AgentMessage], list[TurnLog]]:
    """Put what was queued for the next message on the last one; without any it is one of its own.

    Of what is wrong nothing is shown, and the log says why.
    """
    extra, problems = offers_read(_offers(effects))
    shown = {name: items for name, items in extra.items() if items}
    logs = [_log("warning", f"conv: {one.path} {one.message}", source) for one in problems]
    if not shown:
        return messages, logs
    last = messages[-1] if messages else AgentMessage(text="")
    return [*messages[:-1], replace(last, extra={**last.extra, **shown})], logs


def effects_logs(effects: ConvEffects, source: str) -> list[TurnLog]:
    """Return a line for each call that has no effect here."""
    return [
        _log("info", f"{values['name']} has no effect in a text conversation", source, "no_effect")
        for name, values in effects.done
        if name == "no_effect"
    ]


def effects_apply(conversation: Conversation, effects: ConvEffects, source: str) -> list[TurnLog]:
    """Change a locked conversation as its tools asked; returns what could not be done."""
    logs = []
    for name, values in effects.done:
        if (act := _ACTS.get(name)) and (problem := act(conversation, values)):
            logs.append(_log("warning", f"conv.{name}: {problem}", source))
    if effects.metrics:
        logs += _metrics(conversation, effects.metrics, source)
    if effects.memory is not None:
        EndUser.objects.filter(pk=conversation.end_user_id, is_verified=True).exclude(
            memory=effects.memory
        ).update(memory=effects.memory)
    fields = ["locale", "variant_id", "disabled_topics", "is_discarded", "metrics"]
    conversation.save(update_fields=fields)
    return logs


def turn_logs_append(conversation: Conversation, logs: Iterable[TurnLog]) -> None:
    """Write what a turn has to tell builders into the project's log."""
    for entry in logs:
        log_append(
            conversation,
            LogEntry.Level(entry.level),
            entry.content,
            source=entry.source,
            code=entry.code,
            fields=entry.fields,
            is_pii=entry.is_pii,
        )


def has_effects(effects: ConvEffects) -> bool:
    """Say whether anything would be written down for them."""
    return bool(effects.done or effects.metrics or effects.memory is not None)


def _set_language(conversation: Conversation, values: Values) -> str:
    code = str(values["code"])
    if not _LANGUAGE.fullmatch(code):
        return f"{code[:35]} is no language tag, such as de or en-GB"
    if code != conversation.locale:
        conversation.locale = code
        payload = {"language_code": code}
        events_append(conversation, [NewEvent(type=EventType.LANGUAGE_CHANGED, payload=payload)])
    return ""


def _set_variant(conversation: Conversation, values: Values) -> str:
    found = content_of(conversation).named(Variant, [str(values["name"])])
    if not found:
        return f"there is no variant named {values['name']}"
    conversation.variant_id = next(iter(found.values())).public_id
    return ""


def _disable(conversation: Conversation, values: Values) -> str:
    names = values["names"]
    assert isinstance(names, list)
    conversation.disabled_topics = names
    return ""


def _discard(conversation: Conversation, values: Values) -> str:
    conversation.is_discarded = True
    return ""


_ACTS: Mapping[str, _Doer] = {
    "set_language": _set_language,
    "set_variant": _set_variant,
    "disable_kb_topics": _disable,
    "discard_recording": _discard,
}


def _metrics(
    conversation: Conversation, written: Iterable[Values], source: str
) -> Iterable[TurnLog]:
    known = {one["name"] for one in conversation.metrics}
    at = timezone.now().isoformat()
    for one in written:
        if one["write_once"] and one["name"] in known:
            continue
        known.add(one["name"])
        metric = {"name": one["name"], "value": one["value"], "at": at}
        conversation.metrics = [*conversation.metrics, metric]
    if len(conversation.metrics) > METRICS_MAX:
        conversation.metrics = conversation.metrics[:METRICS_MAX]
        text = f"conv.write_metric: a conversation keeps {METRICS_MAX} figures; the rest is lost"
        yield _log("warning", text, source)


def _offers(effects: ConvEffects) -> dict[str, Any]:
    return {
        "response_suggestions": [{"message_text": text} for text in effects.suggestions],
        "attachments": [_attachment(one) for one in effects.attachments],
        "chat_call_actions": list(effects.calls),
    }


def _attachment(given: Values) -> dict[str, Any]:
    """Say an Attachment in the words of the wire."""
    kind = str(given.get("content_type") or "unspecified").casefold()
    url = given.get("content_url")
    return {
        "content_url": url,
        "content_type": _KINDS.get(kind.removeprefix("attachment_content_type_"), kind),
        "title": given.get("title") or "",
        "preview_image_url": given.get("preview_image_url") or (url if kind == "image" else ""),
        "call_to_action_text": given.get("call_to_action") or "",
    }


def _log(level: str, content: str, source: str, code: str = "conv") -> TurnLog:
    return TurnLog(level=level, content=content, source=source, code=code)
