"""The floor for open handoffs: a bare HTTP client that holds as many streams.

python -m tests.bench.streams VENDOR_URL N      prints the bytes of memory it holds
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid

import aiohttp
import uvloop

from tests.bench.process import files_allow_many, settled_bytes

API = "/iamessage/api/v2"


async def main(vendor: str, number: int) -> None:
    """Open the streams, one after the other in groups, and measure."""
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        tasks = []
        for start in range(0, number, 100):
            group = range(start, min(start + 100, number))
            opened = await asyncio.gather(*(_open(http, vendor) for _ in group))
            tasks += [asyncio.create_task(_read(answer)) for answer in opened]
        print(await settled_bytes(os.getpid()), flush=True)
        for task in tasks:
            task.cancel()


async def _open(http: aiohttp.ClientSession, vendor: str) -> aiohttp.ClientResponse:
    url = f"{vendor}{API}/authorization/unauthenticated/access-token"
    async with http.post(url, json={}) as answer:
        headers = {"Authorization": f"Bearer {(await answer.json())['accessToken']}"}
    body = {"conversationId": str(uuid.uuid4())}
    async with http.post(f"{vendor}{API}/conversation", json=body, headers=headers):
        pass
    return await http.get(f"{vendor}/eventrouter/v1/sse", headers=headers)


async def _read(answer: aiohttp.ClientResponse) -> None:
    async for _ in answer.content:
        pass


if __name__ == "__main__":
    files_allow_many()
    uvloop.install()
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
