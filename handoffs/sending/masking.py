"""Masks card numbers and e-mail addresses in what leaves for a vendor."""

from __future__ import annotations

import re

from integrations.behaviour.settings import Behaviour

_CARD = re.compile(r"(?<![\d.])\d(?:[ \-\u00a0]?\d){12,18}(?![\d])")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
CARDS, EMAILS = "cards", "emails"


def masks_of(behaviour: Behaviour) -> frozenset[str]:
    """Return what is to be masked in all that leaves."""
    chosen = {CARDS: behaviour.mask_cards, EMAILS: behaviour.mask_emails}
    return frozenset(kind for kind, is_on in chosen.items() if is_on)


def masked(text: str, kinds: frozenset[str]) -> str:
    """Return the text without what is to be masked; of a card its last four digits stay."""
    if CARDS in kinds:
        text = _CARD.sub(_card, text)
    return _EMAIL.sub("[e-mail address]", text) if EMAILS in kinds else text


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"[card number, ends in {digits[-4:]}]" if _is_card(digits) else found[0]


def _is_card(digits: str) -> bool:
    """Tell a card number from other long numbers by its check digit (Luhn)."""
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
