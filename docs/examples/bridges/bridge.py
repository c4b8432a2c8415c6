"""What the bridges share: they take Baton's signed turns and ask another maker's agent.

    SECRET=whsec_… PORT=8080 AGENT=https://… python rasa.py

In Baton choose the runtime Webhook, with the bridge's address and the same secret.
"""

import hashlib
import hmac
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AGENT = os.environ.get("AGENT", "").rstrip("/")
# Below Baton's own deadline for a whole answer.
PATIENCE_SECONDS = 25
SIGNED = ("Timestamp", "Signature")
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
    answered, asking = {}, {}

    def once(key, turn):
        """Ask the agent once, also where a call comes again while it still thinks."""
        with asking.setdefault(key, threading.Lock()):
            if answered.get(key, (503,))[0] == 503:
                answered[key] = outcome(answer, turn)
            return answered[key]

    class Bridge(BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if not self.is_signed(raw):
                return self.send_error(401)
            turn = json.loads(raw)
            if turn["event"] == "message":
                return self.reply(*once(self.headers["Idempotency-Key"], turn))
            return self.reply(204, b"")  # A human has left: the next turn says so as well.

        def is_signed(self, raw):
            at, given = (self.headers.get(f"X-Handoff-{name}", "") for name in SIGNED)
            good = hmac.new(secret.encode(), at.encode() + b"." + raw, hashlib.sha256).hexdigest()
            fits = [hmac.compare_digest(good.encode(), one.encode()) for one in given.split(",")]
            return any(fits) and abs(time.time() - int(at)) <= 300

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("", port), Bridge)


def outcome(answer, turn):
    """Return status and body: 503 where Baton may ask again, 422 where the agent has the turn."""
    try:
        return 200, json.dumps(answer(turn)).encode()
    except urllib.error.HTTPError as error:
        return 422, f"The agent answered {error.code}.".encode()
    except (TimeoutError, http.client.HTTPException, ValueError):
        return 422, b"The agent took the turn and gave no answer that can be read."
    except OSError:
        return 503, b"The agent was not reached."


def serve(answer):
    """Serve until killed."""
    server(int(os.environ["PORT"]), os.environ["SECRET"], answer).serve_forever()
