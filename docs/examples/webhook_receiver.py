"""A receiver of Baton's webhooks: checks the signature, takes each event once, answers at once.

Run it with the standard library alone:

    BATON_WEBHOOK_SECRET=whsec_... python webhook_receiver.py 9000

Several secrets, with a comma between them, are all good: so you change over during a rotation.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_AGE_SECONDS = 300
SECRETS = os.environ["BATON_WEBHOOK_SECRET"].split(",")
# A real receiver keeps these in its database, in the transaction of what it does with the event.
SEEN: set[str] = set()


def is_ours(timestamp: str, signatures: str, body: bytes) -> bool:
    """Say whether one of the signatures is one of our secrets', and not older than five minutes."""
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
        return False
    signed = timestamp.encode() + b"." + body
    expected = [hmac.new(one.encode(), signed, hashlib.sha256).hexdigest() for one in SECRETS]
    given = [one.strip() for one in signatures.split(",")]
    return any(hmac.compare_digest(a.encode(), b.encode()) for a in given for b in expected)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what it has taken, also to what it had taken before."""

    def do_POST(self) -> None:
        """Take one event."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        timestamp = self.headers.get("X-Handoff-Timestamp", "")
        if not is_ours(timestamp, self.headers.get("X-Handoff-Signature", ""), body):
            self.send_error(401)
            return
        event = json.loads(body)
        if event["id"] not in SEEN:
            SEEN.add(event["id"])
            logging.info("%s %s", event["type"], event["conversation_id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing of each request."""


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
