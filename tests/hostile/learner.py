"""A learner at a notebook: a kernel in their folder, cells run in it, and what is shown."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from bptt_lessons.course.kernels import ThisPython

RIGHT = "my_activations_sigmoid = EXERCISES['activations.sigmoid'].solution\nf = check('activations.sigmoid')"
WRONG = "my_activations_sigmoid = lambda z: z\nf = check('activations.sigmoid')"


@contextmanager
def notebook(folder: Path, scratch: Path) -> Iterator[Callable[[str], str]]:
    """Start a kernel in a folder; give a function that runs a cell and returns what it shows.

    A traceback is an AssertionError: no learner is to meet one.
    """
    manager = KernelManager(kernel_spec_manager=ThisPython())
    kept = {name: value for name, value in os.environ.items() if name != "BPTT_LESSONS_HOME"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager.start_kernel(cwd=str(folder), env=kept | {"IPYTHONDIR": str(scratch / "ipython")}, **quiet)
    client = manager.client()

    def run(cell: str) -> str:
        shown: list[str] = []

        def collect(message: Any) -> None:
            content = message["content"]
            assert message["msg_type"] != "error", "\n".join(content["traceback"])
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

        client.execute_interactive(cell, timeout=60, output_hook=collect)
        return "".join(shown)

    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        run(
            "from bptt_lessons.course import EXERCISES, check\nfrom bptt_lessons.course.progress import progress_report"
        )
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
