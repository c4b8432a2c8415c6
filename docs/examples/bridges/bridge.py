"""What the bridges share: they take Baton's signed turns and ask another maker's agent.

    SECRET=whsec_… PORT=8080 AGENT=https://… python rasa.py

In Baton choose the runtime Webhook, with the bridge's address and the same secret.
"""

import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AGENT = os.environ.get("AGENT", "").rstrip("/")
# Below Baton's own deadline for a whole answer.
PATIENCE_SECONDS = 25
IMAGE = "ATTACHMENT_CONTENT_TYPE_IMAGE"


def call(path, body=None, *, method="POST", headers=None):
    """Send JSON to the agent and return the JSON that it answers."""
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
        AGENT + path,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", **(headers or {})},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
        raw = answer.read()
    return json.loads(raw) if raw else None


def chosen(turn):
    """Return what the end user said; the value of a button where they pressed one."""
    text = turn["message"]["text"]
    return turn["conversation"]["state"].get("buttons", {}).get(text, text)


def summary(turn):
    """Return how it went with a human, in the first turn after that; else nothing."""
    return (turn.get("human_part") or {}).get("summary", "")


def said(texts, *, buttons=None, images=(), state=None, **more):
    """Return an answer for Baton; `buttons` maps each label to the value that the agent wants."""
    buttons = buttons or {}
    return {
        "utterance": "\n".join(texts),
        "response_suggestions": [{"message_text": label} for label in buttons],
        "attachments": [{"content_url": url, "content_type": IMAGE} for url in images],
        "state": {"buttons": buttons, **(state or {})},
        **{key: value for key, value in more.items() if value},
    }


def server(port, secret, answer):
    """Return a server that answers Baton with what `answer` makes of a turn."""
    answered = {}  # A call may come twice with the same key: the agent is asked once.

    class Bridge(BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if not self.is_signed(raw):
                self.send_error(401)
                return
            key, turn = self.headers["Idempotency-Key"], json.loads(raw)
            if turn["event"] != "message":  # A human has left: the next turn says so as well.
                self.reply(204, b"")
                return
            try:
                if key not in answered:
                    answered[key] = json.dumps(answer(turn)).encode()
            except urllib.error.HTTPError as error:
                self.send_error(422, f"The agent answered {error.code}")
            except urllib.error.URLError:
                self.send_error(503, "The agent was not reached")
            else:
                self.reply(200, answered[key])

        def is_signed(self, raw):
            at = self.headers["X-Handoff-Timestamp"]
            good = hmac.new(secret.encode(), at.encode() + b"." + raw, hashlib.sha256).hexdigest()
            is_same = hmac.compare_digest(good, self.headers["X-Handoff-Signature"])
            return is_same and abs(time.time() - int(at)) <= 300

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("", port), Bridge)


def serve(answer):
    """Serve until killed."""
    server(int(os.environ["PORT"]), os.environ["SECRET"], answer).serve_forever()
