"""An AI agent that drives Baton: it hears on a socket and acts by REST. Needs aiohttp.

BASE=https://baton.example.com KEY=bk_… python socket_agent.py
"""

import asyncio
import logging
import os
from pathlib import Path

import aiohttp

BASE, KEY = os.environ["BASE"], {"x-api-key": os.environ["KEY"]}
CURSOR = Path(os.environ.get("CURSOR_FILE", "cursor.txt"))


async def act(http, frame, act, body):
    place = "/".join(frame[name] for name in ("account_id", "project_id"))
    url = f"{BASE}/v1/{place}/conversations/{frame['conversation_id']}/{act}"
    # An event may come twice: with its id as the key it is answered once.
    async with http.post(url, json=body, headers={**KEY, "Idempotency-Key": frame["id"]}) as answer:
        if answer.status >= 400 and answer.status != 409:  # 409: a human is in charge
            logging.warning("%s: %s %s", act, answer.status, await answer.text())


async def answer(http, frame):
    if frame["type"] != "message.created" or frame["data"]["sender"] != "user":
        return
    said = frame["data"]["text"]
    if "human" in said.lower():
        wanted = {"utterance": "I get somebody for you.", "handoff": {"reason": "asked for it"}}
        await act(http, frame, "handoff", wanted)
    else:
        await act(http, frame, "messages", {"text": f"You said: {said}"})


def keep(cursor):
    CURSOR.write_text(cursor)


def wanted():
    cursor = {"cursor": CURSOR.read_text()} if CURSOR.exists() else {}
    return {"events": "message.created", **cursor}


async def hear(http):
    address = f"{BASE.replace('http', 'ws', 1)}/ws/agent"
    async with http.ws_connect(address, params=wanted(), headers=KEY, heartbeat=30) as socket:
        async for message in socket:
            frame = message.json()
            await answer(http, frame)
            keep(frame["cursor"])


async def main():
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                await hear(http)
            except aiohttp.ClientError as error:
                logging.warning("Connecting again: %s", error)
            await asyncio.sleep(1)


asyncio.run(main())
