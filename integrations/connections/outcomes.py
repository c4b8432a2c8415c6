"""What the results of a connection test mean: passed or not, and the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.contract.connector import CheckResult
from integrations.contract.manifest import Manifest

# The portal's own check, after those of the connector: has the vendor called us yet?
WEBHOOK_SEEN = "webhook_seen"
WEBHOOK_NOT_SEEN = "webhook_not_seen"
WEBHOOK_LABEL = "Webhook seen"
WEBHOOK_CAUSE = "No correctly signed call from {vendor} has arrived yet."
WEBHOOK_CURE = "Paste this address at {vendor}. The first {first} brings the first call."


def has_passed(results: Sequence[CheckResult]) -> bool:
    """Say whether a test allows to connect: it ran, and every check was green.

    A call that has not come yet stops nobody: many vendors call for the first time in a handoff.
    """
    return bool(results) and all(r.is_ok or r.name == WEBHOOK_SEEN for r in results)


def check_labels(manifest: Manifest) -> dict[str, str]:
    """Return the name of each check as admins read it, in order."""
    labels = dict(manifest.check_names)
    if manifest.has_webhooks:
        labels[WEBHOOK_SEEN] = WEBHOOK_LABEL
    return labels


def first_failure(manifest: Manifest, checks: Sequence[CheckResult]) -> tuple[str, str]:
    """Return code and sentence of the first check at fault."""
    failed = next((c for c in checks if not c.is_ok and c.name != WEBHOOK_SEEN), None)
    if failed is None:
        return "not_tested", "Saved without a test. Run the test to see whether it works."
    help_ = manifest.help_for(failed.name, failed.code)
    label = check_labels(manifest).get(failed.name, failed.name)
    cause = help_.cause if help_ else f"The check ended with {failed.code}."
    return failed.code, f"{label}: {cause}"


# What a failed start says about the integration rather than about this one conversation.
START_FAULTS = frozenset(
    {"invalid_auth", "missing_permission", "invalid_routing", "rejected", "cannot_connect"}
)
_SENTENCES = {
    "invalid_auth": "{vendor} refused the credentials. Test the connection and mend the values.",
    "missing_permission": "{vendor} does not allow this call with these credentials.",
    "invalid_routing": "{vendor} does not know the queue, skill or deployment that was asked for.",
    "rejected": "{vendor} refused the request. Test the connection to see which value is wrong.",
    "cannot_connect": "{vendor} could not be reached. Check the address and the way there.",
}


def fault_sentence(*, vendor: str, code: str, detail: str) -> str:
    """Return the sentence for a code, with what the call brought; the detail alone for others."""
    sentence = _SENTENCES.get(code, "").format(vendor=vendor)
    return f"{sentence} ({detail})" if sentence and detail else sentence or detail
