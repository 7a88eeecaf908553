"""A script as a person writes it: asks Valet Key for a token over the socket, then calls the API.

Usage: python3 whoami.py SOCKET CONNECTION API_URL. Calls once for each line on stdin.
"""

import http.client
import json
import socket
import sys
import urllib.parse
import urllib.request


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def token(socket_path, connection):
    name = urllib.parse.quote(connection, safe="")
    agent = SocketConnection(socket_path)
    agent.request("POST", f"/api/v1/credentials/connections/{name}/token")
    reply = json.load(agent.getresponse())
    if "access_token" not in reply:
        sys.exit(reply["detail"]["message"])
    return reply["access_token"]


def main():
    socket_path, connection, api_url = sys.argv[1:]
    for _line in sys.stdin:
        bearer = {"Authorization": f"Bearer {token(socket_path, connection)}"}
        with urllib.request.urlopen(urllib.request.Request(api_url, headers=bearer)) as reply:
            print(reply.status, reply.read().decode(), flush=True)


if __name__ == "__main__":
    main()
