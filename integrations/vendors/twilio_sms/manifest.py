"""Twilio SMS: what an admin enters so that end users can write by text message."""

from __future__ import annotations

from integrations.contract.manifest import (
    CredentialField,
    Delivery,
    ErrorHelp,
    FieldKind,
    GeneratedKind,
    GeneratedValue,
    Manifest,
    Support,
    Symptom,
    TileGroup,
    usual_help,
)

_NUMBER = r"(?:\+[1-9][0-9]{6,14}|[0-9]{3,8})"
TOLD = (
    ("greeting", "The AI agent's greeting, before it answers a first text"),
    ("joined", "That a live agent has joined"),
    ("left", "That a live agent has left"),
    ("ended", "That the conversation is over"),
)

_FIELDS = (
    CredentialField(
        name="account_sid",
        label="Account SID",
        required=True,
        pattern=r"^AC[0-9a-fA-F]{32}$",
        pattern_error="An Account SID is AC and 32 digits or letters a to f.",
        example="AC" + "0123456789abcdef" * 2,
        help_text="Twilio Console > Account dashboard.",
    ),
    CredentialField(
        name="auth_token",
        label="Auth token",
        kind=FieldKind.SECRET,
        required=True,
        pattern=r"^\S{16,64}$",
        pattern_error="An auth token is 32 characters long, without blanks.",
        help_text="Beside the Account SID. Twilio signs its calls with it.",
    ),
    CredentialField(
        name="other_auth_token",
        label="Second auth token",
        kind=FieldKind.SECRET,
        pattern=r"^\S{16,64}$",
        pattern_error="An auth token is 32 characters long, without blanks.",
        help_text="Only while you change the token: the secondary one, or the one before. Calls "
        "signed with it are taken too.",
    ),
    CredentialField(
        name="api_key_sid",
        label="API key SID",
        pattern=r"^SK[0-9a-fA-F]{32}$",
        pattern_error="The SID of an API key is SK and 32 digits or letters a to f.",
        example="SK" + "0123456789abcdef" * 2,
        help_text="Used for sending in place of the auth token, if you enter one.",
    ),
    CredentialField(
        name="api_key_secret",
        label="API key secret",
        kind=FieldKind.SECRET,
        help_text="Twilio shows it once, when the key is made.",
    ),
    CredentialField(
        name="webhook_shared_key",
        label="Webhook shared key",
        kind=FieldKind.SECRET,
        help_text="Only if your account signs its calls with a shared key instead of the auth "
        "token.",
    ),
    CredentialField(
        name="numbers",
        label="Numbers",
        pattern=rf"^{_NUMBER}(?:[\s,;]+{_NUMBER})*$",
        pattern_error="Write each number as +, country code and number, with commas between.",
        example="+15550100199, +15550100198",
        help_text="The numbers that end users write to here. A number belongs to one environment.",
    ),
    CredentialField(
        name="messaging_service_sid",
        label="Messaging Service",
        pattern=r"^MG[0-9a-fA-F]{32}$",
        pattern_error="The SID of a Messaging Service is MG and 32 digits or letters a to f.",
        example="MG" + "0123456789abcdef" * 2,
        help_text="Instead of numbers, or beside them: texts go out through it. Its own incoming "
        "setting overrides that of its numbers.",
    ),
    CredentialField(
        name="number_variants",
        label="Variants",
        kind=FieldKind.KEY_VALUE,
        help_text="Which variant of the AI agent answers at a number, one a line: "
        "+15550100199 = the variant's id. Others get the default.",
    ),
    CredentialField(
        name="told",
        label="What is texted besides what people say",
        kind=FieldKind.CHOICES,
        choices=TOLD,
        default=",".join(name for name, _ in TOLD),
        help_text="Each costs a text.",
    ),
    CredentialField(
        name="sends_media",
        label="Pictures go out as MMS",
        kind=FieldKind.SWITCH,
        help_text="For numbers that can send MMS. Otherwise, and for other files, a link that "
        "expires is texted.",
    ),
    CredentialField(
        name="status_callbacks",
        label="Delivery reports",
        kind=FieldKind.SWITCH,
        default="true",
        help_text="Twilio tells what became of each text, and the live agent's desktop shows it "
        "where it can.",
    ),
    CredentialField(
        name="advanced_opt_out",
        label="Advanced Opt-Out is on",
        kind=FieldKind.SWITCH,
        help_text="Tick it if your Messaging Service uses it: then Twilio says which texts are "
        "STOP, START and HELP. Otherwise its usual words count.",
    ),
    CredentialField(
        name="texts_per_second",
        label="Texts per second and number",
        kind=FieldKind.NUMBER,
        default="1",
        minimum=1,
        maximum=100,
        help_text="About 1 for a long number in the US, 3 toll-free, 100 for a short code.",
    ),
    CredentialField(
        name="api_base_url",
        label="API address",
        kind=FieldKind.URL,
        default="https://api.twilio.com",
        example="https://api.twilio.com",
        help_text="Leave it as it is, unless you test against a simulator.",
    ),
)

