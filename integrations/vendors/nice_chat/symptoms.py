"""What goes wrong at CXone while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The channel has no routing queue, or no live agent has the queue's skill.",
            cure="Digital > Points of Contact Digital: open the channel, and give it a routing "
            "queue.",
        ),
        ErrorHelp(
            cause="No live agent with the skill is signed in for digital contacts.",
            cure="Have one sign in with the skill, and look at Digital > Inbox for unassigned "
            "cases.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="A proxy closes or does not let through the WebSocket of the chat gateway.",
            cure="Test connection: the check of the gateway must be green. Let wss through to "
            "the environment's chat host.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="The channel lacks the custom field, or its value is longer than 1,024 "
            "characters.",
            cure="Test connection names the fields that are missing. Add them to the channel.",
        ),
    ),
}
