"""A bridge to Amazon Lex V2, over boto3: BOT=… ALIAS=… LOCALE=en_US python lex.py

boto3 finds its credentials by itself, and wants AWS_DEFAULT_REGION.

Lex has no word for a handoff: an intent named in HANDOFF_INTENTS that has come to its end asks for
it, or the session attribute baton_handoff, a JSON text as a tool returns it.
"""

import json
import os

import boto3
from bridge import AGENT, chosen, said, serve, summary

PLACE = {
    "botId": os.environ.get("BOT", "BOTID00001"),
    "botAliasId": os.environ.get("ALIAS", "TSTALIASID"),
    "localeId": os.environ.get("LOCALE", "en_US"),
}
HANDOFF_INTENTS = set(os.environ.get("HANDOFF_INTENTS", "TalkToAHuman").split(","))
OVER = {"Fulfilled", "ReadyForFulfillment", "Failed"}
LEX = boto3.client("lexv2-runtime", endpoint_url=AGENT or None)


def answer(turn):
    """Ask for one turn; the end user's words may have 1,024 characters there."""
    session = turn["conversation"]["id"]
    if how := summary(turn):
        attributes = {"baton_human_summary": how}
        LEX.put_session(**PLACE, sessionId=session, sessionState={"sessionAttributes": attributes})
    return read(LEX.recognize_text(**PLACE, sessionId=session, text=chosen(turn)[:1024]))


def read(found):
    """Map the messages; the end of an intent is not the end of the conversation."""
    texts, buttons = [], {}
    for message in found.get("messages", []):
        card = message.get("imageResponseCard")
        texts.append(message.get("content") or (card or {}).get("title", ""))
        buttons |= {one["text"]: one["value"] for one in (card or {}).get("buttons", [])}
    return said([text for text in texts if text], buttons=buttons, handoff=handoff(found))


def handoff(found):
    """Return what is asked for, with slots and session attributes as attributes."""
    state = found.get("sessionState", {})
    attributes, intent = dict(state.get("sessionAttributes", {})), state.get("intent", {})
    if asked := attributes.pop("baton_handoff", ""):
        return json.loads(asked)
    if intent.get("name") not in HANDOFF_INTENTS or intent.get("state") not in OVER:
        return None
    slots = {k: v["value"]["interpretedValue"] for k, v in intent.get("slots", {}).items() if v}
    return {"reason": intent["name"], "hints": {"attributes": {**attributes, **slots}}}


if __name__ == "__main__":
    serve(answer)
