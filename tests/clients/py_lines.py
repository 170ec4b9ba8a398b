"""A transport of PyPI mcp for servers that speak in lines on a TCP port or a Unix socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp.shared.message import SessionMessage

MAX_LINE = 16 * 1024 * 1024


async def connected(job: dict[str, Any]) -> Any:
    if job["transport"] == "tcp":
        return await anyio.connect_tcp(job["host"], job["port"])
    return await anyio.connect_unix(job["path"])


@asynccontextmanager
async def line_client(job: dict[str, Any]) -> AsyncIterator[Any]:
    """Messages as the SDK itself writes and reads them on stdio, with its own types."""
    to_session, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, from_session = anyio.create_memory_object_stream[SessionMessage](0)

    async def reader(socket: Any) -> None:
        lines = BufferedByteReceiveStream(socket)
        async with to_session:
            while True:
                try:
                    line = await lines.receive_until(b"\n", MAX_LINE)
                except (anyio.EndOfStream, anyio.IncompleteRead):
                    return
                message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                await to_session.send(SessionMessage(message))

    async def writer(socket: Any) -> None:
        async with from_session:
            async for message in from_session:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                await socket.send(text.encode() + b"\n")

    async with await connected(job) as socket, anyio.create_task_group() as group:
        group.start_soon(reader, socket)
        group.start_soon(writer, socket)
        try:
            yield read_stream, write_stream
        finally:
            group.cancel_scope.cancel()
            read_stream.close()
            write_stream.close()
