"""The ways to drive an outside agent: one row each, from which page, checks and adapter come.

A new kind is an Adapter and a row: here, or in a package of its own that conversations/apps.py
adds. Nothing else has to be told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from django.utils import timezone

from conversations.ai_agent.chat_model.adapter import ChatModel
from conversations.ai_agent.outside.agent import Adapter, AgentPlace
from conversations.ai_agent.outside.options import AgentOptions
from conversations.ai_agent.outside.webhook import WebhookAgent
from conversations.ai_agent.streaming import (
    ASKS_WHOLE,
    DRIVING_KIND,
    SENDS_PIECES,
    STREAMING_KIND,
)
from conversations.models import OutsideAgent

SIGNING_SECRET = "signing_secret"  # noqa: S105
PREVIOUS_SECRET = "previous_signing_secret"  # noqa: S105
API = DRIVING_KIND


class Input(Enum):
    """How a value is typed; a secret is kept encrypted and never shown again."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    SWITCH = "switch"
    SECRET = "secret"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentField:
    """A value that an admin types for one kind; it is found in `options` or in `secrets`."""

    name: str
    label: str
    help_text: str
    input: Input = Input.TEXT
    is_required: bool = False
    max_length: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKind:
    """A way to drive an agent.

    Without an `adapter` the agent drives by itself and is asked nothing. `address_help` is what
    stands below the field for its address. `signs` means that we make a secret for our calls,
    `repeats` that a call whose answer is missing may be made again: it has an id, or does nothing
    but answer.
    """

    key: str
    label: str
    about: str
    address_label: str = "Address"
    address_help: str = ""
    fields: tuple[AgentField, ...] = ()
    signs: bool = False
    repeats: bool = False
    adapter: Callable[[OutsideAgent, AgentOptions, AgentPlace], Adapter] | None = None


def signing_secrets(agent: OutsideAgent) -> tuple[str, ...]:
    """Return what signs our calls at this moment, the current secret first."""
    current, previous = (agent.secrets.get(it, "") for it in (SIGNING_SECRET, PREVIOUS_SECRET))
    is_overlap = agent.previous_until is not None and agent.previous_until > timezone.now()
    return (current, previous) if previous and is_overlap else (current,)


_KINDS: list[AgentKind] = [
    AgentKind(
        key="webhook",
        label="Webhook",
        about="Baton calls your agent for each message and says what it answers.",
        address_help="Where your agent takes a POST for each message.",
        signs=True,
        repeats=True,
        adapter=lambda agent, options, place: WebhookAgent(
            agent.url, signing_secrets(agent), options
        ),
    ),
    AgentKind(
        key=STREAMING_KIND,
        label="OpenAI-compatible",
        about="A model behind /chat/completions, with the topics and tools of this project.",
        address_label="Base address",
        address_help="Such as https://api.openai.com/v1, or at Azure "
        "https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT.",
        repeats=True,
        fields=(
            AgentField(
                name="api_key",
                label="API key",
                help_text="Kept encrypted and never shown again.",
                input=Input.SECRET,
            ),
            AgentField(
                name="model",
                label="Model",
                help_text="Its name, as the server knows it.",
                is_required=True,
                max_length=200,
            ),
            AgentField(
                name="api_version",
                label="API version",
                help_text="Azure only, such as 2024-10-21: the key then goes in the header "
                "api-key.",
                max_length=40,
            ),
            AgentField(
                name="instructions",
                label="Instructions",
                help_text="Who the agent is and how it speaks. Baton adds the topics that fit, the "
                "language, and what a live agent has said.",
                input=Input.LONG_TEXT,
                max_length=8000,
            ),
            AgentField(
                name=ASKS_WHOLE,
                label="Ask for whole answers",
                help_text="For servers that cannot stream.",
                input=Input.SWITCH,
            ),
        ),
        adapter=ChatModel,
    ),
    AgentKind(
        key=API,
        label="API",
        about="Your agent drives conversations by REST with an API key of this project.",
        fields=(
            AgentField(
                name=SENDS_PIECES,
                label="It sends texts in pieces",
                help_text="Clients that ask for it see its texts grow.",
                input=Input.SWITCH,
            ),
        ),
    ),
]


def kinds_add(*kinds: AgentKind) -> None:
    """Offer further kinds, once, before the one that is asked nothing; for conversations/apps.py.

    What is added knows this module, which so cannot name it.
    """
    known = {kind.key for kind in _KINDS}
    _KINDS[-1:-1] = [kind for kind in kinds if kind.key not in known]


def all_kinds() -> list[AgentKind]:
    """Return every kind, in the order of the page."""
    return list(_KINDS)


def kind_of(key: str) -> AgentKind | None:
    """Return a kind; None for the built-in agent and for one that is gone."""
    return next((kind for kind in _KINDS if kind.key == key), None)
