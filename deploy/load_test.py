"""Start a JupyterHub on this machine with scripted learners, and print how long they wait.

Each learner gets a server, opens lessons, runs every cell, and at every exercise has a wrong answer and then
the right one checked.  At the end the script compares each learner's progress file with what was checked.

    python deploy/load_test.py                                     4 learners, lessons 01 and 02
    python deploy/load_test.py --learners 30 --minutes 30          a whole room

It needs Linux or macOS, the course, JupyterHub and its proxy:

    python -m pip install -c requirements.lock -c deploy/container/hub.lock jupyterhub
    npm install --prefix FOLDER configurable-http-proxy            then --proxy FOLDER/node_modules/.bin/...

The hub listens on 127.0.0.1 only, works in a temporary folder, and stops when the learners are done, when the
time is up, or on Ctrl-C.  The exit code is 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from bptt_lessons.course import EXERCISES, progress  # noqa: E402

MOST_LEARNERS = 200
START_SECONDS, CELL_SECONDS = 120, 300  # how long the hub or a server may take to start, and one cell to run
CHECK = re.compile(r"^\w+ = check\(\"([\w.]+)\"\)$")
KINDS = ("spawn", "open", "cell", "check", "save")
TROUBLE = (OSError, RuntimeError, LookupError)  # timeouts and refused requests are OSErrors
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy

HUB_CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.DummyAuthenticator.password = {token!r}
c.JupyterHub.services = [{{"name": "load-test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "load-test", "services": ["load-test"], "scopes": ["admin:users", "admin:servers", "access:servers"]}}
]
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.start_timeout = c.Spawner.http_timeout = {seconds}
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if {root} else []
c.Spawner.environment = {{"PYTHONPATH": {course!r}, "JUPYTER_CONFIG_PATH": {config!r}}}
"""


class Hub(NamedTuple):
    """A running hub."""

    url: str
    token: str
    folder: Path

    def lessons(self, name: str) -> Path:
        """Return the folder of a learner's lessons."""
        return self.folder / "homes" / name / "bptt-lessons"

    def log_end(self) -> str:
        """Return the last lines that the hub and the servers wrote to their log."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]


class Server(NamedTuple):
    """A learner's server, or the hub's own interface."""

    url: str  # ends with a slash
    token: str


class Log:
    """What all learners note; lists may be appended to from any thread."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.errors: list[tuple[str, str]] = []  # kind, and what happened

    @contextlib.contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Note how long the body takes, unless it raises."""
        start = time.monotonic()
        yield
        self.seconds[kind].append(time.monotonic() - start)


@contextlib.contextmanager
def running_hub(proxy: str) -> Iterator[Hub]:
    """Start a hub in a temporary folder; stop it, and remove the folder, at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bptt-load-"))
    process = None
    try:
        port, hub_port, proxy_port = free_ports(3)
        hub = Hub(f"http://127.0.0.1:{port}", secrets.token_hex(16), folder)
        settings = HUB_CONFIG.format(
            port=port, hub_port=hub_port, proxy_port=proxy_port, proxy=proxy, token=hub.token,
            homes=str(folder / "homes"), seconds=START_SECONDS, root=os.geteuid() == 0,
            python=sys.executable, course=str(ROOT), config=str(HERE),  # where jupyter_server_config.py is
        )  # fmt: skip
        config = folder / "jupyterhub_config.py"
        config.write_text(settings, encoding="utf-8")
        (folder / "homes").mkdir()
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "BPTT_"))}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until_up(hub, process)
        yield hub
    finally:
        if process is not None:
            stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def wait_until_up(hub: Hub, process: subprocess.Popen[bytes]) -> None:
    """Return once the hub answers through its proxy; RuntimeError with the end of its log if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError):
            DIRECT.open(f"{hub.url}/hub/health", timeout=5).read()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the hub did not start:\n{hub.log_end()}")
        time.sleep(0.2)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the hub, which stops the learners' servers and the proxy."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print("The hub had to be killed: look for jupyterhub-singleuser processes it left.", file=sys.stderr)


def request(server: Server, path: str, body: Any = None, method: str | None = None) -> Any:
    """Ask a server or the hub for JSON."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {server.token}", "Content-Type": "application/json"}
    with DIRECT.open(urllib.request.Request(server.url + path, data, headers, method=method), timeout=60) as response:
        return json.loads(response.read() or b"null")


