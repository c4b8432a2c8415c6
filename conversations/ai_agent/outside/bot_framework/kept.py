"""What is kept of a conversation with a bot between two turns.

The bot's own values of its buttons stay here: the end user's side gets a key for each, and says
it back, or types the button's title.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

SEEN_MAX = 200
OFFERS_MAX = 60


@dataclass(slots=True, kw_only=True)
class Kept:
    """Where the conversation with the bot stands.

    `handoff_id` is the last handoff that a turn knew of: with another one, somebody else has
    talked meanwhile. `offers` maps the key of each button to {title, type, value, text}.
    """

    conversation_id: str = ""
    watermark: str = ""
    has_stream: bool = False
    handoff_id: str = ""
    seen: list[str] = field(default_factory=list)
    offers: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    offers_made: int = 0
    # What the runtime keeps beside ours.
    others: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, session: Mapping[str, Any]) -> Kept:
        """Read what an earlier turn has kept."""
        names = {one.name for one in fields(cls)} - {"others"}
        ours = {name: value for name, value in session.items() if name in names}
        return cls(**ours, others={n: v for n, v in session.items() if n not in names})

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        found = asdict(self)
        return {**found.pop("others"), **found}

    def is_new(self, activity_id: str) -> bool:
        """Say whether an activity was not seen before, and remember it; without an id it is new."""
        if not activity_id:
            return True
        if activity_id in self.seen:
            return False
        self.seen = [*self.seen, activity_id][-SEEN_MAX:]
        return True

    def restart(self) -> None:
        """Forget a conversation that is gone on the bot's side; the buttons on screen stay good."""
        self.conversation_id = self.watermark = ""
        self.seen = []

    def offer(self, action: Mapping[str, Any]) -> str:
        """Remember what a button means, and return the key that stands for it."""
        self.offers_made += 1
        key = f"b{self.offers_made}"
        self.offers = dict([*self.offers.items(), (key, dict(action))][-OFFERS_MAX:])
        return key

    def taken(self, payload: object, text: str) -> Mapping[str, Any] | None:
        """Return the button that an answer means: by its key, else the newest of that title."""
        if isinstance(payload, str) and payload in self.offers:
            return self.offers[payload]
        wanted = text.strip().casefold()
        same = (one for one in self.offers.values() if one["title"].strip().casefold() == wanted)
        return next(reversed(list(same)), None)
