"""Zendesk tickets: what an admin enters so that a conversation nobody takes becomes a ticket."""

from __future__ import annotations

from integrations.contract.hints import Hint, flat_dict, numeric_id, scalar, text, texts
from integrations.contract.manifest import (
    Capability,
    CredentialField,
    Delivery,
    ErrorHelp,
    FieldKind,
    Manifest,
    Support,
    TileGroup,
    usual_help,
)
from integrations.contract.tool_operations import ToolOperation

_FIELDS = (
    CredentialField(
        name="org_url",
        label="Zendesk address",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".zendesk.com",
        example="https://brightside.zendesk.com",
        help_text="The address at which your agents sign in.",
    ),
    CredentialField(
        name="email",
        label="API user",
        required=True,
        pattern=r"^[^@\s]+@[^@\s]+$",
        pattern_error="This is not an e-mail address.",
        example="robin@example.org",
        help_text="The e-mail address of the agent or admin for whom the token was made.",
    ),
    CredentialField(
        name="api_token",
        label="API token",
        kind=FieldKind.SECRET,
        required=True,
        help_text="Admin Center > Apps and integrations > APIs > Zendesk API > Add API token.",
    ),
    CredentialField(
        name="group_id",
        label="Group",
        pattern=r"^[0-9]{1,20}$",
        pattern_error="A group's ID is a number.",
        example="360001234567",
        help_text="The ID of the group that gets the tickets: the number in the group's address.",
    ),
    CredentialField(
        name="ticket_form_id",
        label="Ticket form",
        pattern=r"^[0-9]{1,20}$",
        pattern_error="A ticket form's ID is a number.",
        example="360001234568",
        help_text="The ID of the form the tickets use: the number in the form's address.",
    ),
    CredentialField(
        name="tags",
        label="Tags",
        example="portal, after_hours",
        help_text="Put on every ticket; with commas between.",
    ),
)

PREREQUISITES = ("A Zendesk plan with Support, and an agent or admin for the API.",)

VENDOR_STEPS = (
    "In Admin Center, open Apps and integrations > APIs > Zendesk API and switch token access on.",
    "Choose Add API token, copy the token, and save. It is shown once.",
    "To have the tickets in a group or on a form, copy the number in its address in Admin Center.",
)

_ACCOUNT_HELP = {
    "dns": ErrorHelp(
        cause="No public server has this name.",
        cure="Enter the address at which your agents sign in; it ends in .zendesk.com.",
    ),
    "tls": ErrorHelp(
        cause="The server's certificate does not fit the address.",
        cure="Check the address. Behind a proxy that opens TLS, allow this host through.",
    ),
    "invalid_auth": ErrorHelp(
        cause="Zendesk did not accept API user and token, or token access is switched off.",
        cure="Switch token access on under Apps and integrations > APIs > Zendesk API, make a "
        "token, and enter it with the e-mail address of its user.",
    ),
    "missing_permission": ErrorHelp(
        cause="The API user is neither an agent nor an admin.",
        cure="Enter the e-mail address of an agent or an admin.",
    ),
    "invalid_routing": ErrorHelp(
        cause="There is no Zendesk account at this address.",
        cure="Enter the address at which your agents sign in.",
    ),
}

_OPERATIONS = (
    ToolOperation(
        name="create_ticket",
        about="Opens a ticket; returns a dict with id and number. With `email` it is that person's "
        "and public, without it an internal note. `tags` is a list.",
        required=("subject", "text"),
        optional=("email", "name", "tags", "priority"),
    ),
    ToolOperation(
        name="add_comment",
        about="Adds a comment to a ticket; returns a dict with id. `is_public` True sends it to "
        "the requester.",
        required=("ticket_id", "text"),
        optional=("is_public",),
    ),
)

MANIFEST = Manifest(
    key="zendesk_tickets",
    integration_key="zendesk_tickets_integration",
    tile="Zendesk tickets",
    group=TileGroup.CRM,
    name="Zendesk tickets",
    summary="Opens a ticket with the transcript when nobody is available to answer.",
    docs_url="https://developer.zendesk.com/api-reference/ticketing/tickets/tickets",
    # Nothing comes back: the answer to a ticket reaches its requester by e-mail.
    delivery=Delivery.NONE,
    private_note="internal note of the ticket",
    capabilities=frozenset({Capability.TRANSCRIPT}),
    fields=_FIELDS,
    hints=(
        Hint(name="tags", check=texts(100, text(1, 255))),
        Hint(name="ticket_fields", check=flat_dict(numeric_id, scalar)),
        Hint(name="group_id", check=numeric_id),
    ),
    support=Support.SIMULATED,
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=(("account", "Address, API user and token"),),
    error_help={
        **usual_help(("account",), vendor="Zendesk", status_page="status.zendesk.com"),
        **{("account", code): found for code, found in _ACCOUNT_HELP.items()},
    },
    loggable_keys=frozenset({"id", "external_id", "status", "priority", "role", "type"}),
    tool_name="zendesk_tickets",
    tool_operations=_OPERATIONS,
    repeat_note="A ticket is looked for under the handoff's id before it is opened. A comment "
    "whose answer was lost may stand on the ticket twice.",
)
