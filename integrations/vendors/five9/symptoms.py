"""What goes wrong at Five9 while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The campaign is not Running.",
            cure="Start the campaign in Five9's administration.",
        ),
        ErrorHelp(
            cause="The campaign has no chat profile or skill, or no live agent has that skill.",
            cure="Give the campaign a chat profile and a skill, and the skill to the live agents.",
        ),
        ErrorHelp(
            cause="No live agent is Ready with the channel Chat.",
            cure="Have one choose Ready for Chat.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="The authorization profile has an old password: the portal answers 401.",
            cure="Make a new one in Give to vendor and enter it there; the old one is good for "
            "a day.",
        ),
        ErrorHelp(
            cause="Five9 cannot reach Webhook URL, or the delivery profile calls it with "
            "another user or password.",
            cure="Compare all three with Give to vendor. Last webhook on the page of the "
            "connection says when the last call came.",
        ),
    ),
}
