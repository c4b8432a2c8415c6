"""A bridge to Dialogflow CX.

    AGENT=https://europe-west1-dialogflow.googleapis.com TOKEN=… \
    NAME=projects/P/locations/europe-west1/agents/A python dialogflow_cx.py

TOKEN is an access token of a service account; renew it as your host does. Hand off with the
fulfilment "Live agent handoff": its metadata may hold queue, skills, summary and reason.
"""

import os

from bridge import call, chosen, said, serve, summary

NAME = os.environ.get("NAME", "projects/P/locations/L/agents/A")
KNOWN = {"queue", "skills", "summary", "priority", "language"}


def answer(turn):
    """Ask for one turn; a session's name may have 36 characters, which the bare id fits."""
    session = turn["conversation"]["id"].removeprefix("CONV-")
    body = {
        "queryInput": {
            "text": {"text": chosen(turn)},
            "languageCode": turn["conversation"]["language"],
        },
        "queryParams": {"parameters": {"baton_human_summary": summary(turn)}},
    }
    headers = {"Authorization": f"Bearer {os.environ.get('TOKEN', '')}"}
    found = call(f"/v3/{NAME}/sessions/{session}:detectIntent", body, headers=headers)
    return read(found["queryResult"])


def read(result):
    """Map the messages in order: text before a handoff is said, text after it is not."""
    texts, buttons, more = [], {}, {}
    for message in result.get("responseMessages", []):
        if "liveAgentHandoff" in message:
            more["handoff"] = handoff(message["liveAgentHandoff"].get("metadata") or {}, result)
            break
        texts += message.get("text", {}).get("text", [])[:1]
        more |= {"hangup": True} if "endInteraction" in message else {}
        for card in message.get("payload", {}).get("richContent", []):
            chips = [chip for one in card for chip in one.get("options", [])]
            buttons |= {chip["text"]: chip["text"] for chip in chips}
    return said(texts, buttons=buttons, **more)


def handoff(metadata, result):
    """Name what Baton knows; the rest, and the session's parameters, are attributes."""
    if "text_chat" in metadata:
        return {"text_chat": metadata["text_chat"]}
    parameters = {**result.get("parameters", {}), **metadata}
    parameters.pop("baton_human_summary", None)
    hints = {key: parameters.pop(key) for key in KNOWN & parameters.keys()}
    reason = str(parameters.pop("reason", "asked for a person"))
    plain = {k: v for k, v in parameters.items() if isinstance(v, str | int | float | bool)}
    return {"reason": reason, "hints": {**hints, "attributes": plain}}


if __name__ == "__main__":
    serve(answer)
