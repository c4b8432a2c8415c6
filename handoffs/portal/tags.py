"""Template tags for pages of the apps below that show what handoffs do."""

from __future__ import annotations

from django import forms, template
from django.utils.safestring import SafeString

from handoffs.lifecycle.in_use import open_handoff_count

register = template.Library()
register.simple_tag(open_handoff_count)


@register.filter
def as_written(field: forms.BoundField) -> SafeString:
    """Draw a form's control; what people write in it runs in the direction of its script."""
    widget = field.field.widget
    is_text = isinstance(widget, forms.TextInput | forms.Textarea)
    is_code = "code" in str(widget.attrs.get("class", ""))
    return field.as_widget(attrs={"dir": "auto"} if is_text and not is_code else None)
