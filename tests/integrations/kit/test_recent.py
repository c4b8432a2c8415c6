"""A bounded memory forgets what was not touched for longest."""

from __future__ import annotations

from integrations.kit.recent import Recent


def test_the_name_not_touched_for_longest_makes_room():
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.of("a", lambda: 0)

    recent.put("c", 3)

    assert [name in recent for name in "abc"] == [True, False, True]
    assert recent.get("b") is None


def test_a_value_is_made_once_and_stays_the_same_thing():
    recent: Recent[list[int]] = Recent(2)
    recent.of("a", list).append(1)

    assert recent.of("a", list) == [1]


def test_a_name_that_is_forgotten_starts_anew():
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)

    recent.discard("a")
    recent.discard("never known")

    assert recent.of("a", lambda: 5) == 5


def test_all_that_is_remembered_comes_oldest_first():
    recent: Recent[int] = Recent(2)
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        recent.put(name, value)

    assert list(recent.as_dict().items()) == [("b", 2), ("c", 3)]
