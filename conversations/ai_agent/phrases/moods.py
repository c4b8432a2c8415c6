"""Tells small talk, which is no failure to understand, and anger, which is a reason to hand off."""

from __future__ import annotations

import re

from conversations.ai_agent.phrases.words import normalise, shortened

_SMALL_TALK = re.compile(
    r"^(?:(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|hallo|hi|moin|servus"
    r"|guten (?:tag|morgen|abend)|grüß gott|hola|buenas|buenos días|buenas (?:tardes|noches)|salut"
    r"|bonjour|ciao|olá|مرحبا)"
    r"|(?:thanks?|thank you|thx|cheers|danke\w*|vielen dank|gracias|muchas gracias|merci|grazie"
    r"|obrigad[oa])"
    r"|(?:bye|goodbye|see you|tschüss|auf wiedersehen|ciao|adiós|hasta (?:luego|pronto|mañana))"
    r"|(?:ok|okay|great|cool|nice|perfect|alright|all right|super|alles klar|gut|prima|perfekt|vale"
    r"|perfecto|genial|de acuerdo|entendido|got it|i see|verstanden)"
    r"|(?:how are you|how is it going|how s it going|wie geht s|wie geht es \w+|qué tal|cómo estás"
    r"|cómo está|cómo va)"
    r"|(?:there|very|much|so|a lot|dir|ihnen|schön|sehr|you|all|everybody|lol|haha\w*))"
    r"(?: |$))+$"
)
_ANGER = re.compile(
    r"\b(?:useless|stupid|ridiculous|rubbish|terrible|awful|worst|unacceptable|fed up|wtf|damn"
    r"|bullshit|idiot\w*|this is a joke|waste of (?:my )?time|are you (?:even )?(?:listening"
    r"|kidding)"
    r"|you (?:do not|don t) (?:understand|get it|listen)|(?:that|this) (?:does not|doesn t) help"
    r"|(?:that|this) is not what i (?:asked|meant)|for the (?:third|fourth|hundredth) time"
    r"|nutzlos|dumm\w*|blöd\w*|unverschämt\w*|frechheit|katastrophe|scheiß\w*|scheiss\w*|lächerlich"
    r"|sinnlos|verarsch\w*|du verstehst (?:mich )?nicht|das hilft (?:mir )?nicht"
    r"|inútil\w*|estúpid\w*|ridícul\w*|pésim\w*|vergüenza|harto|harta|basura|mierda"
    r"|no me (?:entiendes|entiende|ayudas|ayuda|sirves|sirve)|no entiendes|esto no (?:ayuda"
    r"|sirve))\b"
)


def is_small_talk(text: str) -> bool:
    """Tell whether a message is a greeting, thanks or a word of courtesy and nothing else."""
    return _SMALL_TALK.match(normalise(shortened(text))) is not None


def is_angry(text: str) -> bool:
    """Tell whether a message shows that the end user has had enough."""
    return _ANGER.search(normalise(shortened(text))) is not None
