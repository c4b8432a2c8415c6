"""Why an answer of a passkey is not taken, in words for whoever gave it."""

from __future__ import annotations

_WORDS = {
    "unreadable": "The browser’s answer cannot be read. Try again.",
    "late": "This took too long, or was sent already. Try again.",
    "origin": "The answer was made for another address than {origin}. Open the portal there.",
    "unverified": (
        "The device did not check that it is you. Give it a PIN, a fingerprint or a face, and try "
        "again."
    ),
    "unknown": "This passkey is not known here, or was removed. Take another one.",
    "wrong": "The answer is not good. Try again.",
    "copied": (
        "This key has signed less often than before: it may be a copy. It is refused; remove it "
        "on your account page, and make a new one."
    ),
    "sign_on": "Your account signs in with {sign_on}. A passkey is asked for after that alone.",
    "taken": "This device has a passkey for this portal already. Use it, or take another device.",
    "kind": "The device makes keys of a kind that this portal does not know. Take another one.",
    "many": "You have as many passkeys as an account takes: remove one first.",
}


class PasskeyRefusedError(Exception):
    """An answer must not count; `code` says why."""

    def __init__(self, code: str) -> None:
        """Keep the code alone: nothing of an answer belongs into a log."""
        super().__init__(code)
        self.code = code

    def words(self, *, origin: str, sign_on: str) -> str:
        """Say what happened and what to do."""
        return _WORDS[self.code].format(origin=origin, sign_on=sign_on)
