"""Tells what a message asks for from what it refuses: "no human please, when are you open?".

A refusal is one of wanting ("I don't want …", "keinen …", "no quiero …") or of a request ("don't
connect me"). A statement is none: "my order has not arrived", "I can't log in". Where in doubt it
is no refusal: a human who is asked for is never to be missed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conversations.ai_agent.phrases.words import normalise, shortened

# All patterns read normalised text: lower case, and "don't" is "don t".
_ENGLISH = r"""
    (?:(?:i|we)\ )?
        (?:(?:do|does|did|would|wo|need|should)\ ?n\ ?t|(?:do|would|will|should)\ not|never)
        \ (?:(?:really|even|actually|currently|please|ever|you\ dare)\ )*
        (?:want|wanna|need|wish|like|care|connect|transfer|put|pass|send|hand|forward|escalate
          |bring|call|talk|speak|chat|give|make|switch|redirect|route)\b
    | (?<!why\ )(?<!there\ )(?<!is\ )(?<!are\ )(?<!am\ )(?<!s\ )(?<!re\ )(?<!m\ )
        not\ (?:a|an|any|another|with\ an?|to\ an?)\b
    | not\ (?:asking|looking|want|wanting|need|needing)\b
    | (?:rather|prefer|please)\ not\b
    | no\ need\b
    | stop\ (?:connecting|transferring|sending|putting|passing|forwarding)\b
    | (?:instead\ of|rather\ than)\b
    | (?:^|(?<=^please\ )|(?<=^thanks\ ))no\ (?:(?:more|live|real|actual|other)\ )*
        (?:human\ (?=agent|operator|advisor|person|rep|being))?
        (?!longer\b|one\b|idea\b|matter\b|problem\b|way\b|response\b|reply\b|answer\b)\w+
        (?:\ (?:please|thanks|thank\ you|needed|required|necessary|wanted))*$
"""
_GERMAN_BETWEEN = r"""(?:\ (?:ich|wir|sie|mich|uns|mir|jetzt|bitte|aber|auch|also|doch|gerade|heute
    |eigentlich|wirklich|gar|lieber|mit|auf|zu|an))*"""
_GERMAN = rf"""
    (?:(?:ich|wir)\ )?
        (?:will|wollen|möchten?|moechten?|mag|brauchen?|benötigen?|wünschen?
          |verbinden?|leiten?|stellen?|übergeben?|geben|gib|transferieren?)
        {_GERMAN_BETWEEN}\ (?:nicht|niemals|kein\w*)\b
    | bitte\ (?:nicht|kein\w*)\b
    | ^nicht\ (?:mit|an|zu|verbinden|weiterleiten|durchstellen|übergeben)\b
    | ^(?:bitte\ )?kein(?:e|en|em|er)?\ \w+(?:\ (?:bitte|danke|nötig|sprechen))*$
    | statt(?:dessen)?\ (?:mit\ )?ein\w*\b
"""
_SPANISH = r"""
    (?:yo\ )?no\ (?:(?:me|lo|la|nos|te|le)\ )?
        (?:quiero|quisiera|querría|queremos|necesito|necesitamos|deseo|hace\ falta|interesa
          |conect(?:e|es|en)|pas(?:e|es|en)|transfier(?:a|as|an)|comuniqu\w+|pong(?:a|as|an)
          |deriv(?:e|es|en)|enví(?:e|es|en))\b
    | (?:prefiero|preferiría)\ no\b
    | ^(?:por\ favor\ )?(?:no\ (?:con\ )?una?|ning[uú]n|ninguna|sin)\ \w+
        (?:\ (?:por\ favor|gracias))*$
"""
_OTHERS = r"""
    (?:je\ )?(?:ne\ |n\ )?(?:veux|voudrais|souhaite|désire|ai)\ pas\b(?!\ re[çc]u|\ pu)
    | ne\ (?:me|nous)\ \w+(?:ez|e|es)\ pas\b
    | ^pas\ (?:de|d|avec|un|une)\b
    | non\ (?:(?:mi|ci)\ )?(?:voglio|vorrei|vogliamo|desidero|serve|ho\ bisogno|passi|passate
        |passare|metta|trasferisca|colleghi)\b
    | ^(?:nessun\w*|niente)\ \w+(?:\ (?:per\ favore|grazie))*$
    | não\ (?:me\ )?(?:quero|queremos|preciso|desejo|gostaria|transfira|passe|conecte|ligue)\b
    | ^(?:nenhum\w*|sem)\ \w+(?:\ (?:por\ favor|obrigad\w))*$
"""
_REFUSAL = re.compile(rf"(?<!\w)(?:{_ENGLISH} | {_GERMAN} | {_SPANISH} | {_OTHERS})", re.VERBOSE)

# A refusal reaches to the end of its clause. A clause also ends where somebody asks anew.
_MARKS = re.compile(r"[,.;:!?…\n()\u2013\u2014\u00bf\u00a1\u3001\u3002\uff0c\uff01\uff1f]+")
_ANEW = re.compile(
    r"""(?<!\w)(?:
    (?:but|just|sino|pero|sol[oó]|aber|sondern|nur|mais|ma|però|mas)\ (?=\w)
    | (?=(?:i|we)\ (?:want|need|would\ like|d\ like|just)\b)
    | (?=(?:can|could|may)\ (?:i|you|we)\b)
    | (?<!don\ t\ )(?<!dont\ )(?<!not\ )(?=(?:get|give|tell|show)\ me\b)
    | (?=(?:when|what|where|how|who|which|why)
        \ (?:are|is|do|does|can|could|will|much|many|long|s)\b)
    | und\ (?=(?:nicht|ich|wir|wann|wo|wie|was|welche)\b)
    | (?=(?:wann|wo|wie|was|welche)\ (?:ist|sind|hat|habt|haben|kann|viel|lange|kostet)\b)
    | (?=(?:cuándo|dónde|cómo|cuánto|qué)\ \w)
    )""",
    re.VERBOSE,
)
_MACHINE = re.compile(
    r"\b(?:ro)?bots?\b|\bchatbots?\b|\bmachines?\b|\bcomputers?\b|\bai\b|\bki\b|\bia\b"
    r"|\broboter\b|\bmaschinen?\b|\bmáquinas?\b|\bautomat\w*"
)
A_HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Request:
    """A normalised message: as a whole, and without what it refuses."""

    whole: str
    asked: str
    refuses: bool


def request_read(text: str) -> Request:
    """Read what is asked for; refusing a machine is asking for a human."""
    text = shortened(text)
    whole = normalise(text)
    asked, refuses = _asked(text)
    joined = " ".join(" ".join(asked).split())
    is_plain = not refuses and joined == whole
    return Request(whole=whole, asked=whole if is_plain else joined, refuses=refuses)


def clauses_asked(text: str) -> list[str]:
    """Return the normalised clauses of a message, each without what it refuses."""
    return _asked(shortened(text))[0]


def _asked(text: str) -> tuple[list[str], bool]:
    asked, refuses = [], False
    for clause in _clauses(text):
        found = _REFUSAL.search(clause)
        if found is None:
            asked.append(clause)
        elif _MACHINE.search(clause, found.start()):
            asked += [clause, A_HUMAN]
        else:
            refuses = True
            asked.append(clause[: found.start()])
    return asked, refuses


def _clauses(text: str) -> list[str]:
    parts = (normalise(part) for part in _MARKS.split(text) if part.strip())
    return [clause.strip() for part in parts for clause in _ANEW.split(part) if clause.strip()]
