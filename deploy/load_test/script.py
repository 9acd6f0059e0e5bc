"""What a learner does in a lesson: a list of actions, made from the lesson's real cells and a seed.

Right answers are the package's functions, wrong ones the mistakes of the catalogue, both as source under the
learner's own name, as somebody would have typed them.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import json
import random
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bptt_lessons.course import EXERCISES

LESSONS = (
    "01_unrolling_a_recurrent_network",
    "02_backpropagation_through_time",
    "03_gradient_flow",
    "04_memory_and_checkpointing",
    "05_truncated_bptt",
    "06_the_lstm",
)
CHECK = re.compile(r"^(\w+) = check\(\"([\w.]+)\"\)$")
WIDGET = re.compile(r"\bwidgets\.(\w+)\(")
# The field of each figure that is moved: one whose every value gives another picture.
FIELDS = {
    "unroller": "step t",
    "bptt_player": "position",
    "loss_surface": "w_xh",
    "gradient_flow": "spectral radius",
    "checkpoint_schedule": "slots",
    "truncation_matrix": "k (sliding: k2)",
    "gate_explorer": "b_f (forget gate)",
}


class Run(NamedTuple):
    """Run a cell as it stands in the learner's notebook."""

    cell: int


class Answer(NamedTuple):
    """Write a function into its stub cell, run it, run the check, and read what the check says."""

    exercise: str
    stub: int  # number of the cell
    check: int
    source: str
    misconception: str | None  # None: it is right
    sentence: str  # that the report has to hold


class Hint(NamedTuple):
    """Ask for the next hint, in a cell that is not kept."""

    exercise: str


class Move(NamedTuple):
    """Move one field of an interactive figure by one step."""

    cell: int
    field: str


class Save(NamedTuple):
    """Save the notebook."""


class Think(NamedTuple):
    """Do nothing for a while."""

    seconds: float


Action = Run | Answer | Hint | Move | Save | Think


class Pace(NamedTuple):
    """How fast and in what manner a learner works; every chance is a number from 0 to 1."""

    think: float = 2.0  # mean seconds before a step that takes thought
    wrong: float = 0.6  # chance of a wrong answer first, and again of a second one
    hint: float = 0.4  # chance of asking for a hint after a wrong answer
    given_up: float = 0.1  # chance of leaving an exercise without a right answer
    moves: int = 6  # of each interactive figure
    between_moves: float = 0.3  # seconds


