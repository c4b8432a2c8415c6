"""A custom connector for Baton: its live agent repeats what it hears, and closes on "bye"."""

import hmac
import json
import os
import time
import uuid

from aiohttp import ClientSession, web

EVENTS_URL, SECRET = os.environ["EVENTS_URL"], os.environ["SIGNING_SECRET"].encode()
AGENT = {"id": "echo", "name": "Echo"}
answers = {}  # by Idempotency-Key: a repeated call is answered again, not done again


def sign(timestamp, body):
    return hmac.new(SECRET, timestamp.encode() + b"." + body, "sha256").hexdigest()


async def tell(key, kind, external_id, **data):
    """Post an event; if that fails so does the call, and Baton repeats it with the same key."""
    event = {"event_id": f"{key}:{kind}", "type": kind, "external_id": external_id, "data": data}
    body, now = json.dumps(event).encode(), str(int(time.time()))
    headers = {"X-Handoff-Timestamp": now, "X-Handoff-Signature": sign(now, body)}
    async with ClientSession() as http, http.post(EVENTS_URL, data=body, headers=headers) as answer:
        answer.raise_for_status()


async def handle(request):
    raw, timestamp = await request.read(), request.headers.get("X-Handoff-Timestamp", "")
    fits = hmac.compare_digest(sign(timestamp, raw), request.headers.get("X-Handoff-Signature", ""))
    if not fits or abs(time.time() - int(timestamp)) > 300:
        return web.json_response({"code": "bad_signature"}, status=401)
    key = request.headers.get("Idempotency-Key", str(uuid.uuid4()))
    if key not in answers:
        answers[key] = await carry_out(key, request, json.loads(raw or "{}"))
    return web.json_response(answers[key])


async def carry_out(key, request, body):
    call, external_id = request.match_info["call"], request.match_info.get("id", "")
    if call == "ping":
        await tell(key, "ping", "", nonce=request.query["nonce"])
        return {"nonce": request.query["nonce"]}
    if call == "handoffs":
        external_id = f"echo-{body['handoff_id']}"
        await tell(key, "joined", external_id, agent=AGENT)
    if call == "messages":
        await tell(key, "message", external_id, agent=AGENT, text=f"You said: {body['text']}")
        if body["text"] == "bye":
            await tell(key, "closed", external_id, by="agent")
    return {"external_id": external_id}


app = web.Application()
app.add_routes([web.route("*", "/{call}", handle), web.post("/handoffs/{id}/{call}", handle)])
web.run_app(app, port=int(os.environ.get("PORT", "8090")))
