"""An MCP server (FastMCP) with FastMCP's in-memory OAuth provider, on loopback.

Usage: python mcp_server.py PORT ACCESS_TOKEN_SECONDS
"""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers import in_memory
from fastmcp.server.dependencies import get_access_token

port, seconds = map(int, sys.argv[1:])
in_memory.DEFAULT_ACCESS_TOKEN_EXPIRY_SECONDS = seconds
provider = in_memory.InMemoryOAuthProvider(
    base_url=f"http://127.0.0.1:{port}",
    client_registration_options=ClientRegistrationOptions(enabled=True),
    revocation_options=RevocationOptions(enabled=True),
)
server = FastMCP("whoami", auth=provider)


@server.tool
def whoami() -> str:
    """The client that the token was issued to."""
    return get_access_token().client_id


server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
