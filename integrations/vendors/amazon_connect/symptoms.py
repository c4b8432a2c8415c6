"""What goes wrong at Amazon Connect while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The flow does not end in Transfer to queue, or sets no working queue.",
            cure="Open the flow, add Set working queue and Transfer to queue, and publish it.",
        ),
        ErrorHelp(
            cause="The live agents' routing profile has the queue without the channel chat, or "
            "is at its limit of chats.",
            cure="Users > Routing profiles: switch on Chat for the queue, with a maximum of "
            "one or more.",
        ),
        ErrorHelp(
            cause="Nobody is Available in the Contact Control Panel.",
            cure="Have a live agent with this routing profile choose Available.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="A proxy closes or does not let through the WebSocket of the participant "
            "service.",
            cure="Let wss through to the address that the call CreateParticipantConnection "
            "names in the timeline.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="The flow or the live agent's view does not show contact attributes.",
            cure="Add the attributes to a view or the step-by-step guide of the flow. Their "
            "names are case-sensitive.",
        ),
    ),
    Symptom.ENDS_EARLY: (
        ErrorHelp(
            cause="The flow disconnected the chat: outside its hours, or on an error branch.",
            cure="Look at the contact in Contact search, and at the flow's log in CloudWatch.",
        ),
    ),
}
