"""What goes wrong at CXone while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The point of contact has no script or skill.",
            cure="Points of Contact Digital: give the channel a script and a skill that live "
            "agents have.",
        ),
        ErrorHelp(
            cause="No live agent with the skill is signed in for digital contacts.",
            cure="Have one sign in with the skill, and look for unassigned cases.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="CXone cannot reach the integration box, or cannot get a token from it.",
            cure="ACD > Digital > Bring Your Own Channel: compare Integration Box URL, "
            "Authorization URL, client ID and secret with Give to vendor.",
        ),
        ErrorHelp(
            cause="The channel was made with another integration: CXone calls that one.",
            cure="Compare channelIntegrationId of the channel with the integration's ID.",
        ),
    ),
}
