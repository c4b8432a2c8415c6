"""What goes wrong at the other side while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="Your endpoint accepted the handoff and told nobody.",
            cure="Look at the log of your software for POST /handoffs of this handoff_id.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="Your software calls another Events URL or signs with another secret.",
            cure="Compare both with Give to vendor. It must sign time stamp and raw body, and "
            "a refused call is answered 401.",
        ),
    ),
    Symptom.ENDS_EARLY: (
        ErrorHelp(
            cause="Your software sent closed or error.",
            cure="The handoff's page shows the event, with its reason.",
        ),
    ),
}
