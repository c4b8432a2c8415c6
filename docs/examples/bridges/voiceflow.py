"""A bridge to Voiceflow.

    AGENT=https://general-runtime.voiceflow.com KEY=VF.DM.… python voiceflow.py

Hand off with a custom action named in HANDOFF_ACTIONS, with "stop on action"; its body may be the
handoff. The address and the path have changed before: both can be set.
"""

import json
import os

from bridge import call, chosen, said, serve, summary

PATH = os.environ.get("VOICEFLOW_PATH", "/state/user/{user}/interact")
VARIABLES = os.environ.get("VOICEFLOW_VARIABLES", "/state/user/{user}/variables")
HANDOFF_ACTIONS = set(os.environ.get("HANDOFF_ACTIONS", "handoff,escalate").split(","))
HEADERS = {"Authorization": os.environ.get("KEY", ""), "versionID": "production"}


def answer(turn):
    """Ask for one turn; the first one launches, and what a human has done is a variable."""
    user = turn["conversation"]["id"]
    if how := summary(turn):
        variables = {"baton_human_summary": how}
        call(VARIABLES.format(user=user), variables, method="PATCH", headers=HEADERS)
    if not turn["conversation"]["state"].get("launched"):
        ask(user, {"type": "launch"})
    pressed = chosen(turn)
    action = pressed if isinstance(pressed, dict) else {"type": "text", "payload": pressed}
    return read(ask(user, action), {"launched": True})


def ask(user, action):
    """Send an action and return the traces."""
    return call(PATH.format(user=user), {"action": action}, headers=HEADERS)


def read(traces, state):
    """Map the traces; a button's request goes back as it came."""
    texts, buttons, images, more = [], {}, [], {}
    for trace in traces:
        payload = trace.get("payload") or {}
        if trace["type"] == "text":
            texts.append(payload["message"])
        elif trace["type"] in ("choice", "cardV2"):
            texts += [payload["title"]] if payload.get("title") else []
            images += [payload["imageUrl"]] if payload.get("imageUrl") else []
            buttons |= {one["name"]: one["request"] for one in payload.get("buttons", [])}
        elif trace["type"] == "end":
            more["hangup"] = True
        elif trace["type"] in HANDOFF_ACTIONS:
            body = json.loads(payload) if isinstance(payload, str) and payload else payload
            more["handoff"] = body or {"reason": trace["type"]}
    return said(texts, buttons=buttons, images=images, state=state, **more)


if __name__ == "__main__":
    serve(answer)
