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
    elif name in ASKED:
        method, params = ASKED[name]
        if manner != "modern":
            send({"jsonrpc": "2.0", "id": "q", "method": method, "params": params})
            waiting.append(request)
        elif "inputResponses" in request["params"]:
            answered(request, request["params"]["inputResponses"]["q"])
        else:
            result(request, {"resultType": "input_required", "inputRequests": {"q": {"method": method, "params": params}}})
    elif name == "later":
        result(request, {"resultType": "task", "taskId": "t-1", "status": "working", "createdAt": "a",
                         "lastUpdatedAt": "b", "ttlMs": None, "pollIntervalMs": 1})
    elif name != "never":
        result(request, {"content": [], "structuredContent": request["params"]["arguments"]})


FORM = {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string"}, "age": {"type": "integer", "default": 7}}}
ASKED = {
    "form": ("elicitation/create", {"message": "Who?", "requestedSchema": FORM}),
    "page": ("elicitation/create", {"mode": "url", "message": "Log in", "url": "https://example.com/login",
                                    "elicitationId": "e"}),
    "model": ("sampling/createMessage", {"maxTokens": 9, "messages": [
        {"role": "user", "content": {"type": "text", "text": "Which tide?"}}]}),
}


def answered(request, answer):
    text = json.dumps(answer, sort_keys=True)
    result(request, {"content": [{"type": "text", "text": text}], "structuredContent": answer})


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
        if message["params"]["notifications"].get("resourceSubscriptions"):
            tell(message, "resources/updated", {"uri": "a://b"})
            tell(message, "tools/list_changed")
            result(message, {"resultType": "complete"})
    elif method is None and waiting:
        answered(waiting.pop(), message.get("result", message.get("error")))
    elif method == "tools/list":
        tools = [*ASKED, "later", "change"]
        result(message, {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in tools]})
    elif method == "tasks/get":
        result(message, {"resultType": "complete", "taskId": "t-1", "status": "completed", "createdAt": "a",
                         "lastUpdatedAt": "b", "ttlMs": None, "result": {"content": [{"type": "text", "text": "done"}]}})

if manner == "stubborn":
    # The end of its stdin does not impress it either.
    while True:
        signal.pause()
