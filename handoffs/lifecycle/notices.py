"""What the end user reads about a handoff: short, plain, never technical."""

from __future__ import annotations

NOT_DELIVERED = "This message was not delivered."
TRANSFER = "You are being transferred. Stay in this chat."

_FAILURES = {
    "no_live_agents": "Nobody is available to take over right now.",
    "out_of_hours": "Our team is not there at this hour.",
    "wait_timeout": "Nobody could take over in time.",
    "identity_required": "A person can only help you here after you have signed in.",
}
_FAILED = "You could not be connected with a person right now."


def file_lost_text(name: str) -> str:
    """Return the line for a live agent's file that did not come through."""
    return (
        f"The live agent sent the file {name}. It could not be fetched; ask for it in another way."
    )


def failure_text(code: str) -> str:
    """Return the sentence for a failed handoff."""
    return _FAILURES.get(code, _FAILED)


def joined_text(name: str) -> str:
    """Return the line for one more live agent in a running conversation."""
    return f"{name} joined the conversation." if name else "A live agent joined the conversation."


def left_text(name: str) -> str:
    """Return the line for a live agent who leaves while another one stays."""
    return f"{name} left the conversation." if name else "A live agent left the conversation."
