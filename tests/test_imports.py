"""Imports run one way, module names are unique, and importing the package costs next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import bptt_lessons

ROOT = Path(bptt_lessons.__file__).parent
# What each part may import of the package, besides itself.
ALLOWED = {
    "arguments": {"nested"},
    "nested": set(),
    "cells": {"arguments", "nested"},
    "gradients": {"arguments", "nested", "cells"},
    "training": {"arguments", "nested", "cells", "gradients"},
    "tasks": {"arguments"},
    "experiments": {"", "arguments", "nested", "cells", "gradients", "training", "tasks"},
    "course": {"", "arguments", "nested", "cells", "gradients", "training", "tasks", "experiments"},
    "views": {"", "arguments", "nested", "cells", "gradients", "training", "tasks", "course", "experiments"},
    "workshop": {"", "arguments", "course", "views"},
    "__main__": {"course", "workshop"},
    "": set(),  # bptt_lessons/__init__.py
}
MATHEMATICS = {"", "arguments", "nested", "cells", "gradients", "training", "tasks", "experiments"}
PICTURES = {"matplotlib", "ipywidgets", "PIL", "contourpy"}
JUPYTER = {"IPython", "jupyter_server", "jupyterlab", "jupyter_client", "jupyter_core", "nbformat", "nbconvert"}
# Cannot be written without a class of Jupyter's; must itself be imported inside functions only.
LAZY_MODULES = {"bptt_lessons.course.kernels"}


class Import(NamedTuple):
    """One import statement's target, and whether a function must run before it happens."""

    module: str
    target: str
    lazy: bool
    line: int


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    names = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("bptt_lessons", *path.relative_to(ROOT).with_suffix("").parts)
        names[".".join(parts).removesuffix(".__init__")] = path
    return names


def imports_of(module: str, source: str, known: set[str]) -> Iterator[Import]:
    """Yield what the source of a module imports, submodules by their full names."""

    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        lazy = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, lazy, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(module, full if full in known else str(node.module), lazy, node.lineno)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, lazy)

    yield from visit(ast.parse(source), False)


def part_of(module: str) -> str:
    """The part of the package that a module lies in: "cells" for bptt_lessons.cells.rnn."""
    return module.split(".")[1] if "." in module else ""


def breaches(statement: Import) -> Iterator[str]:
    """Yield which rules an import breaks."""
    where = f"{statement.module}:{statement.line} imports {statement.target}"
    part, top = part_of(statement.module), statement.target.split(".")[0]
    if top == "bptt_lessons":
        if part_of(statement.target) not in ALLOWED[part] | {part}:
            yield f"{where}: against the direction"
        if statement.target in LAZY_MODULES and not statement.lazy:
            yield f"{where}: must be inside a function"
        return
    standard = top in sys.stdlib_module_names
    if top in PICTURES and part != "views":
        yield f"{where}: only views may"
    at_once = not statement.lazy and statement.module not in LAZY_MODULES
    if top in JUPYTER and part in {"course", "workshop"} and at_once:
        yield f"{where}: {part} may do so inside functions only"
    if part in MATHEMATICS and not standard and top != "numpy":
        yield f"{where}: the mathematics depends on NumPy alone"
    if not standard and top not in {"numpy"} | PICTURES | JUPYTER:
        yield f"{where}: not a dependency"


def all_breaches(module: str, source: str) -> list[str]:
    """Every breach in the source of a module."""
    return [breach for i in imports_of(module, source, set(modules())) for breach in breaches(i)]


@pytest.mark.parametrize("module", modules())
def test_imports_run_one_way(module):
    assert part_of(module) in ALLOWED
    assert all_breaches(module, modules()[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bptt_lessons.cells.rnn", "from bptt_lessons.training import losses"),
        ("bptt_lessons.cells.rnn", "import scipy"),
        ("bptt_lessons.cells.rnn", "def f():\n    import IPython"),
        ("bptt_lessons.gradients.gradcheck", "from bptt_lessons import training"),
        ("bptt_lessons.gradients.gradcheck", "import bptt_lessons.training.loop"),
        ("bptt_lessons.training.loop", "from bptt_lessons.tasks.text import read"),
        ("bptt_lessons.tasks.sunspots", "from bptt_lessons.cells import rnn"),
        ("bptt_lessons.course.checking", "def f():\n    import matplotlib.pyplot"),
        ("bptt_lessons.course.checking", "def f():\n    from bptt_lessons.views import plots"),
        ("bptt_lessons.course.checking", "from IPython.display import display"),
        ("bptt_lessons.course.doctor", "from bptt_lessons.course import kernels"),
        ("bptt_lessons.views.plots", "import pandas"),
        ("bptt_lessons", "from bptt_lessons.cells import rnn"),
    ],
)
def test_a_breach_would_be_seen(module, source):
    assert len(all_breaches(module, source)) >= 1


def test_module_names_are_unique():
    names = Counter(path.stem for path in modules().values() if path.stem not in ("__init__", "__main__"))
    assert [name for name, times in names.items() if times > 1] == []
    assert not {name for name in names if any(digit in name for digit in "0123456789")}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import bptt_lessons", ["numpy", "matplotlib", "ipywidgets", "IPython", "jupyterlab"]),
        ("import bptt_lessons.training.loop, bptt_lessons.gradients.path_sum", ["matplotlib", "ipywidgets", "IPython"]),
        ("import bptt_lessons.tasks.sunspots", ["matplotlib", "ipywidgets", "IPython", "bptt_lessons.cells"]),
        ("import bptt_lessons.course", ["matplotlib", "ipywidgets", "IPython", "jupyterlab", "bptt_lessons.views"]),
    ],
)
def test_what_an_import_loads(statement, absent):
    code = f"import sys\n{statement}\nprint([name for name in {absent!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
