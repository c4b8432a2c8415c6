"""What goes wrong at Live Agent while every check is green: likely causes and their cures."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp, Symptom

SYMPTOMS = {
    Symptom.NOT_APPEARING: (
        ErrorHelp(
            cause="No live agent with the button's skill or queue is online in the console.",
            cure="Chat Buttons & Invitations: look at the button's skill or queue. Have a live "
            "agent with it go online in the Service Console.",
        ),
        ErrorHelp(
            cause="Every live agent is at capacity.",
            cure="Raise the chat capacity in Chat Agent Configurations, or switch on queuing "
            "for the button.",
        ),
        ErrorHelp(
            cause="The live agent is in none of the Chat Agent Configurations.",
            cure="Setup > Customize > Live Agent > Chat Agent Configurations: add the user or "
            "profile.",
        ),
    ),
    Symptom.NO_VALUES: (
        ErrorHelp(
            cause="The pair under Transcript fields names a field that Live Chat Transcript has "
            "not, or that the profile may not see.",
            cure="Compare the API name, with __c, and the profile's access to the field.",
        ),
    ),
    Symptom.ENDS_EARLY: (
        ErrorHelp(
            cause="The button has queuing off or its queue is full, and nobody was free.",
            cure="Chat Buttons & Invitations > the button: enable queue, and raise the queue size.",
        ),
    ),
}