def start_server(hub: Hub, name: str) -> Server:
    """Add a learner to the hub, start their server, and wait until it answers."""
    api = Server(f"{hub.url}/hub/api/users/{name}", hub.token)
    request(api, "", method="POST")
    request(api, "/server", method="POST")
    deadline = time.monotonic() + START_SECONDS
    while not request(api, "")["servers"].get("", {}).get("ready"):
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.2)
    server = Server(f"{hub.url}/user/{name}/", hub.token)
    request(server, "api/status")
    return server


@contextlib.contextmanager
def open_lesson(server: Server, name: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Open a notebook; yield a websocket to its kernel, which is ready to run code, and its contents."""
    import websocket

    notebook = request(server, f"api/contents/{name}?content=1")["content"]
    wanted = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    session = request(server, "api/sessions", wanted)
    address = f"ws{server.url.removeprefix('http')}api/kernels/{session['kernel']['id']}/channels"
    header = [f"Authorization: token {server.token}"]
    connection = websocket.create_connection(address, CELL_SECONDS, header=header, http_no_proxy=["127.0.0.1"])
    try:
        execute(connection, "pass")
        yield connection, notebook
    finally:
        connection.close()
        request(server, f"api/sessions/{session['id']}", method="DELETE")


def execute(connection: Any, code: str) -> list[dict[str, Any]]:
    """Run one cell; return its outputs as a notebook holds them."""
    identifier = uuid.uuid4().hex
    header = {"msg_id": identifier, "msg_type": "execute_request", "username": "", "session": "load", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    connection.send(json.dumps(message))
    outputs: list[dict[str, Any]] = []
    waiting = {"idle", "execute_reply"}
    while waiting:
        received = json.loads(connection.recv())
        if received["parent_header"].get("msg_id") != identifier:
            continue
        kind, content = received["msg_type"], received["content"]
        waiting -= {kind, content.get("execution_state")}
        if kind in ("stream", "display_data", "execute_result", "error"):
            outputs.append({"output_type": kind} | {k: v for k, v in content.items() if k != "transient"})
    return outputs


def save(server: Server, name: str, notebook: dict[str, Any]) -> None:
    """Save a notebook."""
    request(server, f"api/contents/{name}", {"type": "notebook", "format": "json", "content": notebook}, "PUT")


def text_of(outputs: list[dict[str, Any]]) -> str:
    """Return what a cell put out as plain text, with single spaces."""
    parts = (o.get("text") or o.get("data", {}).get("text/plain") or o.get("evalue", "") for o in outputs)
    return " ".join(" ".join(parts).split())


class Plan(NamedTuple):
    """What every learner does."""

    lessons: tuple[str, ...]  # two digits each
    think: float  # mean seconds before each answer
    stopped: threading.Event  # set when everybody has to stop


class Answer(NamedTuple):
    """An answer to an exercise."""

    code: str
    misconception: str | None  # None if it is right
    expected: str  # what the report has to say


def answers(exercise: str, rng: random.Random) -> tuple[Answer, Answer]:
    """Return a known mistake of an exercise, and its solution."""
    known = EXERCISES[exercise]
    mistake = rng.choice(list(known.misconceptions))
    code = f"from bptt_lessons.course import EXERCISES\n{known.learner_name} = EXERCISES[{exercise!r}]"
    wrong = Answer(f"{code}.misconceptions[{mistake!r}].function", mistake, known.misconceptions[mistake].sentence)
    return wrong, Answer(f"{code}.solution", None, "The lesson goes on with your function.")


def learner(hub: Hub, name: str, plan: Plan, log: Log) -> None:
    """Be one learner from the first click to the last; note what goes wrong instead of raising it."""
    rng = random.Random(name)
    results: list[tuple[str, str, str | None]] = []
    try:
        with log.timed(kind := "spawn"):
            server = start_server(hub, name)
        for path in lesson_files(hub.lessons(name), plan.lessons):
            kind, start = "open", time.monotonic()
            with open_lesson(server, path.name) as (connection, notebook):
                log.seconds[kind].append(time.monotonic() - start)
                kind = "cell"
                work_through(connection, notebook, plan, rng, log, results)
                with log.timed(kind := "save"):
                    save(server, path.name, notebook)
        kept = [(entry.exercise, entry.status, entry.misconception) for entry in progress.read(hub.lessons(name))]
        if kept != results:
            log.errors.append(("check", f"{name}: progress holds {len(kept)} results, expected {len(results)}"))
    except TROUBLE as error:
        log.errors.append((kind, f"{name}: {type(error).__name__}: {error}"))


def lesson_files(folder: Path, lessons: tuple[str, ...]) -> list[Path]:
    """Return a folder's notebooks whose names begin as given, in reading order."""
    return sorted(path for path in folder.glob("[0-9][0-9]_*.ipynb") if path.name.startswith(lessons))


def work_through(
    connection: Any, notebook: dict[str, Any], plan: Plan, rng: random.Random, log: Log, results: list[Any]
) -> None:
    """Run a lesson from top to bottom, with two answers to each exercise, until the time is up."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["source"].strip()]
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if plan.stopped.is_set():
            return
        if CHECK.match(cell["source"]):
            continue  # it was run with the cell before
        if match := CHECK.match(following["source"]) if following else None:
            for answer in answers(match[1], rng):
                plan.stopped.wait(plan.think * min(rng.expovariate(1), 5))
                cell["source"] = answer.code
                run_cell(connection, cell, "cell", log)
                said = run_cell(connection, following, "check", log)
                if " ".join(answer.expected.split()) not in said:
                    log.errors.append(("check", f"{match[1]}, {answer.misconception or 'right'}: {said[:300]!r}"))
                results.append((match[1], "wrong" if answer.misconception else "correct", answer.misconception))
        else:
            run_cell(connection, cell, "cell", log)


def run_cell(connection: Any, cell: dict[str, Any], kind: str, log: Log) -> str:
    """Run a cell, keep its outputs in the notebook, and return them as text."""
    with log.timed(kind):
        cell["outputs"] = execute(connection, cell["source"])
    failed = [output["evalue"] for output in cell["outputs"] if output["output_type"] == "error"]
    if failed and "raises-exception" not in cell["metadata"].get("tags", []):
        log.errors.append((kind, f"{cell['source'][:60]!r}: {failed[0]}"))
    return text_of(cell["outputs"])


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]


def table(log: Log) -> str:
    """Return how often each thing was done, how often it failed, and how long it took, as Markdown."""
    lines = ["| what | number | errors | median, s | p95, s |", "| --- | --- | --- | --- | --- |"]
    for kind, seconds in log.seconds.items():
        errors = sum(where == kind for where, _ in log.errors)
        waits = [f"{percentile(seconds, share):.2f}" for share in (0.5, 0.95)] if seconds else ["-", "-"]
        lines.append(f"| {' | '.join([kind, str(len(seconds)), str(errors), *waits])} |")
    return "\n".join(lines)


def run(hub: Hub, learners: int, minutes: float, plan: Plan, log: Log) -> None:
    """Let the learners arrive a second apart, and work at the same time until they are done or the time is up."""

    def arrive(number: int) -> None:
        if not plan.stopped.wait(number):
            learner(hub, f"learner-{number + 1:03d}", plan, log)

    timer = threading.Timer(60 * minutes, plan.stopped.set)
    timer.start()
    with ThreadPoolExecutor(learners) as pool:
        try:
            list(pool.map(arrive, range(learners)))
            if plan.stopped.is_set():
                print(f"The {minutes:g} minutes were over before everybody was done.", file=sys.stderr)
        finally:
            plan.stopped.set()
            timer.cancel()


def main() -> int:
    """Run the load test; return 1 if anything went wrong."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--learners", type=int, default=4, help=f"how many, at most {MOST_LEARNERS} (4)")
    options.add_argument("--lessons", nargs="+", default=["01", "02"], metavar="NN", help="in this order (01 02)")
    options.add_argument("--think", type=float, default=1.0, help="mean seconds before an answer (1)")
    options.add_argument("--minutes", type=float, default=10.0, help="after which everybody stops (10)")
    options.add_argument("--proxy", default="configurable-http-proxy", help="the program configurable-http-proxy")
    arguments = options.parse_args()
    if not 1 <= arguments.learners <= MOST_LEARNERS:
        options.error(f"--learners must be between 1 and {MOST_LEARNERS}, got {arguments.learners}")
    if not shutil.which(arguments.proxy):
        options.error(f"there is no program {arguments.proxy}: install it with npm, and name it with --proxy")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    log = Log()
    with running_hub(shutil.which(arguments.proxy) or "") as hub:
        plan = Plan(tuple(arguments.lessons), arguments.think, threading.Event())
        run(hub, arguments.learners, arguments.minutes, plan, log)
        if log.errors:
            print(hub.log_end(), file=sys.stderr)
    print(table(log))
    for kind, what in log.errors:
        print(f"{kind}: {what}", file=sys.stderr)
    return int(bool(log.errors))


if __name__ == "__main__":
    raise SystemExit(main())
