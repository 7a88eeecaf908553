"""A client of a remote MCP server (FastMCP) that gets its tokens from Valet Key: one before every request, and a new
one where the server refuses it. Calls a tool for each line on stdin, and prints what it says.

Usage: python mcp_client.py VALETKEY URL CONNECTION TOOL
"""

import asyncio
import subprocess
import sys

import httpx2
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


class ValetKey(httpx2.Auth):
    def __init__(self, program, connection):
        self.command = [program, "token", connection]

    async def token(self, *flags):
        process = await asyncio.create_subprocess_exec(*self.command, *flags, stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        return output.decode().strip()

    async def async_auth_flow(self, request):
        request.headers["Authorization"] = f"Bearer {await self.token()}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {await self.token('--refresh')}"
            yield request


async def main():
    program, url, connection, tool = sys.argv[1:]
    transport = StreamableHttpTransport(url, auth=ValetKey(program, connection))
    async with Client(transport) as client:
        while await asyncio.to_thread(sys.stdin.readline):
            result = await client.call_tool(tool)
            print(result.data, flush=True)


asyncio.run(main())
