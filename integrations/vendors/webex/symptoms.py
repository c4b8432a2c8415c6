"""What goes wrong at Webex while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The Custom Messaging channel is not active.",
            cure="Control Hub > Contact Center > Channels: activate it.",
        ),
        ErrorHelp(
            cause="The entry point is mapped to no flow, or the flow is not published.",
            cure="Control Hub > Contact Center > Entry points: map it to a published flow for "
            "Custom Messaging.",
        ),
        ErrorHelp(
            cause="The queue has no team whose live agents take this channel.",
            cure="Give the team's multimedia profile the channel, and have a live agent be "
            "Available for it.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="The asset or a subscription calls an old address or signs with another secret.",
            cure="Compare Webhook URL and Asset webhook secret of the asset with Give to "
            "vendor, and save the connection: the portal mends its subscriptions.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="The global variable is not defined in the organization, or the flow does not "
            "read it.",
            cure="Define it in Control Hub under the name in the connection; read it in the flow.",
        ),
    ),
    Symptom.ENDS_EARLY: (
        ErrorHelp(
            cause="Webex took the task and then failed it: task:failed.",
            cure="The handoff's page shows Webex's reason. Check entry point, flow and queue.",
        ),
    ),
}
