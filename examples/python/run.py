"""A session whose agent asks before it acts, with Python's standard library."""

import json
import os
from urllib.request import Request, urlopen

URL = os.environ.get("GREENROOM_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("GREENROOM_API_KEY")
CREDENTIALS = {"authorization": f"Bearer {KEY}"} if KEY else {}


def request(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **CREDENTIALS}
    with urlopen(Request(URL + path, data, headers, method=method)) as response:
        return json.load(response)


def events(session_id):
    """What has happened in the session and what comes, as (kind, data). A longer-lived program would connect again
    when the connection is lost, with the last `id:` that it saw as the header Last-Event-ID."""
    headers = {"accept": "text/event-stream", **CREDENTIALS}
    with urlopen(Request(f"{URL}/sessions/{session_id}/events", headers=headers)) as stream:
        kind = ""
        for line in stream:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)["data"]


started = request("POST", "/execute/", {"prompt": "run: echo hello > greeting.txt", "approvals": "ask"})
session_id = started["session_id"]
print("session:", session_id)

for kind, data in events(session_id):
    if kind == "approval" and data["phase"] == "requested":
        approval = data["approval"]
        print("asks:", approval["tool_name"], approval["input"]["command"])
        answered = request("POST", f"/approvals/{approval['approval_id']}", {"decision": "allow"})
        print("answer:", answered["status"])
    elif kind == "turn" and data["phase"] == "ended":
        break

session = request("GET", f"/sessions/{session_id}")
print("state:", session["status"])
print("result:", (session["turns"][-1]["result"] or {}).get("text"))
print(f"cost: ${session['cost_usd']}")
