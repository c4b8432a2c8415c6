"""An AI agent outside Baton, in forty lines of plain Python: answers, and hands off when asked.

SECRET=whsec_… PORT=8080 python webhook_agent.py
"""

import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["SECRET"].encode()
answered = {}  # A call may come twice with the same key: the answer is the same.


def answer(turn):
    if turn["event"] == "handoff_ended":
        return {}  # Its summary says how it went.
    said = turn["message"]["text"].lower()
    if "human" in said:
        asked = {"reason": "asked for a person"}
        return {"utterance": "I get somebody for you.", "handoff": asked}
    if turn.get("human_part"):
        return {"utterance": f"Welcome back. {turn['human_part']['summary']}"}
    seen = turn["conversation"]["state"].get("seen", 0) + 1
    return {"utterance": f"You said: {said}", "state": {"seen": seen}}


class Agent(BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        at = self.headers.get("X-Handoff-Timestamp", "")
        given = self.headers.get("X-Handoff-Signature", "")
        good = hmac.new(SECRET, at.encode() + b"." + raw, hashlib.sha256).hexdigest()
        # Several while a secret is being replaced: one that fits is enough.
        is_good = any(hmac.compare_digest(good.encode(), it.encode()) for it in given.split(","))
        if not is_good or abs(time.time() - int(at)) > 300:
            self.send_error(401)
            return
        key = self.headers["Idempotency-Key"]
        if key not in answered:
            answered[key] = json.dumps(answer(json.loads(raw))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answered[key])


ThreadingHTTPServer(("", int(os.environ["PORT"])), Agent).serve_forever()
