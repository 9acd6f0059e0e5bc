"""This package against answers that PyTorch and JAX gave once (``golden/``, by ``write_golden.py``): neither is needed.

In float64 every array's relative error is at most 1e-12: the libraries that gave the answers agree among themselves
to 1e-13.  In float32 it is at most what is stored beside the answers.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import agreement
import by_package
import numpy as np
import pytest
from questions import CELLS, Question

HERE = Path(__file__).parent
FLOAT64 = 1e-12
FILES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "golden").glob("*.json"))}
STORED = [stored for content in FILES.values() for stored in content["questions"]]


def to_arrays(arrays: dict[str, Any], dtype: str) -> dict[str, Any]:
    """Arrays from a file: classes and masks as they are, real numbers in the given precision."""
    read = {name: np.array(values) for name, values in arrays.items()}
    return {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in read.items()}


def to_question(stored: dict[str, Any]) -> Question:
    """The question of an entry."""
    inputs = to_arrays(stored["inputs"], stored["dtype"])
    return Question(stored["of"], inputs, stored["settings"], 0.0, stored["drawn"])


def short_name(stored: dict[str, Any]) -> str:
    """How it was drawn, as the name of a test."""
    return re.sub(r"draw_|'|\w+=(?=\w)| ", "", stored["drawn"])


@pytest.mark.parametrize("stored", STORED, ids=short_name)
def test_this_package_gives_the_stored_answer(stored):
    compare(stored, by_package.answer(to_question(stored)))


@pytest.mark.parametrize(
    "stored", [s for s in STORED if s["of"][:3] == "rnn" or s["of"] in ("lstm", "gru")], ids=short_name
)
def test_single_steps_give_it_too(stored):
    """Of the cells that have another, faster way through a whole sequence."""
    question = to_question(stored)
    compare(stored, by_package.answer(question, using=by_package.in_steps(question)), in_steps=True)


def compare(stored: dict[str, Any], ours: dict[str, Any], in_steps: bool = False) -> None:
    """Raise AssertionError if an answer is not the stored one."""
    question, theirs = to_question(stored), to_arrays(stored["answers"], "float64")
    bounds = stored["allowed"] if "allowed" in stored else agreement.float64_bounds(ours, theirs, FLOAT64)
    agreement.part_of_bounds(
        question, ours, theirs, bounds, stored["by"], partial(by_package.in_python, in_steps=in_steps)
    )


def test_nothing_that_should_be_stored_is_missing():
    asked = [stored["of"] for stored in STORED]
    assert set(asked) == {*CELLS, "mse", "softmax_cross_entropy", "readout", "sgd", "adam", "clip"}
    for cell in CELLS:
        entries = [stored for stored in STORED if stored["of"] == cell]
        questions = [to_question(stored) for stored in entries]
        for states in (False, True):
            with_or_without = [q.inputs for q in questions if ("state0.h" in q.inputs) == states and q.dtype == "f8"]
            T, N, _ = zip(*(i["x"].shape for i in with_or_without), strict=True)
            H = [i["dh"].shape[2] for i in with_or_without]
            assert min(T) == min(N) == min(H) == 1
            assert max(T) >= 30
            assert any(t > 1 and n > 1 and h > 1 for t, n, h in zip(T, N, H, strict=True))
        assert {stored["dtype"] for stored in entries} == {"float32", "float64"}
        outputs = {"h", "dx"} | {f"{s}.{part}" for s in ("state_T", "dstate_0") for part in CELLS[cell].state}
        for stored in entries:
            params = {f"grads.{name[7:]}" for name in stored["inputs"] if name.startswith("params.")}
            assert set(stored["answers"]) == outputs | params
    for of in set(asked) - set(CELLS):
        assert {stored["dtype"] for stored in STORED if stored["of"] == of} == {"float32", "float64"}
    assert {"mask" in s["inputs"] for s in STORED if s["of"] in ("mse", "softmax_cross_entropy")} == {True, False}
    for stored in STORED:  # a bound that allows everything would be none
        for name, bound in stored.get("allowed", {}).items():
            assert bound <= 1e-4 * max(np.max(np.abs(stored["answers"][name])), 1e-3), (stored["drawn"], name)


def test_who_answered_is_said_and_that_they_agree():
    for content in FILES.values():
        assert set(content["versions"]) == {"NumPy", "PyTorch", "JAX"}
        for stored in content["questions"]:
            both = stored["of"] not in CELLS or stored["of"] in ("rnn_tanh", "rnn_relu", "lstm", "gru")
            assert stored["by"] == ("PyTorch" if both else "JAX")
            assert stored["apart"] <= 1e-13 if both else stored["apart"] is None


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in (HERE / "golden").iterdir()) <= 500_000


@pytest.mark.parametrize("module", ["write_golden", "questions", "agreement", "by_pytorch", "by_jax"])
def test_nothing_of_this_package_has_a_part_in_them(module):
    imported = set()
    for node in ast.walk(ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
    allowed = {"numpy", "torch", "jax", "questions", "agreement", "by_pytorch", "by_jax"}
    standard = {"__future__", "collections", "contextlib", "functools", "json", "math", "pathlib", "typing"}
    assert imported <= allowed | standard


@pytest.mark.parametrize("file", FILES)
def test_the_script_gives_the_same_again(file):
    for library in ("torch", "jax"):
        pytest.importorskip(library, reason=f"{library} is not installed, so the golden vectors cannot be made again")
    write_golden = importlib.import_module("write_golden")
    assert set(write_golden.all_questions()) == set(FILES)
    questions = write_golden.all_questions()[file]
    assert len(questions) == len(FILES[file]["questions"])
    for question, stored in zip(questions, FILES[file]["questions"], strict=True):
        again = write_golden.answered(question)
        for entry in ("of", "drawn", "dtype", "settings", "by", "inputs"):
            assert again[entry] == stored[entry]
        then, now = (to_arrays(entry["answers"], "float64") for entry in (stored, again))
        assert max(agreement.relative_error(now[name], then[name]) for name in then) <= 1e-13
        for name, bound in stored.get("allowed", {}).items():
            assert again["allowed"][name] == pytest.approx(bound, rel=0.05)
