"""A bridge to Botpress v12, which companies run themselves.

    AGENT=https://botpress.example.com BOT=my-bot python botpress_v12.py

TOKEN, where it is set, is the JWT of the secured converse API. Hand off with a response of a type
of your own, {"type": "handoff", "reason": "…"}: what HITL does inside v12 does not show here.
"""

import os

from bridge import call, chosen, said, serve, summary

BOT, TOKEN = os.environ.get("BOT", "bot"), os.environ.get("TOKEN", "")
# The types that an author of the bot has chosen for a handoff.
HANDOFF_TYPES = set(os.environ.get("HANDOFF_TYPES", "handoff,escalate").split(","))
KNOWN = {"queue", "skills", "summary", "priority", "language"}


def answer(turn):
    """Ask for one turn; the answer comes whole, with nothing afterwards."""
    path = f"/api/v1/bots/{BOT}/converse/{turn['conversation']['id']}"
    metadata = {"baton_human_summary": summary(turn)}
    body = {"type": "text", "text": chosen(turn), "metadata": metadata}
    if not TOKEN:
        return read(call(path, body)["responses"])
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return read(call(f"{path}/secured", body, headers=headers)["responses"])


def read(responses):
    """Map what the bot says; nothing is said after a handoff."""
    texts, buttons, images, asked = [], {}, [], None
    for one in responses:
        if one["type"] in HANDOFF_TYPES:
            asked = handoff(one)
            break
        for part in one.get("items", [one]):  # a carousel has cards
            texts += [part[key] for key in ("text", "title") if part.get(key)][:1]
            images += [part["image"]] if part.get("image") else []
            for choice in (*part.get("choices", []), *part.get("actions", [])):
                label = choice["title"]
                buttons[label] = choice.get("value") or choice.get("payload") or label
    return said(texts, buttons=buttons, images=images, handoff=asked)


def handoff(response):
    """Return the handoff that a response holds, or is."""
    if isinstance(response.get("handoff"), dict):
        return response["handoff"]
    told = {key: value for key, value in response.items() if key != "type"}
    hints = {key: told.pop(key) for key in KNOWN & told.keys()}
    reason = str(told.pop("reason", "asked for a person"))
    plain = {k: v for k, v in told.items() if isinstance(v, str | int | float | bool)}
    return {"reason": reason, "hints": {**hints, "attributes": plain}}


if __name__ == "__main__":
    serve(answer)
