"""Execute lessons and write them back with their outputs, without traces of this machine.

python tests/lessons/rewrite.py              all lessons
python tests/lessons/rewrite.py 02           those whose names start with 02
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from lesson_files import GIVE_UP, NOTEBOOKS, read
from nbclient import NotebookClient


def rewrite(path: Path) -> float:
    """Execute one notebook in place; return the seconds it took."""
    notebook = read(path)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(BPTT_LESSONS_HOME=home, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
        os.environ.pop("MPLBACKEND", None)
        NotebookClient(
            notebook, timeout=GIVE_UP, kernel_name="python3", record_timing=False, store_widget_state=False,
            resources={"metadata": {"path": home}},
        ).execute()  # fmt: skip
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in ("tags", "slideshow")}
    nbformat.write(notebook, path)
    return time.perf_counter() - start


if __name__ == "__main__":
    for path in NOTEBOOKS:
        if path.name.startswith(tuple(sys.argv[1:]) or ""):
            print(f"{path.name}: {rewrite(path):.0f} s", flush=True)
