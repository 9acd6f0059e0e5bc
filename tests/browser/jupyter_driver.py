"""A JupyterLab for tests, and the few things that a learner does in it.

The server listens on a free loopback port with a random token.  Every folder that Jupyter,
IPython or Matplotlib writes to is temporary, so nothing of the machine's own settings leaks
in or out.  Playwright drives Chromium.  All waiting is for a state (kernel idle, cell run,
element changed), never for a time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",  # containers forbid the sandbox; the browser sees only our own server
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
START_SECONDS = 90
RUN_SECONDS = 300

# JupyterLab that stops, with its kernels, when the process that started it dies: its standard input ends then.
WATCHED = """
import os, runpy, signal, sys, threading

def watch():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=watch, daemon=True).start()
sys.argv[0] = "jupyter-lab"
runpy.run_module("jupyterlab", run_name="__main__")
"""

# The notebook in front and its kernel, as JavaScript expressions.
NOTEBOOK = "window.jupyterapp.shell.currentWidget"
KERNEL = f"{NOTEBOOK}?.sessionContext?.session?.kernel"


class Server(NamedTuple):
    """A running JupyterLab."""

    url: str
    token: str
    root: Path  # the folder it serves
    log: Path


@contextlib.contextmanager
def jupyter_lab(root: Path, scratch: Path, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Serve the folder `root`; keep all of Jupyter's own files under `scratch`."""
    folders = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
    }
    paths = {name: scratch / folder for name, folder in folders.items()}
    for path in paths.values():
        path.mkdir(parents=True, exist_ok=True)
    no_news = (
        paths["JUPYTERLAB_SETTINGS_DIR"] / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    )
    no_news.parent.mkdir(parents=True)
    no_news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    token = secrets.token_hex(16)
    port = free_port()
    command = [
        *(sys.executable, "-c", WATCHED, "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}", "--ServerApp.terminals_enabled=False"),
        *("--expose-app-in-browser", "--LabApp.news_url=", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    variables = os.environ | {name: str(path) for name, path in paths.items()} | {"JUPYTER_TOKEN": token, "TZ": "UTC"}
    variables.pop("MPLBACKEND", None)
    log = scratch / "jupyter.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=variables | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        server = Server(f"http://127.0.0.1:{port}", token, root, log)
        try:
            wait_until_served(server, process)
            yield server
        finally:
            stop(process)


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Return once the server answers; raise with its log if it ends or is too slow."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"JupyterLab did not start:\n{server.log.read_text()[-4000:]}")
        with contextlib.suppress(OSError):
            opener.open(f"{server.url}/api/status?token={server.token}", timeout=2).read()
            return
        time.sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and its kernels."""
    if process.stdin:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM) if hasattr(os, "killpg") else process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait(15)


def open_notebook(page: Any, server: Server, path: str) -> None:
    """Open a notebook alone in a fresh workspace and wait until its kernel is idle."""
    address = f"{server.url}/lab/tree/{path}?token={server.token}&reset"
    page.goto(address, wait_until="domcontentloaded", timeout=START_SECONDS * 1000)
    wait_for(page, f"() => window.jupyterapp && {NOTEBOOK}?.context?.isReady && {KERNEL}?.status === 'idle'")


def wait_for(page: Any, function: str, argument: Any = None, seconds: float = START_SECONDS) -> None:
    """Wait until a JavaScript function returns something true."""
    page.wait_for_function(function, arg=argument, timeout=seconds * 1000)


def command(page: Any, name: str, **arguments: Any) -> None:
    """Run one of JupyterLab's commands, as its menus do."""
    page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments])


def run_all(page: Any) -> None:
    """Run all cells and wait for the last of them."""
    page.evaluate(
        f"() => {{ for (const c of {NOTEBOOK}.content.model.cells) if (c.type === 'code') c.executionCount = null }}"
    )
    command(page, "notebook:run-all-cells")
    wait_for(
        page,
        f"""() => {KERNEL}?.status === 'idle' && [...{NOTEBOOK}.content.model.cells]
            .filter(cell => cell.type === 'code' && cell.sharedModel.getSource().trim())
            .every(cell => cell.executionCount != null)""",
        seconds=RUN_SECONDS,
    )


