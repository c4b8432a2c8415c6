"""The channel layer, with a bound on what waits for one reader."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer

from integrations.telemetry.metrics import WAKE_UPS_DROPPED

logger = logging.getLogger(__name__)
# Wake-ups only: what is dropped here is read from the journal.
SOCKET_WAITING = 200
# One channel hears for every session of a relay worker.
RELAY_WAITING = 20_000
RELAY_PREFIX = "relay."


class BoundedQueue(asyncio.Queue[Any]):
    """A queue that drops what is put when it is full, and counts it."""

    def put_nowait(self, item: Any) -> None:
        """Keep the item while there is room; the reader finds the rest by itself."""
        try:
            super().put_nowait(item)
        except asyncio.QueueFull:
            WAKE_UPS_DROPPED.inc()


class BoundedChannelLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # no types
    """Redis Pub/Sub, as channels_redis has it, with bounded queues in this process."""

    def _get_layer(self) -> _BoundedLoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            super()._get_layer()  # lets the loop's end close it
            self._layers[loop] = _BoundedLoopLayer(*self._args, **self._kwargs, channel_layer=self)
        layer: _BoundedLoopLayer = self._layers[loop]
        return layer

    async def groups_send(self, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Do as group_send does for several messages, in order, in one exchange with Redis."""
        await self._get_layer().groups_send(messages)


class _BoundedLoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]  # no types
    async def _subscribe_to_channel(self, channel: str) -> None:
        is_relay = channel.startswith(self.prefix + RELAY_PREFIX)
        self.channels[channel] = BoundedQueue(RELAY_WAITING if is_relay else SOCKET_WAITING)
        await self._get_shard(channel).subscribe(channel)

    async def groups_send(self, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        by_shard: dict[Any, list[tuple[str, bytes]]] = {}
        for group, message in messages:
            channel = self._get_group_channel_name(group)
            try:
                packed = self.channel_layer.serialize(message)
            except (ValueError, OverflowError) as error:  # half a surrogate pair, a huge number
                logger.error("A wake-up cannot be sent: %s", type(error).__name__)
                continue
            by_shard.setdefault(self._get_shard(channel), []).append((channel, packed))
        for shard, packed in by_shard.items():
            await _publish(shard, packed)


async def _publish(shard: Any, messages: list[tuple[str, bytes]]) -> None:
    """Publish over one shard's connection, which other callers wait for as well."""
    async with shard._lock:
        shard._ensure_redis()
        async with shard._redis.pipeline(transaction=False) as pipe:
            for channel, message in messages:
                pipe.publish(channel, message)
            await pipe.execute()
