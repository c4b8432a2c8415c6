"""Tell, after the commit, that what members may look at has changed: open sockets look again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.dispatch import Signal

# `users`: their ids.
members_changed = Signal()


def sockets_look_again(users: Iterable[int]) -> None:
    """Have the sockets of these users closed that show what they may not see any more."""
    wanted = [*users]
    if wanted:
        transaction.on_commit(partial(members_changed.send, sender=None, users=wanted))
