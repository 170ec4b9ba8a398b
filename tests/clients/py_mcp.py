"""PyPI mcp 2.x: does what a client is asked to do, in the order of the columns of table.json (for asking.json, see
py_asking.py), and prints one cell per deed.
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp_types import PromptReference, ResourceTemplateReference

import py_asking
from py_cells import DEMO, JOB, brief, cancel, cell, check, see_progress, text_of, unbounded
from py_lines import line_client

NON_ASCII = "Grüße, 世界 🌍"
CONCURRENT_CALLS = 200
LARGE_BYTES = 900 * 1024


def counting_text(size: int) -> str:
    """A text of `size` ASCII bytes in which no stretch can be lost, doubled or moved unnoticed."""
    parts: list[str] = []
    length = 0
    while length < size:
        parts.append(f"{len(parts)},")
        length += len(parts[-1])
    return "".join(parts)[:size]


def listed(names: list[str], expected: list[str]) -> str:
    missing = [name for name in expected if name not in names]
    check(not missing, f"not listed: {missing}; listed: {names}")
    return f"{len(names)} listed"


async def pages(fetch: Callable[..., Awaitable[Any]], key: str) -> list[Any]:
    entries: list[Any] = []
    cursor = None
    while True:
        page = await fetch(cursor=cursor)
        entries.extend(getattr(page, key))
        cursor = page.next_cursor
        if cursor is None:
            return entries


class Deeds:
    """The deeds of one connected client."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def say(self, which: str, value: str) -> str:
        return text_of(await self.client.call_tool(DEMO[which]["tool"], {DEMO[which]["argument"]: value}))

    async def list_tools(self) -> str:
        keys = ("echo", "echo_upper", "greet", "progress", "cancel", "structured")
        tools = await pages(self.client.list_tools, "tools")
        return listed([tool.name for tool in tools], sorted({DEMO[key]["tool"] for key in keys}))

    async def list_resources(self) -> str:
        resources = await pages(self.client.list_resources, "resources")
        return listed([str(resource.uri) for resource in resources], [DEMO["resource"]["uri"]])

    async def list_templates(self) -> str:
        templates = await pages(self.client.list_resource_templates, "resource_templates")
        return listed([template.uri_template for template in templates], [DEMO["template"]["uri_template"]])

    async def list_prompts(self) -> str:
        prompts = await pages(self.client.list_prompts, "prompts")
        return listed([prompt.name for prompt in prompts], [DEMO["prompt"]["name"]])

    async def echo(self) -> str:
        text = await self.say("echo", NON_ASCII)
        check(text == NON_ASCII, f"came back as {text}")
        return text

    async def echo_upper(self) -> str:
        text = await self.say("echo_upper", NON_ASCII)
        check(text == NON_ASCII.upper(), f"came back as {text}")
        return text

    async def greet(self) -> str:
        text = await self.say("greet", "Zoë")
        check("Zoë" in text, f"came back as {text}")
        return text

    async def concurrent_200(self) -> str:
        answers: dict[str, str] = {}

        async def ask(message: str) -> None:
            answers[message] = await self.say("echo", message)

        async with anyio.create_task_group() as group:
            for n in range(CONCURRENT_CALLS):
                group.start_soon(ask, f"call {n} of {os.getpid()}")
        wrong = [message for message, answer in answers.items() if message != answer]
        check(len(answers) == CONCURRENT_CALLS and not wrong, f"{len(wrong)} calls saw another answer")
        return f"{len(answers)} answers"

    async def large_argument(self) -> str:
        message = counting_text(LARGE_BYTES)
        text = await self.say("echo", message)
        check(text == message, f"{len(text)} of {len(message)} characters came back, or they differ")
        return f"{len(text)} bytes"

    async def structured(self) -> str:
        demo = DEMO["structured"]
        result = await self.client.call_tool(demo["tool"], demo["arguments"])
        check(not result.is_error, f"the result is an error: {brief(result)}")
        content = result.structured_content or {}
        check(all(content.get(key) == value for key, value in demo["fields"].items()), f"structured: {brief(result)}")
        return brief(content)

    async def read(self, demo: dict[str, Any]) -> str:
        result = await self.client.read_resource(demo["uri"])
        check(result.contents, f"no contents: {brief(result)}")
        check(str(result.contents[0].uri) == demo["uri"], f"contents of another URI: {brief(result)}")
        check(demo["text"] in result.contents[0].text, f"other text: {brief(result)}")
        return brief(result.contents[0].text)

    async def read_resource(self) -> str:
        return await self.read(DEMO["resource"])

    async def read_template(self) -> str:
        return await self.read(DEMO["template"])

    async def get_prompt(self) -> str:
        demo = DEMO["prompt"]
        result = await self.client.get_prompt(demo["name"], demo["arguments"])
        check(demo["text"] in result.model_dump_json(), f"messages without {demo['text']!r}: {brief(result)}")
        if demo["embedded_resource"]:
            check(any(m.content.type == "resource" for m in result.messages), f"no embedded resource: {brief(result)}")
        return f"{len(result.messages)} messages"

    async def complete(self) -> str:
        demo = DEMO["completion"]
        kind = PromptReference if demo["ref"]["type"] == "ref/prompt" else ResourceTemplateReference
        result = await self.client.complete(kind(**demo["ref"]), demo["argument"])
        listed(result.completion.values, demo["values"])
        return ", ".join(result.completion.values)

    async def unknown_tool(self) -> str:
        demo = DEMO["unknown_tool"]
        try:
            result = await self.client.call_tool(demo["tool"], {})
        except MCPError as refusal:
            check(refusal.code == demo["code"], f"refused with code {refusal.code}: {refusal}")
            return str(refusal)
        raise AssertionError(f"answered with a result: {brief(result)}")


async def main() -> None:
    server: Any = JOB.get("url")
    if JOB["transport"] == "stdio":
        server = StdioServerParameters(command=JOB["command"][0], args=JOB["command"][1:], env=dict(os.environ))
    elif JOB["transport"] in ("tcp", "unix"):
        server = line_client(JOB)
    is_asking = JOB["sheet"] == "asking"
    answers = py_asking.Answers()
    # "auto" asks server/discover first and would fall back to initialize: the revision shows which it was.
    mode = "auto" if JOB["era"] == "modern" else "legacy"
    client = Client(server, mode=mode, **(answers.callbacks() if is_asking else {}))
    stack = AsyncExitStack()

    async def connect() -> str:
        await stack.enter_async_context(client)
        return client.protocol_version

    async def close() -> str:
        await stack.aclose()
        return "closed"

    # Contexts of anyio must be left in the task that entered them, hence no fail_after around these two.
    if not await unbounded("connect", connect):
        return
    if is_asking:
        await py_asking.perform(client, answers)
        return await stack.aclose()
    deeds = Deeds(client)
    before = ("list_tools", "list_resources", "list_templates", "list_prompts", "echo", "echo_upper", "greet")
    after = ("structured", "read_resource", "read_template", "get_prompt", "complete", "unknown_tool")
    for name in (*before, "concurrent_200", "large_argument"):
        await cell(name, getattr(deeds, name))
    await cell("progress", lambda: see_progress(client))
    for name in after:
        await cell(name, getattr(deeds, name))
    await cell("cancel", lambda: cancel(client))
    await unbounded("close", close)


anyio.run(main)
