"""Finds the sentence that promises a live agent and calls nobody."""

from __future__ import annotations

import re

# By language: what a model says when it believes that words hand over.
_CLAIMS = {
    "en": r"\b(i'?m|i am|i'?ll|i will|let me)( now)? (be )?"
    r"(transferr?|connect|hand|pass|putt?)(ing)? (you|your (call|chat))\b",
    "de": r"\b(ich )?(verbinde|leite|übergebe|stelle) (ich )?(sie|dich|ihr|das|ihre)\b.*"
    r"\b(weiter|durch|mitarbeiter|kolleg|person|menschen)",
    "fr": r"\bje (vous|te) (transfère|mets en relation|passe)\b",
    "es": r"\b(le|te|lo|la) (transfiero|paso con|pongo en contacto|conecto con)\b",
    "it": r"\b(la|ti|vi) (trasferisco|metto in contatto|passo)\b",
    "pt": r"\b(vou (te |o |a )?transferir|estou (te |o |a )?transferindo)\b",
    "nl": r"\bik verbind (u|je) (door|met)\b",
}
_PATTERN = re.compile("|".join(f"(?:{one})" for one in _CLAIMS.values()), re.IGNORECASE)


def claims_handoff(text: str) -> bool:
    """Say whether a text tells the end user that they are being transferred, now."""
    plain = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return any(not one.rstrip().endswith("?") and _PATTERN.search(one) for one in _sentences(plain))


def _sentences(text: str) -> list[str]:
    return re.findall(r"[^.!?\n]+[.!?]?", text)
