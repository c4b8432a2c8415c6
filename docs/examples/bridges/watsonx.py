"""A bridge to IBM watsonx Assistant v2.

    AGENT=https://api.eu-de.assistant.watson.cloud.ibm.com/instances/I TOKEN=… \
    ASSISTANT=… ENVIRONMENT=… python watsonx.py

Hand off with the response "Connect to human agent": its words reach both sides.
"""

import os
import urllib.error

from bridge import call, chosen, said, serve, summary

PLACE = "/v2/assistants/{}/environments/{}/sessions".format(
    os.environ.get("ASSISTANT", "A"), os.environ.get("ENVIRONMENT", "E")
)
VERSION = "?version=2024-08-25"
HEADERS = {"Authorization": f"Bearer {os.environ.get('TOKEN', '')}"}
SESSION_IS_GONE = 404


def answer(turn):
    """Ask for one turn; a session that has been idle too long is opened anew."""
    session = turn["conversation"]["state"].get("session") or opened()
    try:
        found = ask(session, turn)
    except urllib.error.HTTPError as error:
        if error.code != SESSION_IS_GONE:
            raise
        session = opened()
        found = ask(session, turn)
    return read(found["output"].get("generic", []), {"session": session})


def opened():
    return call(PLACE + VERSION, {}, headers=HEADERS)["session_id"]


def ask(session, turn):
    """Send what the end user said; what a human has done is a variable of the actions."""
    variables = {"baton_human_summary": summary(turn)}
    body = {
        "input": {"message_type": "text", "text": chosen(turn)},
        "context": {"skills": {"actions skill": {"skill_variables": variables}}},
        "user_id": turn["conversation"]["id"],
    }
    return call(f"{PLACE}/{session}/message{VERSION}", body, headers=HEADERS)


def read(generic, state):
    """Map the responses; those for built-in channels are not ours."""
    texts, buttons, images, more = [], {}, [], {}
    for entry in (one for one in generic if "channels" not in one):
        kind = entry["response_type"]
        texts += [entry[key] for key in ("text", "title") if entry.get(key)][:1]
        images += [entry["source"]] if kind == "image" else []
        if kind == "option":
            buttons |= {one["label"]: one["value"]["input"]["text"] for one in entry["options"]}
        elif kind == "connect_to_agent":
            texts += filter(None, [entry.get("agent_available", {}).get("message")])
            more["handoff"] = handoff(entry)
        elif kind == "end_session":
            more["hangup"] = True
    return said(texts, buttons=buttons, images=images, state=state, **more)


def handoff(entry):
    """Say why and what about; to whom is the assistant's own name for it."""
    hints = {"summary": entry.get("message_to_human_agent", "")}
    target = entry.get("transfer_info", {}).get("target") or {}
    plain = {key: str(value) for key, value in target.items()}
    hints |= {"attributes": plain} if plain else {}
    return {"reason": entry.get("topic", ""), "hints": {k: v for k, v in hints.items() if v}}


if __name__ == "__main__":
    serve(answer)
