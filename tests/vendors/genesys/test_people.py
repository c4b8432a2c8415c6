"""Names that a conversation leaves out."""

from __future__ import annotations

from aiohttp import web

from integrations.connections.tokens import MemoryTokens
from integrations.http.client import HttpClient, open_session
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.records import Records

LEGS = {
    "participants": [
        {"id": "p-1", "purpose": "agent", "state": "connected", "user": {"id": "u-noor"}},
        {"id": "p-2", "purpose": "agent", "state": "alerting", "user": {"id": "u-sam"}},
        {"id": "p-3", "purpose": "agent", "state": "connected", "user": {"id": "u-gone"}},
    ]
}


async def test_nameless_live_agent_is_looked_up_once_and_missing_ones_stay_nameless():
    asked: list[str] = []

    async def user(request: web.Request) -> web.Response:
        asked.append(request.match_info["id"])
        if request.match_info["id"] == "u-gone":
            return web.json_response({"code": "not.found", "status": 404}, status=404)
        return web.json_response({"id": "u-noor", "name": "Noor Halvorsen"})

    async def conversation(_request: web.Request) -> web.Response:
        return web.json_response(LEGS)

    app = web.Application()
    app.router.add_get("/api/v2/conversations/messages/c-1", conversation)
    app.router.add_get("/api/v2/users/{id}", user)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    tokens = MemoryTokens()
    await tokens.set("access_token", "a token", 60)

    async with open_session(allow_local=True) as session:
        http = HttpClient(session, allow_local=True)
        credentials = {"login_base_url": url, "api_base_url": url}
        client = GenesysClient(http, cache=tokens, credentials=credentials)
        records = Records(client, http.note)
        first = await records.participants("c-1")
        again = await records.participants("c-1")
    await runner.cleanup()

    assert [leg.agent.name for leg in first] == ["Noor Halvorsen", "", ""]
    assert again == first
    assert asked.count("u-noor") == 1
    assert "u-sam" not in asked
