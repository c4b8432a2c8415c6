"""Why a single sign-on leads nowhere, in words for the person who tried."""

from __future__ import annotations

_AGAIN = "Start again at the sign-in page."
# code: what happened, and what to do.
_WORDS = {
    "state": ("This sign-in was used already, took too long, or began elsewhere.", _AGAIN),
    "cancelled": ("The sign-in was not finished at {name}.", _AGAIN),
    "provider": (
        "{name} did not answer as it should.",
        "Try again in a moment; if it stays so, tell the operator of this installation.",
    ),
    "signature": ("The answer is not signed by {name}.", "Tell the operator of this installation."),
    "audience": (
        "{name} answered for another application.",
        "Tell the operator of this installation: issuer or client id do not match.",
    ),
    "expired": (
        "The answer of {name} is too old.",
        f"{_AGAIN} If it comes again, a clock is off.",
    ),
    "nonce": ("The answer of {name} belongs to another sign-in.", _AGAIN),
    "unverified": (
        "{name} has not verified your e-mail address.",
        "Verify it there, then sign in again.",
    ),
    "no_email": (
        "{name} did not tell your e-mail address.",
        "Ask its administrator to release the claim email to this application.",
    ),
    "domain": ("Addresses of your domain are not let in here.", "Use your address at work."),
    "several": (
        "Several accounts here have your e-mail address.",
        "Tell the operator of this installation, or sign in by user name and password.",
    ),
    "inactive": ("Your account here was switched off.", "Ask an admin of your workspace."),
    "unknown": ("You are signed in at {name}, and nobody has let you in here yet.", ""),
}


class SignOnRefusedError(Exception):
    """The sign-on must not go on; `code` says why."""

    def __init__(self, code: str, *, email: str = "") -> None:
        """Keep the address for the page alone: no log and no text of this error has it."""
        super().__init__(code)
        self.code, self.email = code, email

    def words(self, name: str) -> tuple[str, str]:
        """Return what happened and what to do; `name` is the provider's."""
        happened, cure = _WORDS[self.code]
        return happened.format(name=name), cure
