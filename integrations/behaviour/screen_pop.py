"""Settings of what a live agent gets on arrival: summary, context, a link, and what is masked."""

from __future__ import annotations

from django import forms

from integrations.behaviour.context_names import FACTS
from integrations.behaviour.setting import Setting
from integrations.contract.manifest import Capability

_GROUP = "What the live agent gets"
_NAMES = "\n".join(f"{fact} = {name}" for fact, name in list(FACTS.items())[:2])

SCREEN_POP_SETTINGS = (
    Setting(
        name="transcript_link",
        group=_GROUP,
        field=forms.BooleanField(
            label="A link to the transcript goes along",
            required=False,
            help_text="An attribute with the address of a page of this portal, for a day and ten "
            "looks. Where a transcript is cut, it stands before what is left in any case.",
        ),
        needs=frozenset({Capability.TRANSCRIPT}),
    ),
    Setting(
        name="summary",
        group=_GROUP,
        field=forms.ChoiceField(
            label="Summary before the transcript",
            choices=[
                ("off", "Only what a tool gives"),
                ("short", "Else a short one of ours"),
                ("model", "Else one by the project's language model"),
            ],
            help_text="Ours quotes the end user's first and last message and the last answer. The "
            "model (Build > AI agent, OpenAI-compatible) has 4 seconds (MODEL_SUMMARY_SECONDS); "
            "where there is none, or it gives nothing in time, ours goes along. What is masked "
            "below is masked for the model too.",
        ),
        needs=frozenset({Capability.TRANSCRIPT}),
    ),
    Setting(
        name="standard_context",
        group=_GROUP,
        field=forms.ChoiceField(
            label="Standard context",
            choices=[
                ("all", "All facts, under the names below or their own"),
                ("named", "Only facts that are named below"),
                ("off", "None"),
            ],
            help_text="Attributes: " + ", ".join(FACTS) + ". A tool's own attributes come first.",
        ),
    ),
    Setting(
        name="context_names",
        group=_GROUP,
        field=forms.CharField(
            label="Names of the facts",
            required=False,
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3, "class": "code", "placeholder": _NAMES}),
            help_text="One line for each: fact = name. An empty name leaves the fact out.",
        ),
    ),
    Setting(
        name="mask_cards",
        group=_GROUP,
        field=forms.BooleanField(
            label="Card numbers are masked",
            required=False,
            help_text="In transcript, summary and the end user's messages. The portal keeps the "
            "original for members who may read conversations.",
        ),
    ),
    Setting(
        name="mask_emails",
        group=_GROUP,
        field=forms.BooleanField(label="E-mail addresses in texts are masked", required=False),
    ),
)
