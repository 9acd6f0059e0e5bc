"""The hub of a load test: JupyterHub and its proxy in a temporary folder, on loopback; afterwards all is gone."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cgroups
from cgroups import Tree
from learner_limits import Limits

HERE = Path(__file__).resolve().parent
START_SECONDS = 60


class Hub(NamedTuple):
    """A running hub."""

    url: str
    password: str
    folder: Path
    tree: Tree | None
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> Path:
        """Return the file of what hub, proxy and servers say."""
        return self.folder / "hub.log"

    def small_disk(self, name: str, megabytes: int) -> bool:
        """Make a learner's home a disk of its own, before he comes; False where that is not permitted."""
        home = self.folder / "homes" / name
        home.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(home)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def lessons(self, name: str) -> Path:
        """Return the folder of a learner's lessons."""
        return self.folder / "homes" / name / "bptt-lessons"


@contextlib.contextmanager
def running(proxy: Path, limits: Limits, *, groups: bool = True) -> Iterator[Hub]:
    """Start a hub; at the end, or when interrupted, end it with every server and kernel.

    Parameters
    ----------
    proxy : Path
        The program configurable-http-proxy.
    limits : Limits
        Of each learner.
    groups : bool
        Keep the limits by control groups, where these can be had.
    """
    folder = Path(tempfile.mkdtemp(prefix="bptt-load-"))
    tree = cgroups.find(folder.name) if groups else None
    process = None
    try:
        port, hub_port, proxy_port = free_ports(3)
        password = secrets.token_urlsafe(16)
        settings = {
            "url": f"http://127.0.0.1:{port}",
            "hub_port": hub_port,
            "proxy_port": proxy_port,
            "folder": str(folder),
            "password": password,
            "proxy": [str(proxy)],
            "limits": limits,
            "tree": tree and {"version": tree.version, "folders": {n: str(f) for n, f in tree.folders.items()}},
        }
        file = folder / "settings.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        file.chmod(0o600)
        if tree:
            tree.group("hub").make(None)
        process = start(folder, file, tree)
        hub = Hub(settings["url"], password, folder, tree, process)  # type: ignore[arg-type]
        wait_until_healthy(hub)
        yield hub
    finally:
        end(process, tree)
        for home in (folder / "homes").glob("*"):
            if home.is_mount():
                subprocess.run(["umount", "--lazy", str(home)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: Path, settings: Path, tree: Tree | None) -> subprocess.Popen[bytes]:
    """Start the hub's process, in a group of its own without limits: next to the learners', as a service would be."""
    unwanted = ("PYTHON", "JUPYTER", "JPY_", "IPYTHON", "MPL", "BPTT_", "http_proxy", "HTTP_PROXY", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment |= {"BPTT_LOAD_SETTINGS": str(settings), "BPTT_LOAD_FOLDER": str(HERE), "HOME": str(folder / "hub")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    (folder / "hub").mkdir()
    files = tree.group("hub").files() if tree else []

    def enter() -> None:
        for file in files:
            with open(file, "w") as group:
                group.write(str(os.getpid()))

    with (folder / "hub.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=enter,
        )  # fmt: skip


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def wait_until_healthy(hub: Hub) -> None:
    """Return once the hub answers through its proxy.

    Raises
    ------
    RuntimeError
        With the end of its log, if it has ended or takes too long.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while True:
        if hub.process.poll() is not None or time.monotonic() > deadline:
            said = hub.log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise RuntimeError(f"the hub did not start:\n{said}")
        with contextlib.suppress(OSError):
            opener.open(f"{hub.url}/hub/health", timeout=2).read()
            return
        time.sleep(0.2)


def end(process: subprocess.Popen[bytes] | None, tree: Tree | None) -> None:
    """End the hub, which ends its servers and its proxy; then whatever is left in our groups."""
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if tree:
        tree.remove()
