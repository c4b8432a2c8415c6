"""What a tile says when a connector failed outside a test: one sentence for each error code."""

from __future__ import annotations

# What a failed start says about the integration rather than about this one conversation.
START_FAULTS = frozenset(
    {"invalid_auth", "missing_permission", "invalid_routing", "rejected", "cannot_connect"}
)
_SENTENCES = {
    "invalid_auth": "{vendor} refused the credentials. Test the connection and mend the values.",
    "missing_permission": "{vendor} does not allow this call with these credentials.",
    "invalid_routing": "{vendor} does not know the queue, skill or deployment that was asked for.",
    "rejected": "{vendor} refused the request. Test the connection to see which value is wrong.",
    "cannot_connect": "{vendor} could not be reached. Check the address and the way there.",
}


def fault_sentence(*, vendor: str, code: str, detail: str) -> str:
    """Return the sentence for a code, with what the call brought; the detail alone for others."""
    sentence = _SENTENCES.get(code, "").format(vendor=vendor)
    return f"{sentence} ({detail})" if sentence and detail else sentence or detail
