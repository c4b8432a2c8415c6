"""The simulated conversation calls: read, disconnect, attributes, messages, the agent's own."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from integrations.vendors.genesys.simulator import checks, flow, outbound, view
from integrations.vendors.genesys.simulator.app import Call, Operations, known
from integrations.vendors.genesys.simulator.checks import MALFORMED, VendorError, invalid_value
from integrations.vendors.genesys.simulator.outbound import tell_attributes, tell_end
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Participant,
    iso,
    now_ms,
)
from integrations.vendors.genesys.simulator.view import CONVERSATIONS
from integrations.vendors.genesys.simulator.world import DOWNLOAD_PATH, STORE_PATH

DISCONNECT = (
    "conversation:communication:disconnect",
    "conversation:participant:wrapup",
    "conversation:call:record",
)
STATES = (
    *("alerting", "dialing", "contacting", "offering", "connected", "disconnected"),
    *("terminated", "converting", "uploading", "transmitting", "parked", "none"),
)
AGENTLESS_TYPES = ("sms", "whatsapp", "open", "webmessaging", "apple")
AGENTLESS_CHARACTERS = 2000
CONVERSATION = CONVERSATIONS + "/{conversation_id}"
PARTICIPANT = CONVERSATION + "/participants/{participant_id}"
COMMUNICATION = CONVERSATION + "/communications/{communication_id}"
VIEW, CREATE = "conversation:message:view", "conversation:message:create"
OPERATIONS = Operations()


# -- Conversations and their legs -----------------------------------------------------------------


@OPERATIONS("GET", CONVERSATION)
def _conversation(call: Call) -> object:
    return view.conversation_object(call.org, call.conversation())


@OPERATIONS("PATCH", CONVERSATION, *DISCONNECT)
def _disconnect_all(call: Call) -> object:
    state, conversation = call.body.get("state"), call.conversation()
    if state != "disconnected":
        raise invalid_value(state, "state", ("disconnected",))
    _end(call, conversation, "client")
    return view.conversation_object(call.org, conversation)


@OPERATIONS("POST", "/api/v2/conversations/{conversation_id}/disconnect", *DISCONNECT, status=202)
def _tear_down(call: Call) -> None:
    _end(call, call.conversation(), "system", agent_type="system")


@OPERATIONS("PATCH", PARTICIPANT, *DISCONNECT, status=202)
def _update_participant(call: Call) -> None:
    state = call.body.get("state")
    if state is not None and state not in STATES:
        raise invalid_value(state, "state", STATES)
    conversation, leg = _leg(call)
    if state not in (None, "disconnected"):
        raise VendorError(400, MALFORMED, field="state")
    if state is None:
        return
    if not leg.is_live:
        raise VendorError(409, "The participant is not connected.")
    if leg.purpose == "customer":
        _end(call, conversation, "client")
        return
    flow.disconnect(leg, "client")
    if leg.purpose == "agent":
        tell_end(call.org, conversation, leg)
    conversation.note(f"{leg.name} was disconnected")


@OPERATIONS("PATCH", PARTICIPANT + "/attributes")
def _update_attributes(call: Call) -> object:
    checks.member(call.body, "attributes")
    changed = checks.flat_map(call.body, "attributes")
    conversation, leg = _leg(call)
    leg.attributes.update(changed)
    tell_attributes(call.org, conversation, leg)
    return {"attributes": leg.attributes}


def _end(call: Call, conversation: Conversation, how: str, *, agent_type: str = "peer") -> None:
    if conversation.is_connected:
        flow.end_customer(call.org, conversation, how, agent_type=agent_type)


def _leg(call: Call) -> tuple[Conversation, Participant]:
    conversation = call.conversation()
    return conversation, known(
        conversation.participant(call.named("participant_id")), "participant"
    )


# -- Messages -------------------------------------------------------------------------------------


@OPERATIONS("POST", CONVERSATION + "/messages/bulk", VIEW)
def _bulk(call: Call) -> object:
    """Return the messages that a list of ids names."""
    wanted = call.json
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise VendorError(400, MALFORMED)
    conversation = call.conversation()
    found = [one for one in conversation.messages if one.id in wanted]
    return {"entities": [view.message_data(call.org, conversation, one) for one in found]}


@OPERATIONS("GET", CONVERSATION + "/messages/{message_id}", VIEW)
def _message(call: Call) -> object:
    conversation = call.conversation()
    found = (one for one in conversation.messages if one.id == call.named("message_id"))
    return view.message_data(call.org, conversation, known(next(found, None), "message"))


@OPERATIONS("GET", CONVERSATIONS + "/{message_id}/details", VIEW)
def _message_details(call: Call) -> object:
    return view.message_data(
        call.org, *known(call.org.message(call.named("message_id")), "message")
    )


@OPERATIONS("POST", CONVERSATIONS + "/agentless", CREATE, status=202)
def _agentless(call: Call) -> object:
    org, body = call.org, call.body
    messenger = checks.enum(body, "toAddressMessengerType", AGENTLESS_TYPES)
    integration = call.integration(checks.text(body, "fromAddress"))
    to, text = checks.text(body, "toAddress"), checks.text(body, "textBody")
    if messenger != "open" or len(text) > AGENTLESS_CHARACTERS:
        raise VendorError(400, MALFORMED, field="textBody")
    conversation = org.latest(integration.id, to)
    is_kept = body.get("useExistingActiveConversation") and conversation
    if not (conversation and is_kept and conversation.is_connected):
        conversation = flow.new_conversation(org, integration.id, {"id": to})
        flow.join(org, conversation, {})
    message = outbound.say(org, conversation, conversation.customer, text=text)
    data = view.message_data(org, conversation, message)
    return {
        "id": message.id,
        "conversationId": conversation.id,
        "fromAddress": integration.id,
        "toAddress": to,
        "messengerType": "open",
        "message": data,
        "timestamp": iso(now_ms()),
        "selfUri": data["selfUri"],
    }


# -- What an agent's desktop calls ----------------------------------------------------------------


@OPERATIONS("POST", COMMUNICATION + "/messages", CREATE, status=202)
def _agent_message(call: Call) -> object:
    text, (conversation, agent) = checks.text(call.body, "textBody"), _speaker(call)
    message = outbound.say(call.org, conversation, agent, text=text)
    return view.message_data(call.org, conversation, message)


@OPERATIONS("POST", COMMUNICATION + "/typing", CREATE, status=202)
def _agent_typing(call: Call) -> None:
    checks.enum(checks.member(call.body, "typing"), "type", ("On",))
    outbound.show_typing(call.org, _speaker(call)[0])


def _speaker(call: Call) -> tuple[Conversation, Participant]:
    conversation = call.conversation()
    wanted = call.named("communication_id")
    legs = (one for one in conversation.agents if one.session_id == wanted)
    return conversation, known(next(legs, None), "communication")


# -- Files ----------------------------------------------------------------------------------------


@OPERATIONS("GET", STORE_PATH + "/{file_id}", needs_token=False)
@OPERATIONS("GET", DOWNLOAD_PATH + "/{file_id}", needs_token=False)
def _download(call: Call) -> object:
    """Hand out a file by its signed address, which needs no token and expires."""
    org, stored = call.org, call.org.files.get(call.named("file_id"))
    signed = call.query("Expires"), call.query("Signature")
    if stored is None or not org.is_download_allowed(stored.file_id, *signed):
        raise VendorError(403, "Access denied.")
    is_redirect = org.switches.is_download_redirected
    if is_redirect and call.request.url.path.startswith(DOWNLOAD_PATH):
        return RedirectResponse(org.download_url(stored, is_stored=True), 302)
    if "authorization" in call.request.headers:
        # The address is the key; a store that gets two keys refuses both.
        raise VendorError(400, "Only one auth mechanism is allowed.")
    return Response(stored.content, media_type=stored.mime_type)
