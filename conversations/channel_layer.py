"""The channel layer, with a bound on what waits for one reader."""

from __future__ import annotations

import asyncio
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer

from integrations.metrics import WAKE_UPS_DROPPED

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


class _BoundedLoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]  # no types
    async def _subscribe_to_channel(self, channel: str) -> None:
        is_relay = channel.startswith(self.prefix + RELAY_PREFIX)
        self.channels[channel] = BoundedQueue(RELAY_WAITING if is_relay else SOCKET_WAITING)
        await self._get_shard(channel).subscribe(channel)