PREREQUISITES = (
    "A Twilio account with a number or a Messaging Service that can send and take SMS.",
    "For numbers in the US: an approved A2P 10DLC campaign or a verified toll-free number.",
)

VENDOR_STEPS = (
    "In the Twilio Console, open Phone Numbers > Manage > Active numbers, and the number.",
    "Under Messaging, set A message comes in to Webhook, the first address below, HTTP POST.",
    "With a Messaging Service, open Messaging > Services > Integration, and set Incoming Messages "
    "to Send a webhook with the same address.",
    "Copy Account SID and auth token from the account's dashboard.",
)

_ACCOUNT = {
    "invalid_auth": ErrorHelp(
        cause="Twilio did not accept the Account SID with this token or key.",
        cure="Copy SID and token anew. A test account's token works with test numbers only.",
    ),
    "invalid_routing": ErrorHelp(
        cause="There is no account with this SID.",
        cure="Copy the Account SID, which begins with AC, from the account's dashboard.",
    ),
    "disabled": ErrorHelp(
        cause="The account is suspended or closed.",
        cure="Open it again in the Twilio Console; mostly a bill is due.",
    ),
}
_NUMBERS = {
    "invalid_routing": ErrorHelp(
        cause="The account does not own this number, or it has no such Messaging Service.",
        cure="Copy the number with its + from Active numbers, or the SID from Messaging > "
        "Services.",
    ),
    "wrong_type": ErrorHelp(
        cause="This number cannot do SMS.",
        cure="Take a number whose capabilities name SMS.",
    ),
}
_WEBHOOK = {
    "not_published": ErrorHelp(
        cause="Twilio calls another address, or none, when a text comes in at this number.",
        cure="Paste the address of the step Give to vendor under A message comes in. Saving this "
        "connection does it too, where no other address stands there.",
    ),
}
_CHECKS = ("account", "numbers", "webhook")

MANIFEST = Manifest(
    key="twilio_sms",
    integration_key="twilio_integration",
    tile="Twilio SMS",
    group=TileGroup.CHANNELS,
    channel="sms",
    name="Twilio SMS",
    vendor="Twilio",
    summary="End users write by text message instead of the widget.",
    docs_url="https://www.twilio.com/docs/messaging",
    # No live agent answers there.
    delivery=Delivery.NONE,
    fields=_FIELDS,
    support=Support.SIMULATED,
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=(
        ("account", "Account SID and token"),
        ("numbers", "Numbers that can do SMS"),
        ("webhook", "Incoming texts come here"),
    ),
    generated=(
        GeneratedValue(
            name="events",
            kind=GeneratedKind.WEBHOOK_URL,
            label="Incoming texts",
            help_text="Paste it under A message comes in, method HTTP POST.",
        ),
        GeneratedValue(
            name="status",
            kind=GeneratedKind.WEBHOOK_URL,
            label="Delivery reports",
            help_text="Nothing to paste: each text that is sent names it.",
        ),
    ),
    error_help={
        **usual_help(_CHECKS, vendor="Twilio", status_page="status.twilio.com"),
        **{("account", code): found for code, found in _ACCOUNT.items()},
        **{("numbers", code): found for code, found in _NUMBERS.items()},
        **{("webhook", code): found for code, found in _WEBHOOK.items()},
    },
    symptoms={
        Symptom.NOT_APPEARING: (
            ErrorHelp(
                cause="Twilio's calls are refused: the address that it calls is not the one that "
                "PUBLIC_URL names, to the letter.",
                cure="Give Twilio the address of this page, with the same scheme and host. Look in "
                "the log for a webhook that was refused.",
            ),
        ),
        Symptom.NO_REPLIES: (
            ErrorHelp(
                cause="The end user has texted STOP, or a carrier filters your number.",
                cure="Look at Operate > Text messages: each stands there with what became of it.",
            ),
        ),
    },
    loggable_keys=frozenset({"status", "code", "num_segments", "num_media", "direction", "type"}),
    repeat_note="Twilio knows no idempotency key. A text whose answer was lost is looked for in "
    "the account's list before it is sent again.",
)
