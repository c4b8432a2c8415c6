"""What goes wrong at Genesys while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="The integration's address is attached to no inbound message flow: messages "
            "vanish.",
            cure="Admin > Routing > Message Routing: attach the address to a published flow.",
        ),
        ErrorHelp(
            cause="The flow does not end in Transfer to ACD, or names another queue.",
            cure="Open the flow in Architect, and publish it after the change.",
        ),
        ErrorHelp(
            cause="No member of the queue is On Queue with messages in the utilization.",
            cure="Look at the queue's members, their utilization for messages, and have one go "
            "On Queue.",
        ),
    ),
    Symptom.NO_REPLIES: (
        ErrorHelp(
            cause="The integration calls another address, or signs with another secret.",
            cure="Admin > Message > Platform Integrations: compare the webhook URL and set the "
            "secret again. The address must have port 443.",
        ),
        ErrorHelp(
            cause="The content profile does not allow what was sent: Genesys drops it without a "
            "word.",
            cure="Choose a content profile with the kinds that live agents use.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="The flow does not read the attributes.",
            cure="Use Get Participant Data in the flow, with the names of the attributes.",
        ),
    ),
    Symptom.ENDS_EARLY: (
        ErrorHelp(
            cause="The flow disconnected the conversation.",
            cure="Look at the interaction's timeline in Genesys: it names the step. Check "
            "schedule and error paths of the flow.",
        ),
    ),
}
