"""Do the tests notice when the mathematics goes wrong?  Small changes, one at a time, and whether a test fails.

    python tests/mutants/mathematics.py --seed 0 --number 60
    python tests/mutants/mathematics.py --number 20 --jobs 2 --tests tests/cells tests/gradients/test_flow.py

A mutant is one change, by the rules of mutation.py, in one function of bptt_lessons/cells, gradients or training;
argument checks, error messages and docstrings stay as they are.  It is made in a copy of the tree, in which pytest
runs with -x.  It is killed if a test fails, or if the tests take three times as long as they take without it.
The tree is the one from which `bptt_lessons` is imported, so PYTHONPATH chooses it.
"""

import argparse
import ast
import contextlib
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mutation import Plain, compiles, first_lines, told, with_change

import bptt_lessons
from bptt_lessons.course import EXERCISES
from bptt_lessons.course.mistakes.rules import Scope, changes
from bptt_lessons.course.mistakes.slips import nodes
from bptt_lessons.course.sandbox import copied

TREE = Path(bptt_lessons.__file__).resolve().parents[1]
FOLDERS = ("cells", "gradients", "training")
TESTS = ["tests/cells", "tests/gradients", "tests/training", "tests/oracles", "tests/course"]
NOT_MATHEMATICS = re.compile(r"\bcheck|\braise\b")


class Edit(NamedTuple):
    """One change of one function: `source` is the changed function, without decorators and docstring."""

    file: str
    function: ast.FunctionDef
    line: int
    kind: str
    change: str
    source: str


def main():
    """Draw mutants, run the tests on each, and list what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once (1)")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH", help="what pytest runs, in this order")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    options = parser.parse_args()
    found = list(edits())
    random.Random(options.seed).shuffle(found)
    drawn = [edit for edit in found[: 2 * options.number] if compiles(edit.source)][: options.number]
    print(f"{len(drawn)} of {len(found)} mutants", flush=True)
    if options.list:
        print(*(f"{edit.file}:{edit.line}: {edit.kind}: {edit.change}" for edit in drawn), sep="\n")
        return
    start = time.monotonic()
    if outcome(None, options.tests, limit=3600) != "survived":
        sys.exit("the tests fail without any change")
    limit = 3 * (time.monotonic() - start) + 60
    survived = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda edit: outcome(edit, options.tests, limit), drawn)
        for edit, result in zip(drawn, results, strict=True):
            survived += result == "survived"
            print(f"{result:9}{edit.file}:{edit.line}: {edit.kind}: {edit.change}", flush=True)
    print(f"{len(drawn) - survived} killed, {survived} survived")


def outcome(edit, tests, limit):
    """Run the tests in a copy of the tree with one change, or none: "killed", "timeout" or "survived"."""
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(TREE, tree, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".venv"))
        if edit is not None:
            (tree / edit.file).write_text(changed_file(edit), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests],
            cwd=tree, env={**os.environ, "PYTHONPATH": str(tree), "TMPDIR": folder}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return "killed" if process.wait(limit) else "survived"
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            with contextlib.suppress(ProcessLookupError):  # what the tests have started ends too
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def changed_file(edit):
    """Return the text of a file in which the body of one function is changed."""
    lines = (TREE / edit.file).read_text(encoding="utf-8").splitlines()
    first = edit.function.body[0]
    body = "\n".join(map(ast.unparse, ast.parse(edit.source).body[0].body))
    body = textwrap.indent(body, " " * first.col_offset)
    return "\n".join([*lines[: first.lineno - 1], body, *lines[edit.function.end_lineno :], ""])


def edits():
    """Yield every mutant of every function once, file by file."""
    values = values_of_names()
    for path in sorted(path for folder in FOLDERS for path in (TREE / "bptt_lessons" / folder).glob("[!_]*.py")):
        file = path.relative_to(TREE).as_posix()
        names = vars(importlib.import_module(file.removesuffix(".py").replace("/", ".")))
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and not NOT_MATHEMATICS.match(function.name.lstrip("_")):
                function.body = function.body[ast.get_docstring(function) is not None :]
                scope = Scope(values.get((str(path), function.name), {}), first_lines(function), names)
                yield from edits_of(function, scope, file)


def edits_of(function, scope, file):
    """Yield the mutants of one function's body."""
    if not function.body or ast.unparse(function.body[0]) == "...":
        return
    tree = Plain().visit(copy.deepcopy(function))
    tree.decorator_list = []
    before = ast.unparse(tree)
    seen = {before}
    for place, node, above in nodes(tree):
        inside_another = any(isinstance(n, ast.FunctionDef) for n in above[1:])  # which has its own turn
        if not place or place[0][0] != "body" or inside_another or any(map(is_a_message, (node, *above))):
            continue
        line = next(n.lineno for n in (node, *reversed(above)) if hasattr(n, "lineno"))
        for kind, change in changes(node, above, scope):
            source = with_change(tree, place, change)
            edit = told(before.splitlines(), source.splitlines()).partition(": ")[2]
            if source not in seen and not NOT_MATHEMATICS.search(edit):
                seen.add(source)
                yield Edit(file, function, line, kind, edit, source)


def is_a_message(node):
    """Whether a node is a text, or an `if` that only raises."""
    if isinstance(node, ast.If):
        return all(isinstance(statement, ast.Raise) for statement in node.body)
    return isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str)


def values_of_names():
    """Run every exercise's solution; return the values of local names by file and function, for the rules."""
    found = {}

    def look(frame, event, _):
        if event == "return" and frame.f_code.co_filename.startswith(str(TREE)):
            found.setdefault((frame.f_code.co_filename, frame.f_code.co_name), dict(frame.f_locals))

    for exercise in EXERCISES.values():
        arguments = map(copied, exercise.make_cases()[1].arguments.values())
        sys.setprofile(look)
        try:
            exercise.solution(*arguments)
        finally:
            sys.setprofile(None)
    return found


if __name__ == "__main__":
    main()
