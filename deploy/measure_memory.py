"""What one learner needs in memory: a server of a hub, and kernels in which whole lessons are run.

The server is ``jupyterhub-singleuser``, configured as everywhere (`jupyter_server_config.py`), with a hub that does no
more than say yes; it takes about 40 MB more than the server of ``bptt-lessons open``.  Each lesson is opened, run from
its first cell to its last and saved by way of the server, over the same addresses and the same websocket as a browser
uses, with every exercise solved; then the two heaviest lessons are run in two kernels side by side.  Numbers are
Linux's own, in MB (10^6 bytes): the peak of the resident memory of each process (VmHWM), which counts pages shared
between processes in each of them and so errs on the safe side, what is resident at the end, and the share of it that is
its own (PSS).  JupyterHub is needed beside the course:

    python -m pip install -c requirements.lock -c deploy/container/hub.lock jupyterhub

    python deploy/measure_memory.py              all lessons; writes memory.json and, by the rule, limits.json
    python deploy/measure_memory.py 03 --print   one lesson; writes nothing
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import inspect
import json
import os
import platform
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import limits

sys.path.insert(0, str(limits.HERE.parent))
LIBRARIES = ("numpy", "matplotlib", "ipykernel", "ipywidgets", "jupyter_server", "jupyterlab", "jupyterhub")
CHECK = re.compile(r"^\w+ = check\(\"([\w.]+)\"\)$")
START_SECONDS, CELL_SECONDS = 120, 600


class Memory(NamedTuple):
    """What a process holds, in MB."""

    peak: float  # resident, at its highest
    now: float  # resident
    share: float  # of that, its own (PSS)


class Server(NamedTuple):
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path
    pid: int


class Kernel(NamedTuple):
    """A running kernel, and the connection to it."""

    socket: Any
    pid: int


def main() -> int:
    """Measure, and write down what was found."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("lessons", nargs="*", metavar="NN", help="those whose names begin so; all if none is named")
    options.add_argument("--print", action="store_true", help="write nothing")
    arguments = options.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        raise SystemExit("Memory is read from /proc, as Linux has it.")
    if arguments.lessons and not arguments.print:
        raise SystemExit("The file is about all lessons: name none, or add --print.")
    found = json.dumps(measure(tuple(arguments.lessons)), indent=1) + "\n"
    print(found, end="")
    if not arguments.print:
        limits.MEMORY.write_text(found, encoding="utf-8")
        limits.write()
    return 0


def measure(prefixes: tuple[str, ...]) -> dict[str, Any]:
    """Run every lesson in a kernel of its own, then the two heaviest at once."""
    with tempfile.TemporaryDirectory(prefix="bptt-memory-") as scratch, serve(Path(scratch)) as server:
        lessons = sorted(path.name for path in server.folder.glob("[0-9][0-9]_*.ipynb"))
        lessons = [name for name in lessons if name.startswith(prefixes or "")]
        if not lessons:
            raise SystemExit(f"lessons: no name begins with one of {prefixes}")
        request(server, "lab")
        started, alone = memory(server.pid), {}
        for name in lessons:
            with kernel(server, name) as one:
                run(server, name, one)
                alone[name] = memory(one.pid)
            print(f"{name}: {alone[name].peak:.0f} MB", file=sys.stderr, flush=True)
        heaviest = sorted(alone, key=lambda name: alone[name].peak)[-2:]
        with contextlib.ExitStack() as stack:
            pids = {}
            for name in heaviest:  # one after the other, for a connection that waits is closed
                one = stack.enter_context(kernel(server, name))
                run(server, name, one)
                pids[name] = one.pid
            together = {name: memory(pid) for name, pid in pids.items()}
            ended = memory(server.pid)
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "unit": "MB",
        "server": {"started": whole(started), "at the end": whole(ended)},
        "kernels": {Path(name).stem: whole(found) for name, found in alone.items()},
        "two at once": {Path(name).stem: whole(found) for name, found in together.items()},
        "typical": round(ended.peak + statistics.median(found.peak for found in alone.values())),
        "worst": round(ended.peak + sum(found.peak for found in together.values())),
    }


def whole(found: Memory) -> dict[str, int]:
    """Return numbers as they stand in the file."""
    return {name: round(number) for name, number in found._asdict().items()}


def machine() -> str:
    """Name what it was measured on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {os.cpu_count()} cores, {size:.0f} GiB; Linux {platform.release()}"


def memory(pid: int) -> Memory:
    """Return what a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return Memory(megabytes(status, "VmHWM"), megabytes(status, "VmRSS"), megabytes(rollup, "Pss"))


