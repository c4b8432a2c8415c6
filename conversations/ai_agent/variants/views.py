"""The Variants pages: list, editor, delete."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.variants.forms import VariantForm
from conversations.ai_agent.variants.services import (
    variant_create,
    variant_delete,
    variant_update,
)
from conversations.models import Variant
from integrations.contract.integration_keys import vendor_name
from integrations.models import Access, Area, Project
from integrations.projects.access import may_edit, project_view


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET"])
def variants(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's variants."""
    rows = project.variants.all()
    named = [(row, vendor_name(row.integration_key) if row.integration_key else "") for row in rows]
    context = {"variants": named}
    return render(request, "conversations/variants.html", context)


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def variant_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Add a variant."""
    return _editor(request, project, None)


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET", "POST"])
def variant_edit(request: HttpRequest, project: Project, variant_id: int) -> HttpResponse:
    """Show and change a variant."""
    return _editor(request, project, get_object_or_404(project.variants, pk=variant_id))


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def variant_remove(request: HttpRequest, project: Project, variant_id: int) -> HttpResponse:
    """Ask, then delete a variant."""
    variant = get_object_or_404(project.variants, pk=variant_id)
    if request.method == "POST":
        name = variant.name
        variant_delete(variant=variant, actor=request.user)
        messages.success(request, f"Variant “{name}” deleted.")
        return redirect("variants", project_id=project.public_id)
    return render(request, "conversations/variant_delete.html", {"variant": variant})


def _editor(request: HttpRequest, project: Project, variant: Variant | None) -> HttpResponse:
    form = VariantForm.for_variant(variant) if variant else VariantForm(project=project)
    status = 200
    if request.method == "POST":
        form = VariantForm(request.POST, project=project, initial=form.initial)
        saved = _save(request, project, variant, form) if form.is_valid() else None
        if saved is not None:
            messages.success(request, f"Variant “{saved.name}” saved.")
            return redirect("variants", project_id=project.public_id)
        status = 422
    stored = Variant.objects.get(pk=variant.pk) if variant else None
    context = {
        "variant": stored,
        "form": form,
        "may_edit_here": may_edit(request, Area.KNOWLEDGE),
        **(_ways(project, stored) if stored else {}),
    }
    return render(request, "conversations/variant_edit.html", context, status=status)


def _ways(project: Project, variant: Variant) -> dict[str, str]:
    """Return what a page and a client write to ask for a variant."""
    channel = project.channels.first()
    key = channel.public_key if channel else "wk_…"
    source = f"{settings.PUBLIC_URL}{static('conversations/widget.js')}"
    attributes = f'data-key="{key}" data-variant="{variant.public_id}"'
    return {
        "tag": f'<script src="{source}" {attributes} async></script>',
        "session": json.dumps({"variant_id": variant.public_id}),
    }


def _save(
    request: HttpRequest, project: Project, variant: Variant | None, form: VariantForm
) -> Variant | None:
    try:
        if variant:
            return variant_update(variant=variant, actor=request.user, values=form.cleaned_data)
        return variant_create(project=project, actor=request.user, values=form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return None
