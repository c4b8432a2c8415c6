"""A bridge to Botpress Cloud's chat API.

    AGENT=https://chat.botpress.cloud/WEBHOOK python botpress.py

Hand off with a message whose metadata or payload has {"handoff": {"reason": "…"}}: Botpress' own
handoffs do not show in the chat API.
"""

import time

from bridge import PATIENCE_SECONDS, call, chosen, said, serve, summary

QUIET_SECONDS = 0.8  # The end of an answer is not announced.
POLL_SECONDS = 0.2
OFFERS = {"choice", "dropdown"}


def answer(turn):
    """Ask for one turn in the end user's own conversation there, and wait for the answer."""
    kept = turn["conversation"]["state"].get("botpress") or opened(turn)
    headers = {"x-user-key": kept["key"]}
    body = {
        "conversationId": kept["conversation"],
        "payload": {"type": "text", "text": chosen(turn)},
        "metadata": {"baton_human_summary": summary(turn)},
    }
    sent = call("/messages", body, headers=headers)["message"]
    return read(heard(kept, sent, headers), {"botpress": kept})


def opened(turn):
    """Make the user and the conversation, once."""
    name = turn["conversation"]["id"]
    user = call("/users/get-or-create", {"id": name})
    headers = {"x-user-key": user["key"]}
    made = call("/conversations/get-or-create", {"id": name}, headers=headers)
    return {"key": user["key"], "conversation": made["conversation"]["id"]}


def heard(kept, sent, headers):
    """Poll until the bot has been silent for a while after its answer; our own words echo."""
    until, found, quiet_since = time.monotonic() + PATIENCE_SECONDS, [], None
    while time.monotonic() < until:
        path = f"/conversations/{kept['conversation']}/messages"
        listed = call(path, method="GET", headers=headers)["messages"]
        newer = [m for m in listed if m["createdAt"] > sent["createdAt"]]
        now = sorted((m for m in newer if m["userId"] != sent["userId"]), key=created)
        if len(now) > len(found):
            found, quiet_since = now, time.monotonic()
        elif quiet_since and time.monotonic() - quiet_since >= QUIET_SECONDS:
            break
        time.sleep(POLL_SECONDS)
    return found


def created(message):
    return message["createdAt"]


def read(messages, state):
    """Map what the bot says."""
    texts, buttons, images, handoff = [], {}, [], None
    for message in messages:
        payload = message["payload"]
        asked = (message.get("metadata") or {}).get("handoff") or payload.get("handoff")
        handoff = handoff or asked
        texts += [payload[key] for key in ("text", "markdown", "title") if payload.get(key)][:1]
        images += [payload["imageUrl"]] if payload.get("imageUrl") else []
        if payload["type"] in OFFERS:
            buttons |= {one["label"]: one["value"] for one in payload["options"]}
    return said(texts, buttons=buttons, images=images, handoff=handoff, state=state)


if __name__ == "__main__":
    serve(answer)
