"""What goes wrong at Zendesk while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The integration is not in the switchboard with Agent Workspace behind it, so "
            "control was passed to nobody.",
            cure="Test connection names the switchboard. Messaging > the channel: let Agent "
            "Workspace be the next integration.",
        ),
        ErrorHelp(
            cause="The ticket is in a view or group that nobody looks at, or no live agent is "
            "online for messaging.",
            cure="Admin Center > Omnichannel routing: look at queues, and have a live agent be "
            "Online under Messaging.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="The Conversations webhook does not call this portal, or has another version "
            "or secret.",
            cure="Conversations integration > Webhooks: Events URL of this connection, version "
            "v2. Its log must show 200.",
        ),
        ErrorHelp(
            cause="The integration is on standby: after the pass of control it hears nothing "
            "that it has not subscribed to.",
            cure="Subscribe to all the events under At the vendor, the switchboard ones among "
            "them.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="The fields were set after the ticket was made.",
            cure="Let the portal be the first integration to take control: no other bot may "
            "pass the conversation to Agent Workspace before.",
        ),
    ),
    Symptom.ENDS_EARLY: (
        ErrorHelp(
            cause="A trigger or automation closed the ticket or released control.",
            cure="Open the ticket's events, and look at the triggers for messaging tickets.",
        ),
    ),
}
