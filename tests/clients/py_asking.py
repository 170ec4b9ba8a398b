"""PyPI mcp 2.x: what servers ask of a client and tell it, in the order of the columns of asking.json."""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated

from py_cells import DEMO, JOB, Cannot, brief, cancel, cell, check, see_progress, text_of

TASKS = "io.modelcontextprotocol/tasks"


class CreatedTask(types.Result):
    """A call that became a task."""

    result_type: Literal["task"] = "task"
    task_id: str


class TaskState(types.Result):
    """How a task stands."""

    status: str
    poll_interval_ms: int = 100
    input_requests: types.InputRequests | None = None
    result: types.CallToolResult | None = None
    error: dict[str, Any] | None = None


class OfTask(types.RequestParams):
    """What names a task."""

    task_id: str
    input_responses: dict[str, Any] | None = None


class GetTask(types.Request[OfTask, Literal["tasks/get"]]):
    """Asks how a task stands."""

    method: Literal["tasks/get"] = "tasks/get"
    name_param = "taskId"


class UpdateTask(types.Request[OfTask, Literal["tasks/update"]]):
    """Answers what a task asks."""

    method: Literal["tasks/update"] = "tasks/update"
    name_param = "taskId"


class Tasks(ClientExtension):
    """The tasks extension, written with what the client offers for extensions."""

    identifier = TASKS

    def __init__(self) -> None:
        self.seen: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return (ResultClaim(result_type="task", model=CreatedTask, resolve=self.resolve),)

    async def resolve(self, created: CreatedTask, context: ClaimContext) -> types.CallToolResult:
        session = context.session
        answered: set[str] = set()
        while True:
            state = await session.send_request(GetTask(params=OfTask(task_id=created.task_id)), TaskState)
            self.seen.append(state.status)
            if state.result is not None:
                return state.result
            check(state.error is None and state.status != "cancelled", f"the task ended with {brief(state)}")
            for key, question in (state.input_requests or {}).items():
                if key in answered:
                    continue
                answered.add(key)
                asked = ClientRequestContext(session=session, request_id=key)
                answer = await session.dispatch_input_request(asked, question)
                responses = {key: answer.model_dump(by_alias=True, mode="json", exclude_none=True)}
                params = OfTask(task_id=created.task_id, input_responses=responses)
                await session.send_request(UpdateTask(params=params), types.EmptyResult)
            await anyio.sleep(state.poll_interval_ms / 1000)


async def nobody(params: Any) -> Any:
    raise AssertionError("asked out of turn")


class Answers:
    """Who answers the server, for the deed that is being done, and what the server told."""

    def __init__(self) -> None:
        self.user: Callable[[Any], Awaitable[Any]] = nobody
        self.model: Callable[[Any], Awaitable[Any]] = nobody
        self.hear: Callable[[Any], None] = lambda message: None
        self.tasks = Tasks()

    def callbacks(self) -> dict[str, Any]:
        async def elicit(context: Any, params: Any) -> Any:
            return await self.user(params)

        async def sample(context: Any, params: Any) -> Any:
            return await self.model(params)

        async def hear(message: Any) -> None:
            self.hear(message)

        return {
            "elicitation_callback": elicit,
            "sampling_callback": sample,
            "message_handler": hear,
            "extensions": [self.tasks],
        }

    @contextmanager
    def answering(self, user: Any = nobody, model: Any = nobody) -> Any:
        self.user, self.model = user, model
        try:
            yield
        finally:
            self.user, self.model = nobody, nobody


def filled(params: Any, answers: dict[str, Any]) -> types.ElicitResult:
    """Fills in a form with these answers, each of which it has to ask for."""
    check(getattr(params, "mode", None) in (None, "form"), f"not a form: {brief(params)}")
    asked = params.requested_schema["properties"]
    missing = [name for name in answers if name not in asked]
    check(not missing, f"not asked for: {missing}; asked for: {sorted(asked)}")
    return types.ElicitResult(action="accept", content=answers)


def said(text: str) -> types.CreateMessageResult:
    content = types.TextContent(type="text", text=text)
    return types.CreateMessageResult(role="assistant", content=content, model="a model of the test")


