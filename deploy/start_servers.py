"""Start learners' servers on a hub before they come, a few at a time, so that nobody waits in a queue.

The names, one on a line, are the learners' names on the hub; those whom the hub does not know yet are added to it.  The
token is made on the hub's page "Token" by an administrator (scopes: admin:users, admin:servers), and needs to live for
no longer than this takes.  Only Python's standard library is used: run it anywhere.

    JUPYTERHUB_API_TOKEN=... python deploy/start_servers.py https://hub.example names.txt
    JUPYTERHUB_API_TOKEN=... python deploy/start_servers.py https://hub.example names.txt --at-once 4 --patience 300
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote


class Hub(NamedTuple):
    """A hub, and the right to start servers there."""

    url: str
    token: str

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """Return the status and what is told of a user."""
        request = urllib.request.Request(f"{self.url.rstrip('/')}/hub/api/users/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")


def main() -> int:
    """Start the servers; return how many did not start, or 1 if nothing could be tried."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("url", help="the hub's address")
    options.add_argument("names", type=Path, help="a file of names, one on a line")
    options.add_argument("--at-once", type=int, default=4, help="servers that may be starting at the same time (4)")
    options.add_argument("--patience", type=float, default=300, help="seconds for one server (300)")
    arguments = options.parse_args()
    token = os.environ.get("JUPYTERHUB_API_TOKEN")
    if not token:
        options.error("JUPYTERHUB_API_TOKEN must hold a token of the hub")
    if arguments.at_once < 1:
        options.error(f"--at-once must be at least 1, got {arguments.at_once}")
    try:
        lines = (line.strip() for line in arguments.names.read_text(encoding="utf-8").splitlines())
        names = list(dict.fromkeys(filter(None, lines)))
        failed = start_all(Hub(arguments.url, token), names, arguments.at_once, arguments.patience)
    except OSError as error:  # also no answer at all
        print(f"start_servers: {error}", file=sys.stderr)
        return 1
    print(f"{len(names) - len(failed)} of {len(names)} servers run." + (f" Not: {', '.join(failed)}" if failed else ""))
    return min(len(failed), 100)


def start_all(hub: Hub, names: list[str], at_once: int, patience: float) -> list[str]:
    """Start everyone's server, so many at once; return the names of those that did not start."""
    waiting, starting, failed = list(names), dict[str, float](), list[str]()
    while waiting or starting:
        while waiting and len(starting) < at_once:
            name = waiting.pop(0)
            trouble = begin(hub, name)
            if trouble == "busy":  # the hub's own limit
                waiting.insert(0, name)
                break
            if trouble:
                print(f"{name}: {trouble}", file=sys.stderr, flush=True)
                failed.append(name)
            else:
                starting[name] = time.monotonic()
        for name, since in list(starting.items()):
            state = server(hub, name)
            if state == "ready":
                print(f"{name}: runs", flush=True)
            elif state == "starting" and time.monotonic() - since < patience:
                continue
            else:
                print(f"{name}: did not start", file=sys.stderr, flush=True)
                failed.append(name)
            del starting[name]
        time.sleep(1)
    return failed


def begin(hub: Hub, name: str) -> str:
    """Ask for a server, for a user who is added if need be; return what went wrong, if anything."""
    status, told = hub.ask("POST", f"{quote(name)}/server")
    if status == 404:
        hub.ask("POST", quote(name))
        status, told = hub.ask("POST", f"{quote(name)}/server")
    if status == 429:
        return "busy"
    return "" if status in (201, 202) or (status == 400 and server(hub, name) != "none") else f"{status} {told}"


def server(hub: Hub, name: str) -> str:
    """Return whether a user's server is ready, starting or none."""
    status, told = hub.ask("GET", quote(name))
    found = told["servers"].get("") if status == 200 else None
    if found is None:
        return "none"
    return "ready" if found["ready"] else "starting" if found["pending"] else "none"


if __name__ == "__main__":
    raise SystemExit(main())
