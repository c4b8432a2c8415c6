"""A bot of the Microsoft 365 Agents SDK that hands over to a live agent through Baton.

Packages: microsoft-agents-hosting-aiohttp. Run: python bot_framework_bot.py 3978. In Baton, choose
the kind "Bot Framework (own address)" with the address http://HOST:3978/api/messages.
"""

from __future__ import annotations

import sys

from aiohttp import web
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.aiohttp import CloudAdapter
from microsoft_agents.hosting.core import (
    ActivityHandler,
    AgentAuthConfiguration,
    AnonymousTokenProvider,
    ClaimsIdentity,
    TurnContext,
)


class NoTokens:
    """Stands in for the token service: such a bot takes none, and asks for none."""

    def get_token_provider(self, identity: ClaimsIdentity, url: str) -> AnonymousTokenProvider:
        return AnonymousTokenProvider()

    def get_connection(self, name: str | None) -> AnonymousTokenProvider:
        return AnonymousTokenProvider()

    def get_default_connection(self) -> AnonymousTokenProvider:
        return AnonymousTokenProvider()

    def get_default_connection_configuration(self) -> AgentAuthConfiguration:
        return AgentAuthConfiguration(anonymous_allowed=True)


class Bot(ActivityHandler):
    """Answers, and hands over when it is asked for a human."""

    def __init__(self) -> None:
        self.heard: list[dict] = []

    async def on_message_activity(self, context: TurnContext) -> None:
        if "human" not in (context.activity.text or "").lower():
            await context.send_activity(f"You said {context.activity.text}")
            return
        await context.send_activity("I get somebody for you.")
        value = {"Skill": "parcels", "reason": "asked for a human", "order": "7"}
        await context.send_activity(Activity(type="event", name="handoff.initiate", value=value))

    async def on_event_activity(self, context: TurnContext) -> None:
        if context.activity.name == "handoff.status":
            self.heard.append(dict(context.activity.value))


def application(bot: Bot) -> web.Application:
    adapter = CloudAdapter(connection_manager=NoTokens())

    async def messages(request: web.Request) -> web.Response:
        request["claims_identity"] = ClaimsIdentity({}, False)
        return await adapter.process(request, bot)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    web.run_app(application(Bot()), port=int(sys.argv[1]))