def megabytes(table: str, field: str) -> float:
    """Read one field of one of Linux's tables."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", table, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"no {field} in {table[:200]!r}")
    return int(found.group(1)) * 1024 / 1e6


# --- a learner, without a browser ------------------------------------------------------------------------------


class Yes(http.server.BaseHTTPRequestHandler):
    """A hub that lets everyone in, and keeps nothing."""

    def do_GET(self) -> None:
        """Say who is asking, and which version this is."""
        known = {"name": "learner", "kind": "user", "admin": False, "groups": [], "session_id": None}
        self.answer(known | {"scopes": ["access:servers"], "version": version("jupyterhub")})

    def do_POST(self) -> None:
        """Take note of activity."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.answer({})

    def answer(self, content: dict[str, Any]) -> None:
        """Send JSON."""
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *parts: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def serve(scratch: Path) -> Iterator[Server]:
    """Start a learner's server in a home of its own, and a hub for it."""
    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/user/learner/"
    token = secrets.token_hex(16)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "BPTT_"))}
    variables |= {
        "HOME": str(scratch),
        "PYTHONPATH": str(limits.HERE.parent),
        "JUPYTER_CONFIG_PATH": str(limits.HERE),  # where jupyter_server_config.py is
        "JUPYTERHUB_API_TOKEN": token,
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-learner",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/learner/oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers"]',
        "JUPYTERHUB_SERVICE_PREFIX": "/user/learner/",
        "JUPYTERHUB_SERVICE_URL": address,
        "JUPYTERHUB_USER": "learner",
    }
    command = [sys.executable, "-m", "jupyterhub.singleuser", *(["--allow-root"] if os.geteuid() == 0 else [])]
    with (scratch / "log").open("w") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT, cwd=scratch)
    server = Server(address, token, scratch / "bptt-lessons", process.pid)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(server):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{(scratch / 'log').read_text()[-4000:]}")
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(60)
        hub.shutdown()


def answers(server: Server) -> bool:
    """Say whether the server is there."""
    with contextlib.suppress(OSError):
        return bool(request(server, "api/status"))
    return False


def request(server: Server, path: str, body: Any = None, method: str | None = None) -> bytes:
    """Ask the server for something, directly."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {server.token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(server.url + path, data, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=START_SECONDS) as response:
        return bytes(response.read())


@contextlib.contextmanager
def kernel(server: Server, name: str) -> Iterator[Kernel]:
    """Open a notebook's session and a websocket to its kernel."""
    import websocket

    asked = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    session = json.loads(request(server, "api/sessions", asked))
    address = f"ws{server.url.removeprefix('http')}api/kernels/{session['kernel']['id']}/channels"
    connection = websocket.create_connection(
        address, CELL_SECONDS, header=[f"Authorization: token {server.token}"], http_no_proxy=["127.0.0.1"]
    )
    try:
        printed = execute(connection, "import os; print(os.getpid())")
        yield Kernel(connection, int(printed[0]["text"]))
    finally:
        connection.close()
        request(server, f"api/sessions/{session['id']}", method="DELETE")


def run(server: Server, name: str, one: Kernel) -> None:
    """Run a whole lesson, every exercise solved, and save it."""
    notebook = json.loads(request(server, f"api/contents/{name}?content=1"))["content"]
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code" and cell["source"].strip():
            source = cell["source"]
            if number + 1 < len(notebook["cells"]) and (match := CHECK.match(notebook["cells"][number + 1]["source"])):
                source = solved(match.group(1))
            cell["outputs"] = execute(one.socket, source)
            errors = [output["evalue"] for output in cell["outputs"] if output["output_type"] == "error"]
            if errors or (CHECK.match(source) and "your function" not in json.dumps(cell["outputs"])):
                raise RuntimeError(f"{name}, cell {number}: {errors or cell['outputs']}")
    request(server, f"api/contents/{name}", {"type": "notebook", "format": "json", "content": notebook}, "PUT")


def solved(exercise: str) -> str:
    """Return the package's function under the learner's name."""
    from bptt_lessons.course import EXERCISES

    known = EXERCISES[exercise]
    return inspect.getsource(known.solution).replace(f"def {known.solution.__name__}(", f"def {known.learner_name}(", 1)


def execute(connection: Any, code: str) -> list[dict[str, Any]]:
    """Run one cell; return its outputs as a notebook holds them."""
    identifier = uuid.uuid4().hex
    header = {
        "msg_id": identifier,
        "msg_type": "execute_request",
        "session": "memory",
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    connection.send(json.dumps(message))
    outputs: list[dict[str, Any]] = []
    waiting = {"idle", "execute_reply"}
    while waiting:
        told = json.loads(connection.recv())
        if told["parent_header"].get("msg_id") != identifier:
            continue
        kind, content = told["msg_type"], told["content"]
        waiting -= {kind, content.get("execution_state")}
        if kind in ("stream", "display_data", "execute_result", "error"):
            outputs.append({"output_type": kind} | {k: v for k, v in content.items() if k != "transient"})
    return outputs


if __name__ == "__main__":
    raise SystemExit(main())
