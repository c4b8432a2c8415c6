"""A bridge to Rasa's REST channel: AGENT=https://rasa.example.com python rasa.py

Hand off with a custom action: dispatcher.utter_message(json_message={"handoff": {"reason": "…"}}).
"""

from bridge import call, chosen, said, serve, summary

HUMAN_DONE = "/human_done"  # An intent of yours that goes on after a human.


def answer(turn):
    """Ask for one turn; what a human has done is told first, and answers nothing."""
    if how := summary(turn):
        ask(turn, HUMAN_DONE, {"baton_human_summary": how})
    return read(ask(turn, chosen(turn), {"language": turn["conversation"]["language"]}))


def ask(turn, text, metadata):
    """Send a message; without `sender` everybody would share one conversation."""
    body = {"sender": turn["conversation"]["id"], "message": text, "metadata": metadata}
    return call("/webhooks/rest/webhook", body)


def read(entries):
    """Map what Rasa says: consecutive texts are one answer; nothing at all is a failure."""
    buttons, images, more = {}, [], {}
    for entry in entries:
        buttons |= {one["title"]: one["payload"] for one in entry.get("buttons", [])}
        images += [entry["image"]] if "image" in entry else []
        custom = entry.get("custom") or {}
        more |= {"handoff": custom.get("handoff"), "hangup": custom.get("end")} if custom else {}
    texts = [entry["text"] for entry in entries if entry.get("text")]
    return said(texts, buttons=buttons, images=images, **more)


if __name__ == "__main__":
    serve(answer)