def read(path: Path) -> dict[str, Any]:
    """Read a notebook."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def source(cell: dict[str, Any]) -> str:
    """Return a cell's source as one text."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def code_cells(notebook: dict[str, Any]) -> list[int]:
    """Return the numbers of the code cells that hold anything."""
    return [n for n, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code" and source(cell).strip()]


def may_raise(cell: dict[str, Any]) -> bool:
    """Say whether an error in this cell does not stop Run All."""
    return "raises-exception" in cell["metadata"].get("tags", [])


def checked(cell: dict[str, Any]) -> str | None:
    """Return the exercise that a cell checks, if it does."""
    found = CHECK.match(source(cell).strip()) if cell["cell_type"] == "code" else None
    return found[2] if found else None


def field_of(cell: dict[str, Any]) -> str | None:
    """Return the field to move in the figure that a cell shows, if it shows one."""
    found = WIDGET.findall(source(cell).strip().splitlines()[-1]) if source(cell).strip() else []
    return FIELDS.get(found[0]) if found and cell["cell_type"] == "code" else None


def renamed(function: Callable[..., Any], name: str) -> str:
    """Return a function's source under another name, without decorators and remarks for other tools."""
    text = textwrap.dedent(inspect.getsource(function))
    text = text[text.index("def ") :].replace(f"def {function.__name__}(", f"def {name}(", 1)
    return re.sub(r"  # (type: ignore|noqa|fmt:).*", "", text)


def right(exercise: str) -> str:
    """Return the source of a right answer."""
    return renamed(EXERCISES[exercise].solution, EXERCISES[exercise].learner_name)


def wrong(exercise: str, misconception: str, names: frozenset[str]) -> str:
    """Return the source of a wrong answer, without the sentence that explains it."""
    name, found = EXERCISES[exercise].learner_name, EXERCISES[exercise].misconceptions[misconception].function
    if not can_be_typed(found, names):
        mistake = f"EXERCISES[{exercise!r}].misconceptions[{misconception!r}].function"
        return f"from bptt_lessons.course import EXERCISES\n\n{name} = {mistake}"
    function = ast.parse(renamed(found, name)).body[0]
    assert isinstance(function, ast.FunctionDef)
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    return ast.unparse(function)


def can_be_typed(function: Callable[..., Any], names: frozenset[str]) -> bool:
    """Say whether a mistake uses no name that a lesson does not have: some are made by functions of the catalogue."""
    return free_names(function) <= names


def free_names(function: Callable[..., Any]) -> set[str]:
    """Return the global names that a function uses, whether they exist or not, and what it keeps from outside."""
    pending, found = [function.__code__], set(function.__code__.co_freevars)
    while pending:
        code = pending.pop()
        pending += [constant for constant in code.co_consts if inspect.iscode(constant)]
        found |= {str(i.argval) for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return {name for name in found if not hasattr(builtins, name)}


def imported(notebook: dict[str, Any]) -> frozenset[str]:
    """Return the names that the lesson's imports cell provides."""
    tree = ast.parse(source(notebook["cells"][imports_cell(notebook)]))
    aliases = [
        alias for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    ]
    return frozenset((alias.asname or alias.name).split(".")[0] for alias in aliases)


def imports_cell(notebook: dict[str, Any]) -> int:
    """Return the number of the one cell that imports."""
    return next(n for n in code_cells(notebook) if re.search(r"^(from|import) ", source(notebook["cells"][n]), re.M))


def lesson(notebook: dict[str, Any], rng: random.Random, pace: Pace, *, whole: bool) -> Iterator[Action]:
    """Yield what a learner does in a lesson.

    Parameters
    ----------
    notebook : dict
    rng : random.Random
    pace : Pace
    whole : bool
        Run All first; else only the imports and what comes up at exercises and figures.
    """
    cells = notebook["cells"]
    yield Think(think(rng, pace))
    if whole:
        yield from map(Run, code_cells(notebook))
        yield Save()
    else:
        yield Run(imports_cell(notebook))
    for number in code_cells(notebook):
        if exercise := checked(cells[number]):
            if not whole:
                yield from (Run(number - 1), Run(number))
            yield from attempts(exercise, number, imported(notebook), rng, pace)
            yield Save()
        elif field := field_of(cells[number]):
            if not whole:
                yield Run(number)
            for _ in range(pace.moves):
                yield Think(pace.between_moves * rng.uniform(0.5, 1.5))
                yield Move(number, field)


def attempts(exercise: str, check: int, names: frozenset[str], rng: random.Random, pace: Pace) -> Iterator[Action]:
    """Yield the answers to one exercise: none, one or two wrong ones, then mostly the right one."""
    choices = list(EXERCISES[exercise].misconceptions)
    rng.shuffle(choices)
    for name in choices[:2]:
        if rng.random() >= pace.wrong:
            break
        sentence = EXERCISES[exercise].misconceptions[name].sentence
        yield Think(think(rng, pace))
        yield Answer(exercise, check - 1, check, wrong(exercise, name, names), name, sentence)
        if rng.random() < pace.hint:
            yield Hint(exercise)
    if rng.random() >= pace.given_up:
        yield Think(think(rng, pace))
        yield Answer(exercise, check - 1, check, right(exercise), None, "The lesson goes on with your function.")


def think(rng: random.Random, pace: Pace) -> float:
    """Draw how long a learner thinks: mostly shortly, now and then long, never more than six times the mean."""
    return min(rng.expovariate(1 / pace.think), 6 * pace.think) if pace.think else 0.0
