"""The service's rate limits: requests a second and bursts, as the admin guide lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Operation -> bucket; what is not named here shares the last one of its service.
BUCKETS: Mapping[str, tuple[str, float, float]] = {
    **dict.fromkeys(
        ("StartChatContact", "StartContactStreaming", "StopContactStreaming"), ("start", 5, 8)
    ),
    "CreateParticipantConnection": ("connection", 6, 9),
    "DisconnectParticipant": ("disconnect", 3, 5),
    "GetTranscript": ("transcript", 8, 12),
    **dict.fromkeys(("SendMessage", "SendEvent"), ("send", 10, 15)),
    **dict.fromkeys(("StartAttachmentUpload", "CompleteAttachmentUpload"), ("upload", 2, 5)),
    "GetAttachment": ("attachment", 8, 12),
}
OTHERS = ("connect", 2.0, 5.0)


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float


class RateLimits:
    """Token buckets, one for each group of operations of the instance."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def takes(self, operation: str) -> bool:
        """Count a request; false means that it came too fast."""
        name, rate, burst = BUCKETS.get(operation, OTHERS)
        now = self._now()
        bucket = self._buckets.setdefault(name, _Bucket(burst, now))
        bucket.left = min(burst, bucket.left + (now - bucket.filled_at) * rate)
        bucket.filled_at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def forget(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()
