"""The two ways to a bot of the Bot Framework, as the page offers them."""

from __future__ import annotations

from conversations.ai_agent.outside.bot_framework.bot_endpoint import BotEndpointAgent
from conversations.ai_agent.outside.bot_framework.direct_line import DirectLineAgent
from conversations.ai_agent.runtimes.kinds import AgentField, AgentKind, Input

BOT_SECRET = "bot_secret"  # noqa: S105
BOT_FRAMEWORK_KINDS = (
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
)
