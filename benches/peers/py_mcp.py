"""The official Python SDK: JSON answers, no sessions."""

import logging

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
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
# The load names its host without a port.
security = TransportSecuritySettings(allowed_hosts=["localhost"])
serve(server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security))
