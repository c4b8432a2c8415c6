"""What a session is told spares it a look, and never a message, an attempt or the order."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from handoffs.relay.session_outbox import SessionOutbox


def direct(number, *, seconds_ago=0.0, text="Hello"):
    return {
        "id": number,
        "message_id": f"0000-{number}",
        "text": text,
        "at": time.time() - seconds_ago,
    }


def looked():
    """Return the outbox of a session that has looked once."""
    outbox = SessionOutbox()
    assert outbox.take() is None
    return outbox


def numbers(outbox):
    taken = outbox.take()
    return None if taken is None else [delivery.id for delivery in taken]


def test_a_session_begins_with_a_look_even_if_it_was_told_something():
    outbox = SessionOutbox()
    outbox.add(direct(1))

    assert numbers(outbox) is None
    assert numbers(outbox) == []


def test_what_was_told_is_sent_once_in_the_order_of_telling():
    outbox = looked()

    outbox.add(direct(1))
    outbox.add(direct(2))

    assert numbers(outbox) == [1, 2]
    assert numbers(outbox) == []


def test_a_told_message_is_all_that_a_send_needs():
    outbox, one = looked(), direct(7, text="Where is my parcel?")

    outbox.add(one)
    [delivery] = outbox.take()

    at = datetime.fromtimestamp(one["at"], UTC)
    assert (delivery.id, delivery.message_id, delivery.text) == (
        7,
        "0000-7",
        "Where is my parcel?",
    )
    assert (delivery.sent_at, delivery.created_at, delivery.next_attempt_at) == (at, at, at)
    assert (delivery.attempts, delivery.file_ids, delivery.parts_sent) == (0, (), 0)


def test_anything_else_that_happens_makes_it_look_once():
    outbox = looked()
    outbox.add(direct(1))

    outbox.must_look = True

    assert numbers(outbox) is None
    assert numbers(outbox) == []


@pytest.mark.parametrize("seconds_ago", [1.5, 60, -1.5, -3600])
def test_what_was_told_long_ago_or_by_a_wrong_clock_makes_it_look(seconds_ago):
    outbox = looked()

    outbox.add(direct(1, seconds_ago=seconds_ago))

    assert numbers(outbox) is None
    outbox.add(direct(2))
    assert numbers(outbox) == [2]


def test_one_old_word_among_fresh_ones_makes_it_look_for_all():
    outbox = looked()

    outbox.add(direct(1, seconds_ago=5))
    outbox.add(direct(2))

    assert numbers(outbox) is None
    assert numbers(outbox) == []


def test_what_comes_late_of_a_message_that_was_tried_makes_it_look_and_not_send_again():
    outbox = looked()
    outbox.add(direct(3))
    [delivery] = outbox.take()
    outbox.tried(delivery)

    outbox.add(direct(3))

    # It may be waiting for its next attempt, for which the session must not stop waiting.
    assert numbers(outbox) is None


def test_an_earlier_message_told_late_is_not_sent_after_a_later_one():
    outbox = looked()
    outbox.add(direct(3))
    [delivery] = outbox.take()
    outbox.tried(delivery)

    outbox.add(direct(2))
    outbox.add(direct(4))

    assert numbers(outbox) is None
    outbox.add(direct(5))
    assert numbers(outbox) == [5]
