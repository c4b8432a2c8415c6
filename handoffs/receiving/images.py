"""Images of cards and choices: fetched and stored by us, so that no third party sees a reader."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.locking import Lease
from handoffs.receiving.events import event_cleaned
from handoffs.sending.files import image_store, is_received
from integrations.contract.connector import Connector, VendorSession
from integrations.contract.errors import ConnectorError
from integrations.contract.events import LiveAgentMessage, LiveAgentMessageEdited
from integrations.contract.rich_content import Choice, RichContent

logger = logging.getLogger(__name__)
# Whatever is said next waits behind them; what is left out is shown without its image.
IMAGES_MAX = 20
AT_ONCE = 5
FETCH_SECONDS = 15.0
_Drawn = LiveAgentMessage | LiveAgentMessageEdited


async def images_received(
    lease: Lease, conversation_id: str, connector: Connector, session: VendorSession, event: _Drawn
) -> tuple[_Drawn, int]:
    """Return a message whose images have our own address, or none; and how many did not come."""
    urls = list(dict.fromkeys(_urls(event.rich)))
    if not urls:
        return event, 0
    event = event_cleaned(event)
    if await run_sync(is_received, lease.handoff_id, event):
        return replace(event, rich=_with(event.rich, {})), 0
    ours = await _stored(conversation_id, connector, session, urls[:IMAGES_MAX])
    return replace(event, rich=_with(event.rich, ours)), len(urls) - len(ours)


async def _stored(
    conversation_id: str, connector: Connector, session: VendorSession, urls: list[str]
) -> dict[str, str]:
    """Return our address of each image that came in time, by the vendor's."""
    ours: dict[str, str] = {}
    slots = asyncio.Semaphore(AT_ONCE)

    async def fetch(url: str) -> None:
        async with slots:
            try:
                content = await connector.fetch_attachment(session, url)
            except ConnectorError as error:
                logger.warning("An image of a message was not fetched: %s", error.code)
                return
        if address := await run_sync(image_store, conversation_id, content):
            ours[url] = address

    tasks = [asyncio.create_task(fetch(url)) for url in urls]
    try:
        done, _ = await asyncio.wait(tasks, timeout=FETCH_SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
    return ours


def _urls(rich: RichContent) -> list[str]:
    cards = [card.image_url for card in rich.cards]
    choices = [choice.image_url for choice in rich.every_choice]
    return [url for url in (*cards, *choices) if url]


def _with(rich: RichContent, ours: dict[str, str]) -> RichContent:
    cards = tuple(
        replace(
            card,
            image_url=ours.get(card.image_url, ""),
            choices=_choices_with(card.choices, ours),
        )
        for card in rich.cards
    )
    return replace(rich, choices=_choices_with(rich.choices, ours), cards=cards)


def _choices_with(choices: tuple[Choice, ...], ours: dict[str, str]) -> tuple[Choice, ...]:
    return tuple(replace(one, image_url=ours.get(one.image_url, "")) for one in choices)
