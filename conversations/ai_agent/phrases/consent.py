"""Tells whether an end user agrees to what was offered."""

from __future__ import annotations

import re

from conversations.ai_agent.phrases.words import normalise, shortened

# Longer messages are about something else, or need more than a list of words.
_MAX_WORDS = 9
_NO = re.compile(
    r"\b(?:no(?! problem)|nope|nah|never|not|don t|do not|rather not|nein|nee|nicht|kein\w*"
    r"(?! problem)|lieber nicht|jamás|tampoco|nunca|non|não|pas|لا)\b"
)
_YES = re.compile(
    r"^(?:oh |well |na |pues |bueno )?(?:yes|yeah|yep|yup|ye|sure|ok|okay|okey|of course|go ahead"
    r"|please do|please|do it|do that|that would be (?:great|good|nice|fine)|sounds good|fine|great"
    r"|perfect|absolutely|definitely|certainly|why not|no problem|i would|i d like that|yes i do"
    r"|ja|jo|jap|klar|gern|gerne|natürlich|bitte|mach das|machen sie das|in ordnung|einverstanden"
    r"|kein problem|okay|genau|passt|sehr gern\w*"
    r"|sí|si|claro|vale|por favor|adelante|de acuerdo|por supuesto|está bien|hazlo|hágalo|dale"
    r"|oui|d accord|volontiers|certo|va bene|sim|نعم|اجل)\b"
)


def consent_read(text: str) -> bool | None:
    """Return True for an agreement, False for a refusal, None for anything else."""
    said = normalise(shortened(text))
    if not said or len(said.split()) > _MAX_WORDS:
        return None
    agrees, refuses = bool(_YES.search(said)), bool(_NO.search(said))
    if agrees and refuses and not said.startswith(("no problem", "kein problem")):
        return None
    if agrees:
        return True
    return False if refuses else None
