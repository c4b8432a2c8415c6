"""The ways to drive an outside agent: one row each, from which page, checks and adapter come.

A new kind is a module with an Adapter and a row in KINDS; nothing else has to be told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from conversations.ai_agent.outside.agent import Adapter, AgentPlace
from conversations.ai_agent.outside.bot_framework.bot_endpoint import BotEndpointAgent
from conversations.ai_agent.outside.bot_framework.direct_line import DirectLineAgent
from conversations.ai_agent.outside.options import AgentOptions
from conversations.ai_agent.outside.webhook import WebhookAgent
from conversations.models import OutsideAgent

SIGNING_SECRET = "signing_secret"  # noqa: S105
BOT_SECRET = "bot_secret"  # noqa: S105
API = "api"


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


KINDS: tuple[AgentKind, ...] = (
    AgentKind(
        key="webhook",
        label="Webhook",
        about="Baton calls your agent for each message and says what it answers.",
        address_help="Where your agent takes a POST for each message.",
        signs=True,
        repeats=True,
        adapter=lambda agent, options, place: WebhookAgent(
            agent.url, agent.secrets.get(SIGNING_SECRET, ""), options
        ),
    ),
    AgentKind(
        key="direct_line",
        label="Bot Framework (Direct Line)",
        about="A bot of the Bot Framework or Copilot Studio, reached through Direct Line.",
        address_help="Such as https://directline.botframework.com/v3/directline; a region or a "
        "service of your own has another.",
        fields=(
            AgentField(
                name=BOT_SECRET,
                label="Direct Line secret",
                help_text="From the bot's Direct Line channel. Kept encrypted.",
                input=Input.SECRET,
            ),
        ),
        adapter=lambda agent, options, place: DirectLineAgent(
            agent.url, agent.secrets.get(BOT_SECRET, ""), options
        ),
    ),
    AgentKind(
        key="bot_endpoint",
        label="Bot Framework (own address)",
        about="A bot of the Microsoft 365 Agents SDK, asked at its own address.",
        address_help="The bot's /api/messages. It must take expectReplies.",
        fields=(
            AgentField(
                name=BOT_SECRET,
                label="Bearer token",
                help_text="Sent with each call, where something before the bot asks for one.",
                input=Input.SECRET,
            ),
        ),
        adapter=lambda agent, options, place: BotEndpointAgent(
            agent.url, agent.secrets.get(BOT_SECRET, ""), options
        ),
    ),
    AgentKind(
        key=API,
        label="API",
        about="Your agent drives conversations by REST with an API key of this project.",
    ),
)
_BY_KEY = {kind.key: kind for kind in KINDS}


def kind_of(key: str) -> AgentKind | None:
    """Return a kind; None for the built-in agent and for one that is gone."""
    return _BY_KEY.get(key)
