"""Template tags for pages of the apps below that show what handoffs do."""

from __future__ import annotations

from django import forms, template
from django.http import HttpRequest
from django.utils.safestring import SafeString

from handoffs.lifecycle.in_use import open_handoff_count
from handoffs.portal.overview.menu_counts import MenuCount, menu_counts_get
from integrations.models import Project
from integrations.projects.access import may_see_personal_data

register = template.Library()
register.simple_tag(open_handoff_count)


@register.simple_tag(takes_context=True)
def menu_counts(context: template.Context, project: Project) -> dict[str, MenuCount]:
    """Return the numbers beside the menu, by page."""
    request: HttpRequest = context["request"]
    return menu_counts_get(project, sees_personal_data=may_see_personal_data(request))


@register.filter
def of_page(counts: dict[str, MenuCount], page: str) -> MenuCount | None:
    """Return the number of one page; None where there is nothing to count."""
    return counts.get(page)


@register.filter
def as_written(field: forms.BoundField) -> SafeString:
    """Draw a form's control; what people write in it runs in the direction of its script."""
    widget = field.field.widget
    is_text = isinstance(widget, forms.TextInput | forms.Textarea)
    is_code = "code" in str(widget.attrs.get("class", ""))
    return field.as_widget(attrs={"dir": "auto"} if is_text and not is_code else None)
