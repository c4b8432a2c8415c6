"""Settings > Retention > Legal holds: what is neither deleted nor erased, until when, and why."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from conversations.models import EndUser
from handoffs.portal.erasure.holds import Held, held_find, hold_lift, hold_set, holds_shown
from integrations.entry.account.confirming import recently_confirmed
from integrations.kit.json_values import count_read
from integrations.models import Area, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view

_view = project_view(Area.ACCOUNT)


class HoldForm(forms.Form):
    """What is put on hold, why, and until when."""

    held = forms.CharField(
        label="End user or conversation",
        max_length=255,
        help_text="An e-mail address, a telephone number, your own id of them, or a "
        "conversation's id. An end user's hold covers all of their conversations.",
        error_messages={"required": "Name the end user, or a conversation by its id."},
    )
    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="For your records, such as the number of the case. Without the person's name.",
        error_messages={"required": "Write why, for your records."},
    )
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The last day of the hold. Empty: until somebody lifts it.",
        error_messages={"invalid": "Until: enter a day, such as 2027-03-31."},
    )

    def __init__(self, *args: object, project: Project, **kwargs: object) -> None:
        """Take where to look."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._project = project

    def clean_held(self) -> Held:
        """Return the end user or the conversation."""
        return held_find(self._project, self.cleaned_data["held"].replace("\x00", "").strip())

    def clean_until(self) -> date | None:
        """Refuse a day that is past."""
        until: date | None = self.cleaned_data["until"]
        if until is not None and until < self._project.today:
            raise ValidationError("Until: this day is past. Enter one to come, or none.")
        return until


@never_cache
@require_http_methods(["GET", "POST"])
@_view
@recently_confirmed
def holds(request: HttpRequest, project: Project) -> HttpResponse:
    """List what is on hold, the next to end first, and take another hold."""
    form = HoldForm(request.POST or None, project=project, initial=_named(request, project))
    if request.method == "POST":
        _need_personal_data(request)
        if form.is_valid() and _taken(request, project, form):
            return redirect("holds", project_id=project.public_id)
    held, past = holds_shown(project)
    context = {
        "form": form,
        "held": held,
        "past": past,
        "soon": sum(one.state == "soon" for one in held),
        "may_edit_here": may_edit(request, Area.ACCOUNT) and may_see_personal_data(request),
        "sees_personal_data": may_see_personal_data(request),
    }
    status = 422 if form.errors else 200
    return render(request, "handoffs/holds.html", context, status=status)


@never_cache
@require_POST
@_view
@recently_confirmed
def hold_end(request: HttpRequest, project: Project, hold_id: int) -> HttpResponse:
    """Lift a hold."""
    _need_personal_data(request)
    row = get_object_or_404(project.legal_holds, pk=hold_id)
    try:
        hold_lift(hold=row, actor=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, "Lifted. What was due is deleted or erased in a day.")
    return redirect("holds", project_id=project.public_id)


def _taken(request: HttpRequest, project: Project, form: HoldForm) -> bool:
    chosen = form.cleaned_data
    try:
        hold_set(
            project=project,
            held=chosen["held"],
            reason=chosen["reason"],
            until=chosen["until"],
            actor=request.user,
        )
    except ValidationError as error:
        form.add_error("held", error)
        return False
    messages.success(request, "On hold: nothing of it is deleted or erased.")
    return True


def _named(request: HttpRequest, project: Project) -> dict[str, str]:
    """Return what a link has named: an end user by our number, so that no name is in an address."""
    if not may_see_personal_data(request):
        return {}
    number = count_read(request.GET.get("person", "")) or 0
    person = EndUser.objects.filter(project=project, pk=number).first()
    return {"held": person.external_id} if person else {}


def _need_personal_data(request: HttpRequest) -> None:
    if not may_see_personal_data(request):
        raise PermissionDenied("A legal hold needs the right to see personal data.")
