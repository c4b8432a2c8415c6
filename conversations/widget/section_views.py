"""The pages of one widget: how it looks, what comes before and after a conversation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from conversations.models import Channel
from conversations.survey.results import survey_results
from conversations.widget.channels import channel_update
from conversations.widget.sections import SECTIONS, Section
from integrations.models import Area, Project
from integrations.projects.access import project_view


@project_view(Area.WIDGETS)
@require_http_methods(["GET", "POST"])
def widget_section(
    request: HttpRequest, project: Project, channel_id: int, section: str
) -> HttpResponse:
    """Show and change one part of a widget."""
    channel = get_object_or_404(project.channels, pk=channel_id, kind=Channel.Kind.WEBCHAT)
    if (found := SECTIONS.get(section)) is None:
        raise Http404
    form: Any = found.form_of(channel)
    if request.method == "POST":
        form = found.form_of(channel, request.POST, request.FILES)
        if form.is_valid():
            channel_update(channel=channel, actor=request.user, values=form.values(channel))
            messages.success(request, f"{found.title} saved. The next conversation has it.")
            return redirect(
                "widget_section",
                project_id=project.public_id,
                channel_id=channel.pk,
                section=section,
            )
    status = 422 if form.errors else 200
    context = _context(channel, found, form)
    return render(request, "conversations/widget_section.html", context, status=status)


def _context(channel: Channel, section: Section, form: Any) -> dict[str, Any]:
    is_survey = section.key == "survey"
    return {
        "channel": channel,
        "section": section,
        "sections": SECTIONS.values(),
        "form": form,
        "results": survey_results(channel) if is_survey else None,
    }