def run_cell(page: Any, index: int) -> None:
    """Run one cell and wait for it."""
    before = page.evaluate(f"i => {NOTEBOOK}.content.model.cells.get(i).executionCount", index)
    page.evaluate(
        f"i => {{ const nb = {NOTEBOOK}.content; nb.deselectAll(); nb.activeCellIndex = i; nb.mode = 'command' }}",
        index,
    )
    command(page, "notebook:run-cell")
    wait_for(
        page,
        f"""([i, before]) => {{ const n = {NOTEBOOK}.content.model.cells.get(i).executionCount;
            return {KERNEL}?.status === 'idle' && n != null && n !== before }}""",
        [index, before],
        RUN_SECONDS,
    )


def cells(page: Any) -> list[dict[str, Any]]:
    """Return the notebook's cells as the browser has them: nbformat dictionaries."""
    return list(page.evaluate(f"() => [...{NOTEBOOK}.content.model.cells].map(cell => cell.toJSON())"))


def outputs(page: Any, index: int) -> str:
    """Return one cell's outputs as text."""
    parts = []
    for output in cells(page)[index]["outputs"]:
        data = output.get("data", {})
        parts += [
            output.get("text", ""),
            data.get("text/plain", ""),
            data.get("text/html", ""),
            output.get("evalue", ""),
        ]
    return "\n".join("".join(part) for part in parts)


def errors(page: Any) -> list[str]:
    """Return the errors in the outputs, except in cells that are tagged to raise."""
    found = []
    for number, cell in enumerate(cells(page)):
        if cell["cell_type"] == "code" and "raises-exception" not in cell["metadata"].get("tags", []):
            wrong = [output for output in cell["outputs"] if output["output_type"] == "error"]
            found += [f"cell {number}: {output['ename']}: {output['evalue']}" for output in wrong]
    return found


def find_cell(page: Any, text: str) -> int:
    """Return the index of the first code cell that holds `text`."""
    for number, cell in enumerate(cells(page)):
        if cell["cell_type"] == "code" and text in "".join(cell["source"]):
            return number
    raise LookupError(f"no code cell holds {text!r}")


def type_into_cell(page: Any, index: int, source: str) -> None:
    """Replace a cell's text through its editor: select everything, then paste as the keyboard would."""
    page.evaluate(
        f"""i => {{ const nb = {NOTEBOOK}.content; nb.deselectAll(); nb.activeCellIndex = i;
            return nb.scrollToItem(i) }}""",
        index,
    )
    editor = page.locator(f".jp-Notebook [data-windowed-list-index='{index}'] .cm-content")
    editor.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)
    wait_for(page, f"([i, s]) => {NOTEBOOK}.content.model.cells.get(i).sharedModel.getSource() === s", [index, source])


def show_cell(page: Any, index: int) -> Any:
    """Scroll to a cell and return a locator of it."""
    page.evaluate(f"i => {{ const nb = {NOTEBOOK}.content; nb.activeCellIndex = i; return nb.scrollToItem(i) }}", index)
    return page.locator(f".jp-Notebook [data-windowed-list-index='{index}']")


def restart_kernel(page: Any) -> None:
    """Restart the kernel, which clears its memory, and wait until it is idle again."""
    page.evaluate(f"() => {NOTEBOOK}.sessionContext.session.kernel.restart()")
    wait_for(page, f"() => {KERNEL}?.status === 'idle'")


def save(page: Any) -> None:
    """Save the notebook and wait until it is on disk."""
    command(page, "docmanager:save")
    wait_for(page, f"() => !{NOTEBOOK}.context.model.dirty")


def set_theme(page: Any, dark: bool) -> None:
    """Switch to one of JupyterLab's own themes."""
    command(page, "apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light")
    wait_for(page, "light => document.body.dataset.jpThemeLight === light", "false" if dark else "true")
