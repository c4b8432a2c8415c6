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
_LEAVE = re.compile(
    r"^(?:oh |ok |okay |no |nein |ach |bitte |please |just |well )*"
    r"(?:never ?mind|forget (?:it|that|about it)|cancel(?: that| this| it)?|leave it|drop it|stop"
    r"|skip (?:it|that|this)|let s (?:leave|drop|forget) (?:it|that)|(?:it )?doesn t matter"
    r"|not important|not now|no thanks?|no thank you|i (?:changed|have changed) my mind|abort"
    r"|vergiss es|vergessen sie(?: es)?|(?:ist )?egal|abbrechen|abbruch|schon gut"
    r"|lass (?:es|gut sein)"
    r"|lassen sie(?: es)?|doch nicht|hat sich erledigt|erledigt|nicht (?:so )?wichtig|stopp?"
    r"|nein danke|olv[ií]dalo|olv[ií]delo|no importa|da igual|d[eé]jalo|d[eé]jelo|cancela(?:r|lo)?"
    r"|no gracias|laisse(?:z)? tomber|annule[rz]?|oublie(?:z)?|lascia (?:stare|perdere)|annulla"
    r"|deixa (?:pra l[aá]|estar)|esque[cç]e|cancele|لا يهم|الغاء|إلغاء|انس الامر|انسى)"
    r"(?: (?:then|it|that|please|thanks?|thank you|danke|bitte|dann|gracias|por favor|merci))*$"
)


def leaves(text: str) -> bool:
    """Say whether somebody wants what they were asked for left alone: “never mind”."""
    return _LEAVE.match(normalise(shortened(text))) is not None


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
