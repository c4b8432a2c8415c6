"""Template tags for pages of the apps below that show what handoffs do."""

from __future__ import annotations

from django import template

from handoffs.lifecycle.in_use import open_handoff_count

register = template.Library()
register.simple_tag(open_handoff_count)
