"""What goes wrong at Salesforce while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="No Omni-Channel flow, or one that is not active, routes the channel, or it "
            "names no queue.",
            cure="Setup > Messaging Settings, open the channel: under Omni-Channel Routing "
            "choose the active flow or the queue, and a fallback queue.",
        ),
        ErrorHelp(
            cause="The messaging channel is inactive.",
            cure="Setup > Messaging Settings, open the channel and activate it.",
        ),
        ErrorHelp(
            cause="Nobody in the queue is online with a presence status that takes this channel.",
            cure="Queue: members, and Messaging Session among its supported objects. Presence "
            "status: the service channel of Messaging Session. Then have a live agent "
            "choose that status in the Omni-Channel utility.",
        ),
        ErrorHelp(
            cause="Every live agent is at capacity.",
            cure="Raise the capacity of the presence configuration, or lower the size of the "
            "work in the routing configuration.",
        ),
        ErrorHelp(
            cause="The definition's routing owner is Partner, and no queue is named.",
            cure="Set routingOwner of the ConversationChannelDefinition to Salesforce, or fill in "
            "Default queue in the connection.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="The definition names another platform event or other fields than the "
            "connection.",
            cure="Compare customPlatformEvent, customEventPayloadField and "
            "customEventTypeField of the definition with the values here.",
        ),
        ErrorHelp(
            cause="The integration user may not read the platform event or its fields.",
            cure="Give the permission set Read on the event, and field access to both fields.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="One of the five places of an attribute is missing: Salesforce drops its "
            "value without a word.",
            cure="Compare the five steps under At the vendor on the page of this connector; "
            "the flow must be active.",
        ),
    ),
}
