"""A bridge to Dialogflow ES.

    AGENT=https://dialogflow.googleapis.com TOKEN=… PROJECT=my-project python dialogflow_es.py

TOKEN is an access token of a service account; renew it as your host does. Hand off with an intent
that is marked as a live agent handoff, or whose response has the custom payload
{"action": "handoff", "reason": "…"}; the intent's parameters go along.
"""

import os

from bridge import call, chosen, said, serve, summary

AGENT_NAME = f"projects/{os.environ.get('PROJECT', 'P')}/agent"
KNOWN = {"queue", "skills", "summary", "priority", "language"}


def answer(turn):
    """Ask for one turn; a session's name may have 36 characters, which the bare id fits."""
    session = f"{AGENT_NAME}/sessions/{turn['conversation']['id'].removeprefix('CONV-')}"
    text = {"text": chosen(turn), "languageCode": turn["conversation"]["language"]}
    body = {"queryInput": {"text": text}, "queryParams": {"contexts": contexts(session, turn)}}
    headers = {"Authorization": f"Bearer {os.environ.get('TOKEN', '')}"}
    found = call(f"/v2/{session}:detectIntent", body, headers=headers)
    return read(found["queryResult"])


def contexts(session, turn):
    """Tell how it went with a human: a context that intents can ask for."""
    if not summary(turn):
        return []
    parameters = {"baton_human_summary": summary(turn)}
    name = f"{session}/contexts/baton_human"
    return [{"name": name, "lifespanCount": 5, "parameters": parameters}]


def read(result):
    """Map the messages that are for no other platform; a handoff closes the answer."""
    texts, buttons, images = [], {}, []
    intent = result.get("intent", {})
    asked = {} if intent.get("liveAgentHandoff") else None
    for message in result.get("fulfillmentMessages", []):
        if message.get("platform", "PLATFORM_UNSPECIFIED") != "PLATFORM_UNSPECIFIED":
            continue
        texts += message.get("text", {}).get("text", [])[:1]
        offered, card = message.get("quickReplies", {}), message.get("card", {})
        texts += [words for words in (offered.get("title"), card.get("title")) if words]
        buttons |= {label: label for label in offered.get("quickReplies", [])}
        buttons |= {one["text"]: one.get("postback") or one["text"] for one in buttons_of(card)}
        images += [card["imageUri"]] if card.get("imageUri") else []
        if message.get("payload", {}).get("action") == "handoff":
            asked = {key: value for key, value in message["payload"].items() if key != "action"}
    more = {"hangup": True} if intent.get("endInteraction") else {}
    if asked is not None:
        more["handoff"] = handoff(asked, result)
    texts = texts or [result["fulfillmentText"]] if result.get("fulfillmentText") else texts
    return said(texts, buttons=buttons, images=images, **more)


def buttons_of(card):
    """Return a card's buttons; one that opens an address is for the card's own platform."""
    return [one for one in card.get("buttons", []) if "://" not in one.get("postback", "")]


def handoff(asked, result):
    """Name what Baton knows; the rest, and the intent's parameters, are attributes."""
    if "text_chat" in asked:
        return {"text_chat": asked["text_chat"]}
    told = {**result.get("parameters", {}), **asked}
    hints = {key: told.pop(key) for key in KNOWN & told.keys()}
    reason = str(told.pop("reason", result.get("action") or "asked for a person"))
    plain = {k: v for k, v in told.items() if isinstance(v, str | int | float | bool)}
    return {"reason": reason, "hints": {**hints, "attributes": plain}}


if __name__ == "__main__":
    serve(answer)
