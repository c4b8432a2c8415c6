"""The pages of one channel: how a widget looks, what comes before and after a conversation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from conversations.models import BrandImage, Channel
from conversations.survey.forms import SurveyForm
from conversations.survey.results import survey_results
from conversations.widget.before_form import BeforeForm
from conversations.widget.brand_form import BrandForm
from conversations.widget.channels import channel_update
from conversations.widget.identity_form import IdentityForm
from conversations.widget.look import spoken_look
from conversations.widget.page_check import PageCheckForm, live_state
from conversations.widget.words import WordsForm, own_count
from integrations.behaviour.languages import languages
from integrations.behaviour.sentences import own_or
from integrations.behaviour.wording import own_words, wording_set
from integrations.models import Area, Project
from integrations.projects.access import project_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One page: its address, its name, why one goes there, and its form.

    The form's class has `initial_of(channel)`, what it shows of one; the form has
    `values(channel)`, the fields to be saved, and may have `saved(channel)` for all else.
    """

    key: str
    title: str
    why: str
    form: Any
    has_preview: bool = False
    # Where there is something to draw, unless it is said by text too.
    kinds: Collection[str] = (Channel.Kind.WEBCHAT,)
    action: str = "Save"

    def form_of(self, channel: Channel, data: Any = None, files: Any = None) -> forms.Form:
        """Return the form, filled with the channel or with what was sent."""
        made: forms.Form = self.form(data, files, initial=self.form.initial_of(channel))
        return made


SECTIONS = {
    one.key: one
    for one in (
        Section(
            key="brand",
            title="Look and words",
            why="Name, colours, picture, place and words, so that the widget looks like yours.",
            form=BrandForm,
            has_preview=True,
        ),
        Section(
            key="before",
            title="Before the chat",
            why="What end users accept and answer before a conversation begins.",
            form=BeforeForm,
            has_preview=True,
        ),
        Section(
            key="identity",
            title="Identity",
            why="Your server vouches for who is signed in on your page, by a signed token.",
            form=IdentityForm,
        ),
        Section(
            key="check",
            title="Check my page",
            why="Whether your page carries the widget, and whether it has been used there.",
            form=PageCheckForm,
            action="Check",
        ),
        Section(
            key="survey",
            title="Survey",
            why="What end users thought, asked once at the end and kept here, at no vendor.",
            form=SurveyForm,
            kinds=(Channel.Kind.WEBCHAT, Channel.Kind.SMS),
        ),
    )
}


@project_view(Area.WIDGETS)
@require_http_methods(["GET", "POST"])
def widget_section(
    request: HttpRequest, project: Project, channel_id: int, section: str
) -> HttpResponse:
    """Show and change one part of a channel."""
    if (found := SECTIONS.get(section)) is None:
        raise Http404
    channel = get_object_or_404(project.channels, pk=channel_id, kind__in=found.kinds)
    form: Any = found.form_of(channel)
    if request.method == "POST":
        form = found.form_of(channel, request.POST, request.FILES)
        if form.is_valid() and hasattr(form, "checked"):
            context = _context(channel, found, form) | {"checks": form.checked(channel)}
            return render(request, "conversations/widget_section.html", context)
        if form.is_valid():
            _save(channel, form, request.user)
            once: tuple[str, str] = getattr(form, "shown_once", ("", ""))
            if once[1]:
                return _with_secret(request, channel, found, once)
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


def _with_secret(
    request: HttpRequest, channel: Channel, section: Section, once: tuple[str, str]
) -> HttpResponse:
    """Show a new secret in the answer itself: it is kept nowhere that it could be read from."""
    context = _context(channel, section, section.form_of(channel)) | {"once": once}
    response = render(request, "conversations/widget_section.html", context)
    response["Cache-Control"] = "no-store"
    return response


@transaction.atomic
def _save(channel: Channel, form: Any, actor: Any) -> None:
    channel.lock()
    channel_update(channel=channel, actor=actor, values=form.values(channel))
    if hasattr(form, "saved"):
        form.saved(channel)


@project_view(Area.WIDGETS)
@require_http_methods(["GET", "POST"])
def words(request: HttpRequest, project: Project, language: str) -> HttpResponse:
    """Show and change what a project says to end users in one language."""
    if language not in languages():
        raise Http404
    form = WordsForm(language, own=own_words(project.pk, language))
    if request.method == "POST":
        form = WordsForm(language, request.POST)
        if form.is_valid():
            wording_set(project, language, form.cleaned_data, actor=request.user)
            name = languages()[language].name
            messages.success(request, f"Words in {name} saved. They are said from now on.")
            return redirect("words", project_id=project.public_id, language=language)
    status = 422 if form.errors else 200
    context = {"form": form, "languages": languages(), "language": languages()[language]}
    context["counts"] = own_count(project)
    return render(request, "conversations/words.html", context, status=status)


@require_safe
def brand_image(request: HttpRequest, token: str) -> HttpResponse:
    """Give a widget's picture to whoever draws it; a new picture has a new address."""
    image = get_object_or_404(BrandImage, token=token)
    response = HttpResponse(bytes(image.content), content_type=image.mime_type)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _preview(channel: Channel, code: str) -> dict[str, Any]:
    """Return what the preview draws beside what the form says."""
    greeting = own_or(channel.project.greeting, "greeting", code)
    return {**spoken_look(channel, code), "greeting": greeting}


def _context(channel: Channel, section: Section, form: Any) -> dict[str, Any]:
    is_survey = section.key == "survey"
    return {
        "channel": channel,
        "section": section,
        "sections": [one for one in SECTIONS.values() if channel.kind in one.kinds],
        "is_by_text": channel.kind == Channel.Kind.SMS,
        "form": form,
        "languages": languages(),
        "preview": {code: _preview(channel, code) for code in languages()},
        "live": live_state(channel) if section.key == "check" else None,
        "results": survey_results(channel) if is_survey else None,
    }
