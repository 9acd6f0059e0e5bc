"""Do the tests notice when the mathematics goes wrong?  A sample of small changes, one at a time, and what they do.

    python tests/mutants/mathematics.py --seed 0 --number 60
    python tests/mutants/mathematics.py --number 20 --jobs 2 --tests tests/cells tests/gradients/test_flow.py

Each mutant is one change, by the rules of mutation.py, in one function of bptt_lessons/cells, gradients or training;
argument checks, error messages and docstrings are left alone.  It is made in a copy of the tree, in which pytest then
runs with -x.  A mutant is killed if a test fails or if the tests take more than three times as long as without it.

The tree is the one from which `bptt_lessons` is imported, so PYTHONPATH chooses it.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from mutation import Plain, Scope, changes, compiles, nodes, told, with_change

import bptt_lessons
from bptt_lessons.course import EXERCISES
from bptt_lessons.course.sandbox import copied

TREE = Path(bptt_lessons.__file__).resolve().parents[1]
FOLDERS = ("cells", "gradients", "training")
TESTS = ("tests/cells", "tests/gradients", "tests/training", "tests/oracles", "tests/course")
NOT_MATHEMATICS = re.compile(r"\bcheck|\braise\b")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.pyc")


class Edit(NamedTuple):
    """One change of one file."""

    file: str  # from the root of the tree
    line: int
    kind: str
    change: str  # "`old` -> `new`"
    text: str  # of the whole file, changed


def main() -> None:
    """Draw mutants, run the tests on each, and list what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once (1)")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH", help="what pytest runs, in this order")
    parser.add_argument("--list", action="store_true", help="only show the mutants")
    options = parser.parse_args()
    found = list(edits())
    drawn = random.Random(options.seed).sample(found, min(options.number, len(found)))
    print(f"{len(drawn)} of {len(found)} mutants", flush=True)
    if options.list:
        print(*(f"{e.file}:{e.line}: {e.kind}: {e.change}" for e in drawn), sep="\n")
        return
    start = time.monotonic()
    if outcome(None, options.tests, limit=3600) != "survived":
        sys.exit("the tests fail without any change")
    limit = 3 * (time.monotonic() - start) + 60
    survived = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for edit, what in zip(drawn, pool.map(lambda e: outcome(e, options.tests, limit), drawn), strict=True):
            survived += what == "survived"
            print(f"{what:9} {edit.file}:{edit.line}: {edit.kind}: {edit.change}", flush=True)
    print(f"{len(drawn) - survived} of {len(drawn)} killed")


def outcome(edit: Edit | None, tests: Sequence[str], limit: float) -> str:
    """Run the tests in a copy of the tree, with one change or none: "killed", "timeout" or "survived"."""
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(TREE, tree, ignore=NOT_COPIED)
        if edit is not None:
            (tree / edit.file).write_text(edit.text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "PYTHONPATH": str(tree), "TMPDIR": folder}
        process = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            return "killed" if process.wait(limit) else "survived"
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            if os.name == "posix":  # what the tests have started ends too
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.kill()
            process.wait()


def edits() -> Iterator[Edit]:
    """Yield every mutant of every function once, file by file."""
    seen_values = values_of_names()
    for path in sorted(p for folder in FOLDERS for p in (TREE / "bptt_lessons" / folder).glob("*.py")):
        name = path.relative_to(TREE).as_posix()
        source = path.read_text(encoding="utf-8")
        module = importlib.import_module(name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
        for function in functions(ast.parse(source)):
            scope = Scope(seen_values.get((str(path), function.name), {}), first_lines(function), vars(module))
            yield from edits_of(function, scope, name, source.splitlines())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the functions and methods of a module that do more than check arguments, without their docstrings."""
    for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in owner.body:
            if isinstance(node, ast.FunctionDef) and not NOT_MATHEMATICS.match(node.name.lstrip("_")):
                body = node.body[ast.get_docstring(node) is not None :]
                if any(not isinstance(s, ast.Expr) or not isinstance(s.value, ast.Constant) for s in body):
                    node.body = body
                    yield node


def first_lines(function: ast.FunctionDef) -> dict[str, int]:
    """Return the line in which each name of a function is bound first; parameters have line 0."""
    lines: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    parameters = function.args
    return lines | {a.arg: 0 for a in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)}


def edits_of(function: ast.FunctionDef, scope: Scope, file: str, lines: list[str]) -> Iterator[Edit]:
    """Yield the mutants of one function: what stands above its body, and what follows it, is left as it is."""
    first, last, indent = function.body[0].lineno, function.end_lineno or 0, " " * function.body[0].col_offset
    tree = Plain().visit(copy.deepcopy(function))
    tree.decorator_list = []
    before = ast.unparse(tree)
    seen = {before}
    for place, node, above in nodes(tree):
        if not place or place[0][0] != "body" or any(only_raises(n) for n in (node, *above)):
            continue
        line = next(n.lineno for n in (node, *reversed(above)) if hasattr(n, "lineno"))
        for kind, change in changes(node, above, scope):
            after = with_change(tree, place, change)
            edit = told(before.splitlines(), after.splitlines()).partition(": ")[2]
            if after in seen or not compiles(after) or NOT_MATHEMATICS.search(edit):
                continue
            seen.add(after)
            body = "\n".join(map(ast.unparse, ast.parse(after).body[0].body))  # type: ignore[attr-defined]
            text = [*lines[: first - 1], textwrap.indent(body, indent), *lines[last:], ""]
            yield Edit(file, line, kind, edit, "\n".join(text))


def only_raises(node: Any) -> bool:
    """Whether a node is an `if` that does nothing but raise."""
    return isinstance(node, ast.If) and not node.orelse and all(isinstance(s, ast.Raise) for s in node.body)


def values_of_names() -> dict[tuple[str, str], dict[str, Any]]:
    """Run every exercise's solution on a case, and return the local names of all functions that ran, by file and name.

    The rules ask for them to know which names may be taken for one another.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def look(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code.co_filename.startswith(str(TREE)):
            found.setdefault((frame.f_code.co_filename, frame.f_code.co_name), dict(frame.f_locals))

    for exercise in EXERCISES.values():
        arguments = list(map(copied, exercise.make_cases()[1].arguments.values()))
        sys.setprofile(look)
        try:
            exercise.solution(*arguments)
        finally:
            sys.setprofile(None)
    return found


if __name__ == "__main__":
    main()
