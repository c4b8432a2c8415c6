"""Build > Safety: what of end users' texts never reaches the AI agent."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.forms import LinesField
from conversations.ai_agent.safety.filtering import ACTIONS, CATEGORIES, SafetyOptions
from conversations.models import SafetyFilter
from integrations.http.url_guard import url_problem
from integrations.models import Area, Project
from integrations.projects.access import project_view
from integrations.projects.audit import audit_record

WORDS_MAX = 500
SECONDS_MAX = 5


class SafetyForm(forms.Form):
    """An action and a list of words for each category, and a filter of the customer's own."""

    is_enabled = forms.BooleanField(label="Look at every message first", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the categories, then the own filter."""
        super().__init__(*args, **kwargs)
        for key, name in CATEGORIES.items():
            self.fields[f"action_{key}"] = forms.ChoiceField(label=name, choices=ACTIONS.items())
            self.fields[f"words_{key}"] = LinesField(
                maximum=WORDS_MAX,
                rows=4,
                label=f"Words and phrases: {name.lower()}",
                help_text="One for each line. They count as whole words, whatever their case.",
            )
        self.fields["url"] = forms.CharField(
            label="Address of your own filter",
            required=False,
            max_length=500,
            help_text='It gets each message by a signed POST and answers {"categories": ["hate"]}'
            " or an empty list. Empty: only the words above count.",
        )
        self.fields["seconds"] = forms.IntegerField(
            label="It has", min_value=1, max_value=SECONDS_MAX, help_text="Seconds, 1 to 5."
        )
        self.fields["when_away"] = forms.ChoiceField(
            label="When it gives no answer",
            choices=[(key, ACTIONS[key]) for key in ("mark", "block", "hand_off")],
        )

    def clean_url(self) -> str:
        """Refuse an address that may not be called from here."""
        url: str = self.cleaned_data["url"].strip()
        if url and (problem := url_problem(url, allow_local=settings.ALLOW_LOCAL_AGENTS)):
            raise ValidationError(f"This address cannot be called: {problem}.")
        return url

    def options(self) -> SafetyOptions:
        """Return what is to be kept."""
        found = self.cleaned_data
        return SafetyOptions(
            actions={key: found[f"action_{key}"] for key in CATEGORIES},
            words={key: found[f"words_{key}"] for key in CATEGORIES},
            url=found["url"],
            seconds=found["seconds"],
            when_away=found["when_away"],
        )


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET", "POST"])
def safety(request: HttpRequest, project: Project) -> HttpResponse:
    """Show and change the project's filter."""
    form = SafetyForm(initial=_shown(_row(project)))
    if request.method == "POST":
        form = SafetyForm(request.POST)
        if form.is_valid():
            secret = _saved(project, form, request.user)
            if secret:
                context = {"form": SafetyForm(initial=_shown(_row(project))), "secret": secret}
                answer = render(request, "conversations/safety.html", context)
                answer["Cache-Control"] = "no-store"
                return answer
            messages.success(request, "Safety saved. It holds from the next message on.")
            return redirect("safety", project_id=project.public_id)
    status = 422 if form.errors else 200
    return render(request, "conversations/safety.html", {"form": form}, status=status)


def _row(project: Project) -> SafetyFilter | None:
    return SafetyFilter.objects.filter(project=project).first()


def _shown(row: SafetyFilter | None) -> dict[str, Any]:
    options = SafetyOptions(**row.options) if row else SafetyOptions()
    shown: dict[str, Any] = {
        "is_enabled": bool(row and row.is_enabled),
        "url": options.url,
        "seconds": options.seconds,
        "when_away": options.when_away,
    }
    for key in CATEGORIES:
        shown[f"action_{key}"] = options.actions.get(key, "off")
        shown[f"words_{key}"] = options.words.get(key, [])
    return shown


@transaction.atomic
def _saved(project: Project, form: SafetyForm, actor: Any) -> str:
    """Keep what was set; return a secret that was made for a new address, once."""
    options = form.options()
    project.lock()
    row = _row(project) or SafetyFilter(project=project)
    is_new = bool(options.url) and options.url != row.options.get("url")
    secret = secrets.token_urlsafe(32) if is_new else ""
    if is_new:
        row.secrets = {"signing_secret": secret}
    row.is_enabled, row.options = form.cleaned_data["is_enabled"], options.as_dict()
    row.save()
    audit_record(
        project=project, actor=actor, action="safety.changed", subject="safety filter", fields=[]
    )
    return secret
