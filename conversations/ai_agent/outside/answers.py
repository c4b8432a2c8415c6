"""Reads what an outside agent answers: the dict of a tool, and what it offers beside the text.

Nothing in it is believed before it was checked, as what comes out of the sandbox is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from conversations.ai_agent.outside.agent import AgentAnswer, AgentFailedError
from conversations.ai_agent.returned import ReturnProblem, acts, hangs_up, return_problems, spoken
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS, ToolError, plain_data
from conversations.ai_agent.turn import AgentMessage, TurnLog

SOURCE = "outside agent"
ANSWER_BYTES = 256 * 1024
STATE_BYTES = 64 * 1024
OFFERS_MAX = 20
LABEL_MAX, URL_MAX, PAYLOAD_MAX = 200, 2048, 1000
URL, IMAGE = "ATTACHMENT_CONTENT_TYPE_URL", "ATTACHMENT_CONTENT_TYPE_IMAGE"
# Beside the keys of a tool's dict.
_STATE = "state"


class OfferProblem(NamedTuple):
    """What is wrong with something that a message offers."""

    path: str
    message: str


def answer_read(said: object) -> AgentAnswer:
    """Return what an agent's JSON means; raises AgentFailedError where it means nothing."""
    returned = _plain(said)
    extra, problems = offers_read(returned)
    texts = spoken((), returned)
    inner = {key: value for key, value in returned.items() if key not in (*_OFFERS, _STATE)}
    logs = [_offer_log(problem) for problem in problems]
    logs += [_log(problem) for problem in return_problems(inner)]
    messages = [AgentMessage(text=text, extra=extra) for text in texts]
    if not messages and any(extra.values()):
        messages = [AgentMessage(text="", extra=extra)]
    return AgentAnswer(
        messages=messages,
        returned=inner if acts(inner) else None,
        state=_state(returned),
        has_hung_up=hangs_up(inner),
        logs=logs,
    )


def offers_read(said: Mapping[str, Any]) -> tuple[dict[str, Any], list[OfferProblem]]:
    """Return response_suggestions, attachments and chat_call_actions as clients get them.

    What is wrong with one of them leaves that one out, and is told.
    """
    problems: list[OfferProblem] = []
    extra = {}
    for key, read in _OFFERS.items():
        given = said.get(key)
        if given is None:
            continue
        extra[key] = list(_items(key, given, read, problems))
    return extra, problems


def _items(
    key: str,
    given: object,
    read: Callable[[Mapping[str, Any]], dict[str, Any] | str],
    problems: list[OfferProblem],
) -> Iterator[dict[str, Any]]:
    if not isinstance(given, list):
        problems.append(OfferProblem(key, "must be a list"))
        return
    if len(given) > OFFERS_MAX:
        problems.append(OfferProblem(key, f"may have {OFFERS_MAX} entries; the rest is left out"))
    for number, item in enumerate(given[:OFFERS_MAX]):
        found = read(item) if isinstance(item, dict) else "must be an object"
        if isinstance(found, str):
            problems.append(OfferProblem(f"{key}[{number}]", found))
        else:
            yield found


def _suggestion(item: Mapping[str, Any]) -> dict[str, Any] | str:
    text, payload = item.get("message_text"), item.get("payload")
    if not _is_text(text, LABEL_MAX):
        return f"needs message_text, a text of up to {LABEL_MAX} characters"
    if payload is not None and not _is_text(payload, PAYLOAD_MAX):
        return f"payload must be a text of up to {PAYLOAD_MAX} characters"
    return {"message_text": text, "payload": payload or text}


def _attachment(item: Mapping[str, Any]) -> dict[str, Any] | str:
    url, kind = item.get("content_url"), item.get("content_type", URL)
    if kind not in (URL, IMAGE):
        return f"content_type must be {URL} or {IMAGE}"
    if not (_is_text(url, URL_MAX) and str(url).startswith("https://")):
        return "needs content_url, an address that begins with https://"
    preview = item.get("preview_image_url") or ""
    if preview and not (_is_text(preview, URL_MAX) and str(preview).startswith("https://")):
        return "preview_image_url must begin with https://"
    names = ("title", "call_to_action_text")
    texts = {name: item.get(name) or "" for name in names}
    if wrong := next((n for n, text in texts.items() if text and not _is_text(text, 500)), None):
        return f"{wrong} must be a text of up to 500 characters"
    return {**texts, "content_url": url, "content_type": kind, "preview_image_url": preview}


def _call_action(item: Mapping[str, Any]) -> dict[str, Any] | str:
    if not (_is_text(item.get("title"), LABEL_MAX) and _is_text(item.get("contact_number"), 40)):
        return "needs title and contact_number"
    return {"title": item["title"], "contact_number": item["contact_number"]}


_OFFERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any] | str]] = {
    "response_suggestions": _suggestion,
    "attachments": _attachment,
    "chat_call_actions": _call_action,
}


def _plain(said: object) -> dict[str, Any]:
    if said is None or said == "":
        return {}
    if isinstance(said, str):
        said = {"utterance": said}
    if not isinstance(said, dict):
        raise AgentFailedError("agent_answer", "The agent must answer with a JSON object.")
    try:
        plain = plain_data(
            said, code="bad_return", name="the agent's answer", max_bytes=ANSWER_BYTES
        )
    except ToolError as error:
        raise AgentFailedError("agent_answer", error.message) from error
    assert isinstance(plain, dict)
    utterance = plain.get("utterance")
    if isinstance(utterance, str) and len(utterance) > MAX_SAID_CHARS:
        text = f"utterance takes up to {MAX_SAID_CHARS} characters."
        raise AgentFailedError("agent_answer", text)
    return plain


def _state(returned: Mapping[str, Any]) -> dict[str, Any] | None:
    state = returned.get(_STATE)
    if state is None:
        return None
    if not isinstance(state, dict):
        raise AgentFailedError("agent_answer", "state must be an object.")
    try:
        plain_data(state, code="bad_state", name="state", max_bytes=STATE_BYTES)
    except ToolError as error:
        raise AgentFailedError("agent_answer", error.message) from error
    return state


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= most


def _log(problem: ReturnProblem) -> TurnLog:
    content = f"{problem.key}: {problem.message}".removeprefix(": ")
    return TurnLog(level=problem.severity, content=content, source=SOURCE, code="returned")


def _offer_log(problem: OfferProblem) -> TurnLog:
    content = f"{problem.path} {problem.message}"
    return TurnLog(level="warning", content=content, source=SOURCE, code="returned")


def problems_text(problems: Sequence[OfferProblem]) -> str:
    """Return what is wrong as one sentence, for who is to be refused."""
    return "; ".join(f"{problem.path} {problem.message}" for problem in problems)
