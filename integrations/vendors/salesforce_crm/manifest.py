"""Salesforce CRM: what an admin enters so that tools find contacts and cases."""

from __future__ import annotations

from integrations.contract.manifest import (
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

CLIENT_CREDENTIALS, PASSWORD, JWT_BEARER = "client_credentials", "password", "jwt_bearer"

_FIELDS = (
    CredentialField(
        name="auth_flow",
        label="OAuth flow",
        kind=FieldKind.CHOICE,
        default=CLIENT_CREDENTIALS,
        choices=(
            (CLIENT_CREDENTIALS, "Client credentials"),
            (PASSWORD, "User name and password"),
            (JWT_BEARER, "JWT bearer"),
        ),
        help_text="Client credentials need a Run As user in the app. Salesforce switches the flow "
        "with a password off in new organizations.",
    ),
    CredentialField(
        name="base_url",
        label="Base URL",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".my.salesforce.com",
        example="https://birchline.my.salesforce.com",
        help_text="Setup > My Domain: the current My Domain URL.",
    ),
    CredentialField(
        name="access_token_url",
        label="Access Token URL",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".salesforce.com",
        example="https://birchline.my.salesforce.com/services/oauth2/token",
        help_text="Client credentials: My Domain with /services/oauth2/token. The other flows: "
        "https://login.salesforce.com/services/oauth2/token, in a sandbox test.salesforce.com.",
    ),
    CredentialField(
        name="client_id",
        label="Client ID (Consumer Key)",
        kind=FieldKind.SECRET,
        required=True,
        pattern=r"^\S{20,}$",
        pattern_error="A consumer key has 20 characters or more, and no blanks.",
        help_text="Setup > App Manager > the app > View > Manage Consumer Details.",
    ),
    CredentialField(
        name="client_secret",
        label="Client Secret (Consumer Secret)",
        kind=FieldKind.SECRET,
        shown_for_modes=(CLIENT_CREDENTIALS, PASSWORD),
        required_for_modes=(CLIENT_CREDENTIALS, PASSWORD),
        help_text="Beside the Consumer Key.",
    ),
    CredentialField(
        name="username",
        label="Username",
        pattern=r"^[^@\s]+@[^@\s]+$",
        pattern_error="A user name looks like an e-mail address.",
        example="portal@birchline.example",
        shown_for_modes=(PASSWORD, JWT_BEARER),
        required_for_modes=(PASSWORD, JWT_BEARER),
        help_text="An integration user of its own, with API Enabled in its profile.",
    ),
    CredentialField(
        name="password",
        label="Password and security token",
        kind=FieldKind.SECRET,
        shown_for_modes=(PASSWORD,),
        required_for_modes=(PASSWORD,),
        help_text="The password with the security token right behind it, without a blank.",
    ),
    CredentialField(
        name="private_key",
        label="Private key of the app certificate",
        kind=FieldKind.MULTILINE_SECRET,
        max_length=16384,
        shown_for_modes=(JWT_BEARER,),
        required_for_modes=(JWT_BEARER,),
        help_text="RSA, 2048 bits or more, not encrypted. It belongs to the certificate that was "
        "uploaded under Use digital signatures.",
    ),
)

PREREQUISITES = (
    "A Salesforce edition with API access.",
    "An integration user who may read contacts and accounts, and read and create cases.",
)

VENDOR_STEPS = (
    "In Setup > App Manager, make a Connected App (since Spring '26 an External Client App) with "
    "OAuth on, any https callback address, and the scopes api and refresh_token, offline_access.",
    "For client credentials, switch on Enable Client Credentials Flow and choose the Run As user. "
    "For JWT bearer, upload a certificate under Use digital signatures, and approve the app for "
    "the user's profile. Changes take up to ten minutes.",
    "Open Manage Consumer Details and copy Consumer Key and Consumer Secret.",
)

_TOKEN_HELP = {
    "dns": ErrorHelp(
        cause="No public server has this name.",
        cure="Check the Access Token URL: it ends in .salesforce.com/services/oauth2/token.",
    ),
    "tls": ErrorHelp(
        cause="The server's certificate does not fit the address.",
        cure="Check the address. Behind a proxy that opens TLS, allow this host through.",
    ),
    "invalid_auth": ErrorHelp(
        cause="Salesforce did not accept the app or its user: a wrong key, secret, password or "
        "security token, a locked user, or an app that is not active yet.",
        cure="Compare the values with the app and the user, and allow ten minutes after a change.",
    ),
    "missing_permission": ErrorHelp(
        cause="The app is not approved for this user.",
        cure="In the app, set Permitted Users to Admin approved users are pre-authorized, and add "
        "a profile or permission set of the user. Allow ten minutes.",
    ),
    "wrong_region": ErrorHelp(
        cause="The Access Token URL is not the one of this organization.",
        cure="Production signs in at login.salesforce.com, a sandbox at test.salesforce.com.",
    ),
    "disabled": ErrorHelp(
        cause="The app does not offer this OAuth flow at this address.",
        cure="Switch the flow on in the app. Client credentials work at My Domain only.",
    ),
    "rejected": ErrorHelp(
        cause="The signed request has expired, or its clock is wrong.",
        cure="Check that this server's clock is right.",
    ),
}
_API_HELP = {
    "dns": ErrorHelp(
        cause="No public server has this name.",
        cure="Check the Base URL: it is your My Domain and ends in .my.salesforce.com.",
    ),
    "invalid_auth": ErrorHelp(
        cause="The organization at the Base URL does not take the token.",
        cure="Base URL and Access Token URL must belong to the same organization.",
    ),
    "missing_permission": ErrorHelp(
        cause="The API is switched off for this user or this edition, or the app lacks the scope "
        "api.",
        cure="Give the user's profile API Enabled, and the app the scope api.",
    ),
    "invalid_routing": ErrorHelp(
        cause="There is no REST API of this version at the Base URL.",
        cure="Copy the My Domain URL from Setup > My Domain.",
    ),
}
_CASES_HELP = {
    "missing_permission": ErrorHelp(
        cause="The user may not see cases.",
        cure="Give the user's profile or permission set Read and Create on Cases.",
    ),
    "invalid_routing": ErrorHelp(
        cause="The user may not see cases, or Salesforce has none in this edition.",
        cure="Give the user's profile or permission set Read and Create on Cases.",
    ),
}

_OPERATIONS = (
    ToolOperation(
        name="find_contacts",
        about="Contacts with this e-mail address or telephone number: a list of dicts with Id, "
        "Name, FirstName, LastName, Email, Phone, MobilePhone, AccountId.",
        one_of=("email", "phone"),
        optional=("limit",),
    ),
    ToolOperation(
        name="get_contact",
        about="The contact of an Id, as in find_contacts, or None.",
        required=("id",),
    ),
    ToolOperation(
        name="find_accounts",
        about="Accounts with this name or telephone number: a list of dicts with Id, Name, Phone, "
        "Website.",
        one_of=("name", "phone"),
        optional=("limit",),
    ),
    ToolOperation(
        name="get_account",
        about="The account of an Id, as in find_accounts, or None.",
        required=("id",),
    ),
    ToolOperation(
        name="find_cases",
        about="Cases with this number, or of this contact, newest first: a list of dicts with Id, "
        "CaseNumber, Subject, Status, Priority, Origin, ContactId, AccountId, OwnerId, IsClosed, "
        "CreatedDate.",
        one_of=("number", "contact_id"),
        optional=("limit",),
    ),
    ToolOperation(
        name="get_case",
        about="The case of an Id, as in find_cases with its Description, or None.",
        required=("id",),
    ),
    ToolOperation(
        name="create_case",
        about="Opens a case; returns a dict with Id and CaseNumber. `fields` is a dict of further "
        "fields by their API names.",
        required=("subject",),
        optional=(
            *("description", "contact_id", "account_id", "priority", "status", "origin"),
            "fields",
        ),
    ),
    ToolOperation(
        name="add_comment",
        about="Adds a comment to a case; returns a dict with Id. `is_public` True shows it to the "
        "customer where Salesforce is set up so.",
        required=("case_id", "text"),
        optional=("is_public",),
    ),
)

MANIFEST = Manifest(
    key="salesforce_crm",
    integration_key="salesforce_crm_integration",
    tile="Salesforce CRM",
    group=TileGroup.CRM,
    name="Salesforce CRM",
    vendor="Salesforce",
    summary="Lets tools find contacts and accounts, and read, open and comment cases.",
    docs_url="https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
    delivery=Delivery.NONE,
    fields=_FIELDS,
    mode_field="auth_flow",
    support=Support.SIMULATED,
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=(
        ("token", "App and user"),
        ("api", "Base URL and API access"),
        ("cases", "Access to cases"),
    ),
    error_help={
        **usual_help(
            ("token", "api", "cases"), vendor="Salesforce", status_page="status.salesforce.com"
        ),
        **{("token", code): found for code, found in _TOKEN_HELP.items()},
        **{("api", code): found for code, found in _API_HELP.items()},
        **{("cases", code): found for code, found in _CASES_HELP.items()},
    },
    loggable_keys=frozenset(
        {"Id", "id", "CaseNumber", "Status", "errorCode", "totalSize", "done", "success"}
    ),
    repeat_note="Salesforce offers nothing against a repeat here: a tool that is run again after a "
    "crash opens a second case.",
    only_for_tools=True,
    tool_name="salesforce_crm",
    tool_operations=_OPERATIONS,
)
