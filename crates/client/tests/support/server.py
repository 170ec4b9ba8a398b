"""A small server on stdin and stdout. The argument says how it behaves."""

import json
import os
import signal
import subprocess
import sys

manner = sys.argv[1]
seen = []


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def result(request, value):
    send({"jsonrpc": "2.0", "id": request["id"], "result": value})


def error(request, code, data=None):
    send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": "no", "data": data}})


def discovered(request):
    result(request, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})


def initialized(request, revision="2025-06-18"):
    result(request, {
        "protocolVersion": revision,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "script", "version": "1"},
    })


def call(request):
    name = request["params"]["name"]
    if name == "seen":
        result(request, {"content": [], "structuredContent": seen})
    elif name == "progress":
        token = request["params"]["_meta"]["progressToken"]
        for step in (1, 2):
            send({"jsonrpc": "2.0", "method": "notifications/progress",
                  "params": {"progressToken": token, "progress": step}})
        result(request, {"content": []})
    elif name == "ask":
        send({"jsonrpc": "2.0", "id": "p", "method": "ping"})
        send({"jsonrpc": "2.0", "id": "r", "method": "roots/list"})
        result(request, {"content": []})
    elif name == "noise":
        print("this is no message")
        print("x" * 300000)
        result(request, {"content": []})
    elif name == "large":
        result(request, {"content": [], "x": "x" * 300000})
    elif name == "exit":
        sys.exit(3)
    elif name == "leave":
        # What is left behind holds stdout open until the client closes stdin.
        subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stderr=subprocess.DEVNULL)
        sys.exit(4)
    elif name == "change":
        for listen in listens:
            for kind in ("tools", "prompts"):
                if listen["params"]["notifications"].get(kind + "ListChanged"):
                    tell(listen, kind + "/list_changed")
        result(request, {"content": []})
    elif name == "end":
        result(listens[0], {"resultType": "complete"})
        send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": listens[1]["id"]}})
        result(request, {"content": []})
    elif name == "form":
        send({"jsonrpc": "2.0", "id": "f", "method": "elicitation/create", "params": {
            "message": "Who?", "requestedSchema": {"type": "object", "properties": {
                "name": {"type": "string"}, "age": {"type": "integer", "default": 7}}}}})
        waiting.append(request)
    elif name != "never":
        result(request, {"content": [], "structuredContent": request["params"]["arguments"]})


def tell(listen, method, params=None):
    meta = {"_meta": {"io.modelcontextprotocol/subscriptionId": listen["id"]}}
    send({"jsonrpc": "2.0", "method": "notifications/" + method, "params": {**(params or {}), **meta}})


late = None
listens = []
waiting = []
if manner == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What it starts ends with it.
    child = subprocess.Popen([sys.executable, "-c",
                              "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"])
    sys.stderr.write(f"{os.getpid()} {child.pid}\n")
    sys.stderr.flush()

for line in sys.stdin:
    message = json.loads(line)
    seen.append(message)
    method = message.get("method")
    if method == "server/discover":
        if manner in ("modern", "stubborn"):
            discovered(message)
        elif manner == "slow":
            late = message
        elif manner == "exits":
            sys.exit(1)
        elif manner == "other":
            error(message, -32022, {"supported": ["2025-03-26"], "requested": "2026-07-28"})
        elif manner == "refuses":
            error(message, -32021, {"requiredCapabilities": {"sampling": {}}})
        elif manner == "nameless":
            send({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}})
        elif manner != "silent":
            error(message, -32601)
    elif method == "initialize":
        if manner == "slow":
            discovered(late)
            error(message, -32601)
        else:
            initialized(message, "2025-03-26" if manner == "other" else "2025-06-18")
    elif method == "tools/call":
        call(message)
    elif method == "ping":
        result(message, {})
    elif method == "subscriptions/listen":
        listens.append(message)
        tell(message, "subscriptions/acknowledged", {"notifications": message["params"]["notifications"]})
    elif method is None and waiting:
        result(waiting.pop(), {"content": [], "structuredContent": message["result"]})

if manner == "stubborn":
    # The end of its stdin does not impress it either.
    while True:
        signal.pause()
