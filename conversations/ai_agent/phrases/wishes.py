"""Tells an explicit wish for a human: "agent please", "/human", "mit einem Menschen sprechen".

The words of a message become letters of a small alphabet, and a handful of patterns reads those:
who is asked for, how, and what stands between. A mention alone is no wish ("my travel agent booked
the wrong flight"), nor is what is refused ("no human please").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from rapidfuzz.distance import OSA

from conversations.ai_agent.phrases.refusals import clauses_asked
from conversations.ai_agent.phrases.words import normalise, shortened

# A whole message of one of these is the wish.
_COMMANDS = frozenset(
    re.findall(
        r"\S+",
        "/human /agent /person /operator /support /help /mensch /mitarbeiter /hilfe /humano "
        "/agente "
        "/persona /ayuda /aide /humain",
    )
)
_CRIES = frozenset(
    [
        *("help", "help me", "sos", "hilfe", "hilf mir", "ayuda", "ayudame", "auxilio"),
        *("aide", "aidez moi", "aiuto", "ajuda"),
        *("مساعدة", "موظف", "اريد موظف", "اريد التحدث مع موظف"),
    ]
)
# h: whom one asks for; s: their desk; w: anybody (too weak alone); m: a machine; v: to get into
# touch; g: to want or to give; e: there is; c: can; o: to help; p: please; b: what may stand
# between; y: you, the machine; a: a question word. All others are x.
_CLASSES: Mapping[str, str] = {
    "h": "human humans person persons agent agents representative representatives rep reps "
    "operator "
    "advisor adviser employee colleague staff supervisor manager assistant specialist "
    "mensch menschen mitarbeiter mitarbeiterin mitarbeitern berater beraterin kollege kollegen "
    "kollegin ansprechpartner ansprechpartnerin sachbearbeiter kundenberater servicemitarbeiter "
    "persona agente agentes humano humana asesor asesora representante operador operadora "
    "empleado empleada companero ejecutivo personne conseiller conseillere humain "
    "operatore operatrice umano pessoa atendente",
    "s": "support helpdesk kundenservice kundendienst kundenbetreuung hotline callcenter",
    "w": "somebody someone anybody anyone jemand jemanden jemandem alguien quelqu qualcuno alguem",
    "m": "bot bots chatbot robot robots roboter machine maschine computer ki ai ia automat",
    "v": "talk talking speak speaking chat connect transfer reach contact escalate forward "
    "sprechen spreche reden rede chatten verbinden verbinde verbinden verbunden kontaktieren "
    "weiterleiten leiten leite durchstellen stellen erreichen telefonieren "
    "hablar hable comunicar comuniqueme comunicarme comunicame conectar conecteme conectame "
    "transferir transfierame transfiereme contactar atienda atiendan atender derivar derivame "
    "parler passer joindre parlare falar",
    "g": "want wanna need get give call put pass hand bring prefer like rather demand require "
    "will mochte moechte brauche geben gib hol holen ruf rufen verlange wunsche "
    "quiero quisiera querria necesito deseo dame deme pasame paseme pase pongame ponme prefiero "
    "exijo llamen llame veux voudrais voglio vorrei quero preciso",
    "c": "can could may kann konnte konntet koennte darf puede puedo puedes podria podrian pueden",
    "o": "help assist helfen weiterhelfen hilft ayudar ayude ayudarme atenderme",
    "p": "please pls plz thanks thank danke bitte favor gracias now jetzt sofort ahora ya",
    "b": "a an the to with through over one some real actual live another other any your from "
    "of in "
    "up onto by me my i d im m we us be am would could should able just directly right away "
    "immediately not no instead so ok okay hi hello hallo hola service team "
    "einen einem einer eine ein mit an zu zum zur von vom bei echt echte echten echter richtigen "
    "richtige lebenden anderen ich mir mich wir uns sie bitte gerne gern lieber auch hier euch "
    "dem den der die das "
    "un una el la los las con al a de en otro otra real verdadera verdadero alguno alguna algun "
    "me mi nos yo que por le lo quien cual vivo "
    "une avec vrai vraie uno una com uma",
    "y": "you u du ihr eres usted tu vous",
    "a": "is are was were why who what when where how ist sind warum wer wie wo es son porque "
    "quien",
}
_ATTENTION = (
    "customer service",
    "customer support",
    "customer care",
    "atencion al cliente",
    "servicio al cliente",
    "service client",
    "kunden service",
    "help desk",
)
_LETTERS = {
    word: letter for letter, words in reversed(list(_CLASSES.items())) for word in words.split()
}
_LETTERS |= dict.fromkeys(_CLASSES["h"].split(), "h")
_THERE = re.compile(
    r"\b(?:is|are|isn t) there\b|\bgibt es\b|\bist (?:da|dort|hier)\b|\bhay\b|\best ce qu il y a\b"
)
# What makes another thing of the word before it, or of the word behind it.
_NOT_OURS = re.compile(
    r"\b(?:human (?:rights?|resources?|beings? (?:are|were)|error|nature|body|interface|history)"
    r"|(?:travel|estate|insurance|cleaning|secret|letting|booking|press|free|user|sales)"
    r" (?:agents?|representatives?)|agents? (?:code|number|commission|fee|de limpieza|inmobiliario)"
    r"|agente inmobiliario|first (?:human|person)|delivery person|(?:in|per) person|contact person"
    r"|support (?:for|of|in|the|my|this|page|ticket)|support\w* (?:request|anfrage)"
    r"|menschen ?rechte?|derechos humanos|recursos humanos|person in the)\b"
)
_MIN_FUZZY, _MIN_LIKENESS = 5, 0.8
_WISH = re.compile(
    r"""
      ^[bpiam]*[hs][bpm]*$                            # agent please; no bot, a human
    | v[bpgvm]{0,6}x?[bpgm]{0,3}[hsw]                 # talk to a human; connect me with an agent
    | [hsw][bpg]{0,4}v                                # mit einem menschen sprechen
    | g[bpgm]{0,7}[hs](?:[bpvgc]|$)                   # I want a human; get me an agent now
    | t[bpw]{0,4}[hsw](?:[bpcyv].*v|[bp]*$|.*[vo])    # is there anybody I can talk to
    | c[bp]{0,4}[hw][bp]{0,4}o                        # can a human help me
    | c[bp]{0,2}o[bp]{0,3}[hw]                        # me puede ayudar una persona
    """,
    re.VERBOSE,
)


def wants_human(text: str) -> bool:
    """Tell whether a message asks for a human in so many words."""
    said = shortened(text).strip().casefold()
    if said in _COMMANDS or _folded(said) in _CRIES:
        return True
    return any(_is_wish(clause) for clause in clauses_asked(text))


def _is_wish(clause: str) -> bool:
    said = _NOT_OURS.sub("x", _folded(clause))
    for name in _ATTENTION:
        said = said.replace(name, "support")
    said = _THERE.sub(" thereis ", said)
    return _WISH.search("".join(_letter(word) for word in said.split())) is not None


def _letter(word: str) -> str:
    if word == "thereis":
        return "t"
    return _LETTERS.get(word) or _near(word)


def _near(word: str) -> str:
    """Read a misspelt word; only of those that mean a human or getting into touch."""
    if len(word) < _MIN_FUZZY or word in _LOOKALIKES:
        return "x"
    found = (
        (OSA.normalized_similarity(word, known), letter)
        for letter in "hvs"
        for known in _BY_LETTER[letter]
        if abs(len(known) - len(word)) <= 2
    )
    likeness, letter = max(found, default=(0.0, "x"))
    return letter if likeness >= _MIN_LIKENESS else "x"


def _folded(text: str) -> str:
    """Return words without accents: few type them in a chat."""
    plain = unicodedata.normalize("NFKD", normalise(text))
    return "".join(char for char in plain if not unicodedata.combining(char))


_BY_LETTER = {
    letter: [w for w in words.split() if len(w) >= 4] for letter, words in _CLASSES.items()
}
# Words of their own that look like a misspelt one.
_LOOKALIKES = frozenset(
    re.findall(
        r"\S+",
        "agenda agency agencia urgent parson season reason preach teach peach beach personal "
        "personas "
        "peak speaker hablan hablas hablado sprach gesprochen gesprach mensa operate "
        "operation rather "
        "reached connected contacted transferred forwarded staffed talked spoke spoken chatted",
    )
)
