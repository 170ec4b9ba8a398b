"""The official Python SDK: JSON answers, no sessions."""

import logging

from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

from serving import serve


class Record(BaseModel):
    id: int
    name: str
    even: bool
    weight: float


server = MCPServer("bench")


@server.tool(structured_output=False)
async def echo(message: str) -> str:
    """Returns the message as it is."""
    return message


@server.tool(structured_output=False)
async def count(records: list[Record]) -> str:
    """Counts the records."""
    return f"{len(records)} records"


logging.getLogger().setLevel(logging.ERROR)
serve(server.streamable_http_app(json_response=True, stateless_http=True))
