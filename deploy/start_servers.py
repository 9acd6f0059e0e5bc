"""Start learners' servers on a hub before they come, a few at a time, so that nobody waits.

The file holds the learners' names on the hub, one on a line; names that are new to the hub are added to it.  An
administrator makes the token on the hub's page "Token" (scopes: admin:users, admin:servers); it is needed only while
this runs.  The script uses only Python's standard library: run it anywhere.

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
    """A hub, and a token for its interface."""

    url: str
    token: str

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """Send a request about users; return the status and the answer."""
        request = urllib.request.Request(f"{self.url.rstrip('/')}/hub/api/users/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")


def main() -> int:
    """Start the servers; return how many did not start, or 1 if the hub could not be reached."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("url", help="the hub's address")
    options.add_argument("names", type=Path, help="a file of names, one on a line")
    options.add_argument("--at-once", type=int, default=4, help="how many servers may be starting at a time (4)")
    options.add_argument("--patience", type=float, default=300, help="seconds to wait for one server (300)")
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
    except OSError as error:
        print(f"start_servers: {error}", file=sys.stderr)
        return 1
    print(f"{len(names) - len(failed)} of {len(names)} servers run." + (f" Not: {', '.join(failed)}" if failed else ""))
    return min(len(failed), 100)


def start_all(hub: Hub, names: list[str], at_once: int, patience: float) -> list[str]:
    """Start everyone's server, at most `at_once` at a time; return the names whose server did not start."""
    waiting, starting, failed = list(names), dict[str, float](), list[str]()
    while waiting or starting:
        while waiting and len(starting) < at_once:
            name = waiting.pop(0)
            trouble = start(hub, name)
            if trouble == "busy":  # the hub's own limit: try again in the next round
                waiting.insert(0, name)
                break
            if trouble:
                print(f"{name}: {trouble}", file=sys.stderr, flush=True)
                failed.append(name)
            else:
                starting[name] = time.monotonic()
        for name, since in list(starting.items()):
            found = state(hub, name)
            if found == "starting" and time.monotonic() - since < patience:
                continue
            if found == "ready":
                print(f"{name}: runs", flush=True)
            else:
                print(f"{name}: did not start", file=sys.stderr, flush=True)
                failed.append(name)
            del starting[name]
        time.sleep(1)
    return failed


def start(hub: Hub, name: str) -> str:
    """Ask for a user's server, and add the user if need be; return what went wrong, "" if nothing did."""
    status, answer = hub.ask("POST", f"{quote(name)}/server")
    if status == 404:
        hub.ask("POST", quote(name))
        status, answer = hub.ask("POST", f"{quote(name)}/server")
    if status == 429:
        return "busy"
    started = status in (201, 202) or (status == 400 and state(hub, name) != "none")
    return "" if started else f"{status} {answer}"


def state(hub: Hub, name: str) -> str:
    """Return whether a user's server is ready, starting or none."""
    status, answer = hub.ask("GET", quote(name))
    found = answer["servers"].get("") if status == 200 else None
    if found is None:
        return "none"
    return "ready" if found["ready"] else "starting" if found["pending"] else "none"


if __name__ == "__main__":
    raise SystemExit(main())
