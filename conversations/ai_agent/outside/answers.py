"""Reads what an outside agent answers: the dict of a tool, and what it offers beside the text.

Nothing in it is believed before it was checked, as what comes out of the sandbox is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.ai_agent.conv.offers import OFFERS, OfferProblem, offers_read
from conversations.ai_agent.outside.agent import AgentAnswer, AgentFailedError
from conversations.ai_agent.returned import ReturnProblem, acts, hangs_up, return_problems, spoken
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS, ToolError, plain_data
from conversations.ai_agent.turn import AgentMessage, TurnLog

SOURCE = "outside agent"
ANSWER_BYTES = 256 * 1024
STATE_BYTES = 64 * 1024
# Beside the keys of a tool's dict.
_STATE = "state"


def answer_read(said: object) -> AgentAnswer:
    """Return what an agent's JSON means; raises AgentFailedError where it means nothing."""
    returned = _plain(said)
    extra, problems = offers_read(returned)
    texts = spoken((), returned)
    inner = {key: value for key, value in returned.items() if key not in (*OFFERS, _STATE)}
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


def _log(problem: ReturnProblem) -> TurnLog:
    content = f"{problem.key}: {problem.message}".removeprefix(": ")
    return TurnLog(level=problem.severity, content=content, source=SOURCE, code="returned")


def _offer_log(problem: OfferProblem) -> TurnLog:
    content = f"{problem.path} {problem.message}"
    return TurnLog(level="warning", content=content, source=SOURCE, code="returned")
