"""Wake the consoles of members whose rights, or sessions, have just changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conversations.journal.publish import member_wake


def consoles_look_again(sender: Any, users: Sequence[int], **more: Any) -> None:
    """Have each of their consoles look whether it may go on."""
    for user in users:
        member_wake(user)
