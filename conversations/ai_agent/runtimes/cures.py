"""What an admin reads about an outside agent that fails: the cause, then the cure."""

from __future__ import annotations

CURES = {
    "agent_cannot_connect": (
        "No usable answer came in time.",
        "Check that the agent runs, that Baton can reach its address, and how long it takes.",
    ),
    "agent_rate_limited": (
        "The agent asked to slow down.",
        "Raise its limit, or check that its quota is not used up.",
    ),
    "agent_invalid_auth": (
        "The agent did not accept the key or the signature.",
        "Enter the key again, or check how the agent verifies the signature.",
    ),
    "agent_missing_permission": (
        "The agent refused the call.",
        "Check what the key may do, and whether the agent's host lets Baton in.",
    ),
    "agent_rejected": (
        "The agent refused the request.",
        "Check the address, and the name of the model if there is one.",
    ),
    "agent_unexpected_response": (
        "The answer is of another kind than was asked for.",
        "Check the address; a server that cannot stream is asked for whole answers.",
    ),
    "agent_refused": ("The model refused to answer.", "Look at the instructions and its filters."),
    "agent_answer": (
        "The answer cannot be read.",
        "Answer with a JSON object as docs/ai_agents.md shows it.",
    ),
    "agent_no_answer": (
        "It has not answered in its time.",
        "Check that it runs, and that it hears of messages: by the webhook message.created, or on "
        "its socket.",
    ),
    "agent_silent": ("The answer is empty.", "Answer with an utterance, a handoff or an end."),
}
_UNKNOWN = ("The agent failed.", "Look into the log of the conversation.")


def cure_of(code: str) -> tuple[str, str]:
    """Return cause and cure of a failure, by its code."""
    return CURES.get(code, _UNKNOWN)
