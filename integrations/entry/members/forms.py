"""The forms of members: rights by role and area, an invitation, and its acceptance."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import BaseUserCreationForm
from django.core.exceptions import ValidationError

from integrations.entry.members.roles import BY_KEY, ROLES, Rights, role_of
from integrations.models import Access, Area

CUSTOM = "custom"
_ROLE_CHOICES = [(role.key, role.label) for role in ROLES] + [(CUSTOM, "By area")]
_ACCESS = [(str(access.value), access.label) for access in Access]


class RightsForm(forms.Form):
    """A role, or rights one by one: the matrix counts only with the role By area."""

    role = forms.ChoiceField(
        label="Role",
        choices=_ROLE_CHOICES,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a role.",
            "invalid_choice": "There is no such role. Choose one of the list.",
        },
    )
    sees_personal_data = forms.BooleanField(
        label="May see personal data",
        required=False,
        help_text="What people wrote, what they are called, their addresses and files. Counts with "
        "the role By area; the other roles say it themselves.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add a choice of access for each area."""
        super().__init__(*args, **kwargs)
        for area in Area:
            self.fields[f"area_{area.value}"] = forms.ChoiceField(
                label=area.label,
                choices=_ACCESS,
                required=False,
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": f"{area.label}: choose None, Read or Edit."},
            )

    @staticmethod
    def initial_of(rights: Rights) -> dict[str, Any]:
        """Return what the form shows for these rights."""
        role = role_of(rights)
        areas = role.rights.areas if role else rights.areas
        shown = {f"area_{area}": str(int(areas.get(area, 0))) for area in Area.values}
        pii = rights.sees_personal_data or rights.is_admin
        return {"role": role.key if role else CUSTOM, "sees_personal_data": pii, **shown}

    def matrix(self) -> list[forms.BoundField]:
        """Return the choice of each area."""
        return [self[f"area_{area}"] for area in Area.values]

    def roles(self) -> list[tuple[forms.boundfield.BoundWidget, str]]:
        """Return each choice of a role with what it is for."""
        about = {role.key: role.about for role in ROLES}
        custom = "Sets each area for itself, below."
        return [(one, about.get(str(one.data["value"]), custom)) for one in self["role"]]

    def rights(self) -> Rights:
        """Return the rights that were chosen."""
        role = BY_KEY.get(self.cleaned_data["role"])
        if role is not None:
            return role.rights
        areas = {area: int(self.cleaned_data[f"area_{area}"] or 0) for area in Area.values}
        return Rights(areas=areas, sees_personal_data=self.cleaned_data["sees_personal_data"])

    def clean(self) -> dict[str, Any]:
        """Refuse a member who could enter nothing."""
        cleaned = super().clean() or {}
        chosen = [cleaned.get(f"area_{area}") or "0" for area in Area.values]
        if cleaned.get("role") == CUSTOM and set(chosen) == {"0"}:
            self.add_error("role", "By area: give Read or Edit in at least one area below.")
        return cleaned


class InvitationForm(RightsForm):
    """Whom to invite, with which rights."""

    email = forms.EmailField(
        label="E-mail address",
        error_messages={
            "required": "E-mail address is missing.",
            "invalid": "This is no e-mail address. Write it like noor@example.com.",
        },
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=300,
        help_text="Stands in the mail, above the link.",
    )
    field_order = ("email", "note", "role")


class AccountForm(BaseUserCreationForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """The account of somebody who accepts an invitation and has none yet."""

    class Meta:
        model = get_user_model()
        fields = ("username", "first_name", "last_name")

    def clean_username(self) -> str:
        """Refuse a name that differs from another's in capitals alone."""
        name: str = self.cleaned_data["username"]
        if get_user_model().objects.filter(username__iexact=name).exists():
            raise ValidationError("This user name is taken. Choose another one.")
        return name