class Asking:
    """The deeds of one connected client."""

    def __init__(self, client: Client, answers: Answers) -> None:
        self.client = client
        self.answers = answers

    async def elicit(self) -> str:
        demo = DEMO["elicit"]

        async def user(params: Any) -> Any:
            return filled(params, demo["answers"])

        with self.answers.answering(user=user):
            result = await self.client.call_tool(demo["tool"], demo["arguments"])
        check(not result.is_error, f"the result is an error: {brief(result)}")
        text = "\n".join(block.text for block in result.content if block.type == "text")
        seen = json.loads(text[text.index("{") :])
        check(seen["action"] == "accept", f"the tool saw {text}")
        content = seen["content"]
        check(all(content.get(key) == value for key, value in demo["answers"].items()), f"the tool saw {content}")
        return brief(content)

    async def sample(self) -> str:
        demo = DEMO["sample"]

        async def model(params: Any) -> Any:
            check(demo["asked"] in str(params.messages), f"asked for something else: {brief(params)}")
            return said(demo["answer"])

        with self.answers.answering(model=model):
            text = text_of(await self.client.call_tool(demo["tool"], demo["arguments"]))
        check(demo["answer"] in text, f"the tool says {text}")
        return text

    async def ask_two(self) -> str:
        demo = DEMO["ask_two"]
        user_asked, model_asked = anyio.Event(), anyio.Event()

        async def user(params: Any) -> Any:
            user_asked.set()
            await model_asked.wait()
            return filled(params, demo["answers"])

        async def model(params: Any) -> Any:
            model_asked.set()
            await user_asked.wait()
            return said(demo["answer"])

        with self.answers.answering(user=user, model=model):
            text = text_of(await self.client.call_tool(demo["tool"], demo["arguments"]))
        for part in (demo["answer"], *demo["answers"].values()):
            check(part in text, f"without {part!r}: {text}")
        return text

    async def task(self) -> str:
        demo = DEMO["task"]
        if JOB["era"] == "legacy":
            return self.no_task_on_sessions()

        async def user(params: Any) -> Any:
            return filled(params, demo["answers"])

        with self.answers.answering(user=user):
            text = text_of(await self.client.call_tool(demo["tool"], demo["arguments"]))
        check(demo["text"] in text, f"without {demo['text']!r}: {text}")
        seen = self.answers.tasks.seen
        check("input_required" in seen, f"it never asked: {seen}")
        return ", ".join(dict.fromkeys(seen))

    def no_task_on_sessions(self) -> str:
        versions = frozenset({self.client.protocol_version})
        claim = {"result_type": "task", "model": CreatedTask, "resolve": self.answers.tasks.resolve}
        try:
            ResultClaim(**claim, protocol_versions=versions)  # type: ignore[arg-type]
        except ValueError as why:
            check("cannot be delivered on a legacy wire" in str(why), f"refused otherwise: {why}")
            raise Cannot(str(why)) from why
        raise AssertionError(f"tasks can be claimed on {versions}")

    async def resource_updated(self) -> str:
        demo = DEMO["resource_updated"]
        uri = demo["uri"]

        async def trigger() -> None:
            text_of(await self.client.call_tool(demo["tool"], demo["arguments"]))

        if JOB["era"] == "modern":
            async with self.client.listen(resource_subscriptions=[uri]) as subscription:
                await trigger()
                check(await anext(subscription) == ResourceUpdated(uri), "another event came first")
                return uri
        updated = anyio.Event()

        def hear(message: Any) -> None:
            if isinstance(message, types.ResourceUpdatedNotification) and str(message.params.uri) == uri:
                updated.set()

        self.answers.hear = hear
        await self.client.subscribe_resource(uri)
        await trigger()
        await updated.wait()
        return uri

    async def list_changed(self) -> str:
        demo = DEMO["list_changed"]
        uri = demo["uri"]
        check(uri not in await self.uris(), f"{uri} is there already")

        async def trigger() -> None:
            text_of(await self.client.call_tool(demo["tool"], demo["arguments"]))

        if JOB["era"] == "modern":
            async with self.client.listen(resources_list_changed=True) as subscription:
                await trigger()
                check(await anext(subscription) == ResourcesListChanged(), "another event came first")
        else:
            changed = anyio.Event()

            def hear(message: Any) -> None:
                if isinstance(message, types.ResourceListChangedNotification):
                    changed.set()

            self.answers.hear = hear
            await trigger()
            await changed.wait()
        check(uri in await self.uris(), f"{uri} is not there now")
        return uri

    async def uris(self) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = await self.client.list_resources(cursor=cursor)
            found.extend(str(resource.uri) for resource in page.resources)
            cursor = page.next_cursor
            if cursor is None:
                return found


async def perform(client: Client, answers: Answers) -> None:
    deeds = Asking(client, answers)
    for name in ("elicit", "sample", "ask_two"):
        await cell(name, getattr(deeds, name))
    await cell("progress", lambda: see_progress(client))
    await cell("cancel", lambda: cancel(client))
    for name in ("task", "resource_updated", "list_changed"):
        await cell(name, getattr(deeds, name))
