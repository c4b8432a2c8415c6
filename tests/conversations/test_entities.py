"""A value is read out of what somebody said, or nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from conversations.ai_agent.entities.reading import ENTITY_KINDS, entity_read

SIZES = ["Small", "Large", "Extra large"]
TOMORROW = (localdate() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("numeric", "about 12 please", 12),
        ("numeric", "1,250.50 euros", 1250.5),
        ("numeric", "1.250,50 Euro", 1250.5),
        ("numeric", "2,5", 2.5),
        ("numeric", "12,500", 12500),
        ("numeric", "3 or 4", None),
        ("numeric", "a dozen", None),
        ("numeric", "9" * 400, None),
        ("numeric", "9" * 400 + ".5", None),
        ("alphanumeric", "my order is A-1042, thanks", "A-1042"),
        ("alphanumeric", "order 77120", "77120"),
        ("alphanumeric", "AB12 or CD34", None),
        ("enum", "the large one", "Large"),
        ("enum", "extra large", "Extra large"),
        ("enum", "smal", "Small"),
        ("enum", "2", "Large"),
        ("enum", "medium", None),
        ("yes_no", "yes, go ahead", True),
        ("yes_no", "Nein danke", False),
        ("yes_no", "claro", True),
        ("yes_no", "what for?", None),
        ("date", "on 2026-12-24", "2026-12-24"),
        ("date", "am 24.12.2026", "2026-12-24"),
        ("date", "12/24/26", "2026-12-24"),
        ("date", "morgen", TOMORROW),
        ("date", "31.02.2026", None),
        ("phone_number", "call +44 20 7946 0000", "+442079460000"),
        ("phone_number", "12 34", None),
        ("email", "it is noor@example.com.", "noor@example.com"),
        ("email", "noor at example", None),
        ("name", "My name is Noor Halvorsen.", "Noor Halvorsen"),
        ("name", "why do you ask?", None),
        ("free_text", " It arrived broken ", "It arrived broken"),
        ("free_text", "  ", None),
        ("unheard_of", "anything", None),
    ],
)
def test_a_value_is_read_or_nothing_is(kind, text, value):
    assert entity_read(kind, text, SIZES) == value


def test_every_kind_reads_its_own_example_or_explains_it():
    for kind in ENTITY_KINDS.values():
        if kind.key not in ("enum", "numeric"):
            assert entity_read(kind.key, kind.example.split(", ")[0]) is not None
