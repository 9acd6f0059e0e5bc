"""The notebooks as data, and runs of them with answers filled in."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from bptt_lessons.course import EXERCISES

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
STEMS = [path.stem for path in NOTEBOOKS]
GIVE_UP = 600  # seconds for one cell: ends an endless wait; it judges no speed
CHECK = re.compile(r"^(\w+) = check\(\"([\w.]+)\"\)$")


def read(path: Path) -> Any:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    """Return the code cells that are not empty."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def exercises_in(notebook: Any) -> list[tuple[str, Any, Any]]:
    """Return (exercise, stub cell, check cell) for every check in a notebook."""
    cells = notebook.cells
    return [
        (match.group(2), cells[i - 1], cell)
        for i, cell in enumerate(cells)
        if cell.cell_type == "code" and (match := CHECK.match(cell.source))
    ]


def solved(name: str) -> str:
    """Return the source of the package's function, under the learner's name."""
    exercise = EXERCISES[name]
    return inspect.getsource(exercise.solution).replace(
        f"def {exercise.solution.__name__}(", f"def {exercise.learner_name}(", 1
    )


def mistaken(name: str) -> str:
    """Return a wrong answer: the first misconception in the catalogue."""
    exercise = EXERCISES[name]
    mistake = next(iter(exercise.misconceptions))
    return (
        "from bptt_lessons.course import EXERCISES\n\n"
        f"{exercise.learner_name} = EXERCISES[{name!r}].misconceptions[{mistake!r}].function"
    )


def unparsable(name: str) -> str:
    """Return the stub with a syntax error."""
    return EXERCISES[name].stub.replace("):", ")", 1)


def plain_tuples(name: str, single: bool = False) -> str:
    """Return a right answer that gives plain tuples, if asked in single precision."""
    exercise = EXERCISES[name]
    wanted = "np.asarray(value).dtype.kind == 'f'" if single else "False"
    return (
        "def plain(value):\n"
        "    if isinstance(value, (tuple, list)):\n"
        "        return tuple(plain(item) for item in value)\n"
        f"    return np.float32(value) if {wanted} else value\n\n\n"
        f"def {exercise.learner_name}(*arguments, **named):\n"
        "    from bptt_lessons.course import EXERCISES\n\n"
        f"    return plain(EXERCISES[{name!r}].solution(*arguments, **named))"
    )


def run(path: Path, answers: dict[str, str], folder: Path) -> tuple[dict[str, str], str]:
    """Run a notebook with some stub cells replaced, as Run All does; return each check's text, and all other text.

    An error in any cell not tagged ``raises-exception`` raises CellExecutionError.
    """
    notebook = read(path)
    for name, stub, _ in exercises_in(notebook):
        stub.source = answers.get(name, stub.source)
    NotebookClient(
        notebook, timeout=GIVE_UP, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    checks = {name: check for name, _, check in exercises_in(notebook)}
    rest = [cell for cell in code_cells(notebook) if not CHECK.match(cell.source)]
    return {name: shown(check) for name, check in checks.items()}, "\n".join(map(shown, rest))


def shown(cell: Any) -> str:
    """Return a cell's outputs as plain text."""
    return "\n".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)
