"""Operate > Alerts: what is wrong and was wrong, and who is told."""

from __future__ import annotations

import re

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from handoffs.portal.alerts.telling import (
    MOST_MAILS,
    AlertSettings,
    alert_settings,
    alert_settings_set,
)
from integrations.models import Alert, Area, Project
from integrations.projects.access import may_edit, project_view
from integrations.telemetry.mail import mail_is_set_up

SHOWN = 50
_LONGEST_QUIET = 7 * 24 * 60


class AlertForm(forms.Form):
    """Who is told by mail, and how often."""

    emails = forms.CharField(
        label="Mail them to",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "operations@example.com"}),
        help_text=f"E-mail addresses, one for each line, {MOST_MAILS} at most. Empty: nobody is "
        "mailed. Webhook endpoints are told whatever stands here, where they have chosen "
        "alerts.triggered.",
    )
    quiet_minutes = forms.IntegerField(
        label="Quiet minutes",
        min_value=0,
        max_value=_LONGEST_QUIET,
        help_text="A trouble that is over and comes again is told only so long after the last "
        "time.",
        error_messages={
            "required": "Quiet minutes: enter a number, 0 to be told each time.",
            "invalid": "Quiet minutes: enter a whole number.",
        },
    )

    def clean_emails(self) -> tuple[str, ...]:
        """Return the addresses; the first that is none is named."""
        found = [one for one in re.split(r"[\s,;]+", self.cleaned_data["emails"]) if one]
        for one in found:
            try:
                validate_email(one)
            except ValidationError as error:
                raise ValidationError(f"{one[:80]} is no e-mail address.") from error
        if len(found) > MOST_MAILS:
            raise ValidationError(f"Enter {MOST_MAILS} addresses at most: use a mailing list.")
        return tuple(dict.fromkeys(found))


@project_view(Area.INTEGRATIONS)
@require_http_methods(["GET", "POST"])
def alerts(request: HttpRequest, project: Project) -> HttpResponse:
    """List alerts, the open ones first; take who is to be told."""
    kept = alert_settings(project)
    initial = {"emails": "\n".join(kept.emails), "quiet_minutes": kept.quiet_minutes}
    form = AlertForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        chosen = AlertSettings(**form.cleaned_data)
        changed = alert_settings_set(project=project, chosen=chosen, actor=request.user)
        messages.success(request, "Saved." if changed else "Nothing was changed.")
        return redirect("alerts", project_id=project.public_id)
    rows = Alert.objects.filter(project=project)
    context = {
        "form": form,
        "open": rows.filter(cleared_at__isnull=True),
        "past": rows.filter(cleared_at__isnull=False)[:SHOWN],
        "mail_is_set_up": mail_is_set_up(),
        "may_edit_here": may_edit(request, Area.INTEGRATIONS),
        "kept": kept,
    }
    status = 422 if form.errors else 200
    return render(request, "handoffs/alerts.html", context, status=status)
