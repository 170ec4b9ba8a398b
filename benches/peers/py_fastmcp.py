"""FastMCP: JSON answers, no sessions."""

import logging

from fastmcp import FastMCP
from pydantic import BaseModel

from serving import serve


class Record(BaseModel):
    id: int
    name: str
    even: bool
    weight: float


server = FastMCP("bench")


@server.tool(output_schema=None)
async def echo(message: str) -> str:
    """Returns the message as it is."""
    return message


@server.tool(output_schema=None)
async def count(records: list[Record]) -> str:
    """Counts the records."""
    return f"{len(records)} records"


logging.getLogger().setLevel(logging.ERROR)
serve(server.http_app(path="/mcp", json_response=True, stateless_http=True))
