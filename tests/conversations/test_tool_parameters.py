"""What a tool takes: read from its signature and its list, and found in what was said."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.ai_agent.entities.arguments import answer_find, arguments_find
from conversations.ai_agent.entities.parameters import (
    Parameter,
    differences,
    parameters_of,
    schema_of,
    signature_of,
    value_fit,
)
from conversations.ai_agent.entities.reading import entities_in

SOURCE = '''
from typing import Literal, Optional

def book(conv, order_number: str, pieces: int, size: Literal["small", "large"], when=None,
         *, gift: bool, note: Optional[str] = None):
    """Book it.

    order_number: the number on the invoice
    """
'''


def test_the_signature_says_names_types_and_what_is_needed():
    found = signature_of(SOURCE, "book")

    assert [(one.name, one.type, one.is_required) for one in found] == [
        ("order_number", "string", True),
        ("pieces", "integer", True),
        ("size", "enum", True),
        ("when", "", False),
        ("gift", "boolean", True),
        ("note", "string", False),
    ]
    assert found[0].description == "the number on the invoice"
    assert found[2].options == ("small", "large")


@pytest.mark.parametrize(
    "source", ["def other(conv): ...", "def book(", "x = 1", "def book(): ..."]
)
def test_what_cannot_be_read_takes_nothing(source):
    assert signature_of(source, "book") == ()


def test_the_list_tells_more_and_the_signature_what_there_is():
    listed = [
        {"name": "when", "type": "date", "is_required": True, "question": "Which day?"},
        {"name": "gone", "type": "string"},
        {"name": "pieces", "type": "number", "is_required": False},
        "no row",
    ]
    found = {one.name: one for one in parameters_of(SOURCE, "book", listed)}

    assert list(found) == ["order_number", "pieces", "size", "when", "gift", "note"]
    assert (found["when"].type, found["when"].is_required) == ("date", True)
    assert found["pieces"].is_required, "Python needs it"


def test_the_lint_says_where_both_differ():
    listed = [
        {"name": "order_number", "type": "integer"},
        {"name": "pieces", "type": "number", "is_required": False},
        {"name": "size", "type": "enum"},
        {"name": "gone"},
        {"name": "gift", "type": "boolean"},
        {"name": "note", "type": "string", "is_required": False},
    ]
    said = "\n".join(differences(SOURCE, "book", listed))

    assert "when is not in the list of parameters" in said
    assert "gone, which book does not take" in said
    assert "order_number is annotated as text, and the list of parameters calls it whole" in said
    assert "pieces has no default in the function" in said
    assert len(said.splitlines()) == 4
    assert differences(SOURCE, "book", []) == []


def test_a_question_has_words_for_each_language():
    one = Parameter(name="order", question="Your order?\nde: Ihre Bestellung?\npt-BR: Seu pedido?")

    assert one.asked_in("en-GB") == "Your order?"
    assert one.asked_in("de-CH") == "Ihre Bestellung?"
    assert one.asked_in("pt-br") == "Seu pedido?"
    assert one.asked_in("pt") == "Your order?"


ORDER = Parameter(name="order_number", type="string")
CODE = Parameter(name="order", type="code")
PIECES = Parameter(name="pieces", type="integer")
MAIL = Parameter(name="mail", type="email")
DAY = Parameter(name="day", type="date")
SIZE = Parameter(name="size", type="enum", options=["small", "large"])
NAME = Parameter(name="who", type="name")


@pytest.mark.parametrize(
    ("parameters", "text", "values"),
    [
        ([ORDER], "my order number is 1042, thanks", {"order_number": "1042"}),
        ([ORDER], "where is order #A-1042?", {"order_number": "A-1042"}),
        ([ORDER], "I have been waiting for 3 weeks for my order", {}),
        ([ORDER], "order 1042 is 3 weeks late", {"order_number": "1042"}),
        ([ORDER], "where is my order?", {}),
        ([CODE, DAY], "A-7 on 2026-12-24 please", {"order": "A-7", "day": "2026-12-24"}),
        ([PIECES, SIZE], "3 pieces, the large one", {"pieces": 3, "size": "large"}),
        ([PIECES], "2.5 pieces", {}),
        ([MAIL], "write to noor@example.com", {"mail": "noor@example.com"}),
        ([MAIL, Parameter(name="other", type="email")], "noor@example.com", {}),
        ([NAME], "My name is Noor Halvorsen", {"who": "Noor Halvorsen"}),
        ([NAME], "I'm still waiting here", {}),
        ([Parameter(name="gift", type="boolean")], "yes please", {}),
    ],
)
def test_what_shows_by_itself_is_taken_and_nothing_is_guessed(parameters, text, values):
    assert arguments_find(parameters, text).values == values


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (ORDER, "It's A-1042", "A-1042"),
        (ORDER, "the blue one", "the blue one"),
        (PIECES, "three", None),
        (PIECES, "about 12", 12),
        (SIZE, "2", "large"),
        (Parameter(name="gift", type="boolean"), "no", False),
        (DAY, "soon", None),
    ],
)
def test_an_answer_is_read_as_the_type_has_it(parameter, text, value):
    found = answer_find(parameter, text)

    assert (found[0] if found else None) == value


def test_what_a_message_holds_is_read_once_each():
    found = entities_in("Order A-1042 of 24.12.2026: noor@example.com, +44 20 7946 0000, 3 boxes")

    assert {kind: said for kind, (_, said) in found.items()} == {
        "email": "noor@example.com",
        "date": "24.12.2026",
        "phone_number": "+44 20 7946 0000",
        "alphanumeric": "A-1042",
        "numeric": "3",
    }
    assert entities_in("hello there") == {}


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("integer", "3", 3),
        ("integer", 3.0, 3),
        ("integer", 3.5, None),
        ("number", "1,250.50", 1250.5),
        ("boolean", "true", True),
        ("boolean", 1, None),
        ("string", 7, "7"),
        ("date", "24.12.2026", "2026-12-24"),
        ("email", "nobody", None),
        ("enum", "LARGE", "large"),
        ("enum", "huge", None),
        ("string", [], None),
    ],
)
def test_a_given_value_is_made_to_fit_or_refused(kind: str, given: Any, value: Any):
    assert value_fit(Parameter(name="x", type=kind, options=["small", "large"]), given) == value


def test_a_model_is_told_types_formats_and_options():
    assert schema_of(Parameter(name="x", type="enum", options=["a"], description="Which")) == {
        "type": "string",
        "description": "Which",
        "enum": ["a"],
    }
    assert schema_of(DAY) == {"type": "string", "format": "date"}
