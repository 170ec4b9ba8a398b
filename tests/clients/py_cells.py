"""What the deeds of PyPI mcp share: the job, checks, and cells.

The job (sheet, era, transport; url, command, host and port, or path; demo) comes as JSON in the first argument; a cell is one JSON line:
{"deed", "outcome": "yes" | "no" | "cannot", "detail"}.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

DEED_LIMIT_SECONDS = 30

JOB: dict[str, Any] = json.loads(sys.argv[1])
DEMO: dict[str, Any] = JOB["demo"]


class Cannot(Exception):
    """Raised by a deed that the client has no way to do; the message says how that showed."""


def check(condition: object, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 400 else f"{text[:400]}…"


def text_of(result: Any) -> str:
    check(not result.is_error, f"the result is an error: {brief(result)}")
    texts = [block.text for block in result.content if block.type == "text"]
    check(len(texts) == 1, f"expected one text block: {brief(result)}")
    return texts[0]


async def cell(deed: str, action: Callable[[], Awaitable[str]]) -> bool:
    async def limited() -> str:
        with anyio.fail_after(DEED_LIMIT_SECONDS):
            return await action()

    return await unbounded(deed, limited)


async def unbounded(deed: str, action: Callable[[], Awaitable[str]]) -> bool:
    """`cell` without its limit: the test's own limit ends a connect or close that hangs."""
    outcome, detail = "yes", ""
    try:
        detail = await action()
    except Cannot as why:
        outcome, detail = "cannot", str(why)
    except Exception as error:
        outcome, detail = "no", f"{type(error).__name__}: {error}"
    print(json.dumps({"deed": deed, "outcome": outcome, "detail": brief(detail)}, ensure_ascii=False), flush=True)
    return outcome == "yes"


async def see_progress(client: Any) -> str:
    seen: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    demo = DEMO["progress"]
    text_of(await client.call_tool(demo["tool"], demo["arguments"], progress_callback=on_progress))
    check(len(seen) >= demo["at_least"], f"only {len(seen)} progress notifications before the result")
    check(all(a < b for a, b in zip(seen, seen[1:])), f"progress does not grow: {seen}")
    return ", ".join(map(str, seen))


async def cancel(client: Any) -> str:
    """Cancels a call at its first progress notification, and goes on with another."""
    demo = DEMO["cancel"]
    with anyio.CancelScope() as scope:

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            scope.cancel()

        result = await client.call_tool(demo["tool"], demo["arguments"], progress_callback=on_progress)
        raise AssertionError(f"the call ended with a result: {brief(result)}")
    check(scope.cancelled_caught, "the call was not cancelled")
    echo = DEMO["echo"]
    text = text_of(await client.call_tool(echo["tool"], {echo["argument"]: "still there"}))
    check(text.endswith("still there"), f"afterwards echo said {text}")
    return "ended at the first progress notification; the connection goes on"
