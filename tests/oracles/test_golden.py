"""This package against stored answers of PyTorch and JAX (``golden/``, by ``write_golden.py``); neither is needed.

In float64 every array's relative error is at most 1e-12: the libraries that gave the answers agree among themselves
to 1e-13.  In float32 it is at most what is stored beside the answers.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
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
    question, theirs = to_question(stored), to_arrays(stored["answers"], "float64")
    ours = by_package.answer(question)
    bounds = stored["allowed"] if "allowed" in stored else agreement.float64_bounds(ours, theirs, FLOAT64)
    agreement.part_of_bounds(question, ours, theirs, bounds, stored["by"])


def test_nothing_that_should_be_stored_is_missing():
    asked = [stored["of"] for stored in STORED]
    assert set(asked) == {*CELLS, "mse", "softmax_cross_entropy", "readout", "sgd", "adam", "clip"}
    for of in asked:
        assert {stored["dtype"] for stored in STORED if stored["of"] == of} == {"float32", "float64"}
    for cell in CELLS:
        outputs = {"h", "dx"} | {f"{s}.{part}" for s in ("state_T", "dstate_0") for part in CELLS[cell].state}
        for stored in (stored for stored in STORED if stored["of"] == cell):
            params = {f"grads.{name[7:]}" for name in stored["inputs"] if name.startswith("params.")}
            assert set(stored["answers"]) == outputs | params
    for stored in STORED:  # a bound that allows everything would be none
        for name, bound in stored.get("allowed", {}).items():
            assert bound <= 1e-4 * max(np.max(np.abs(stored["answers"][name])), 1e-3), (stored["drawn"], name)


def test_who_answered_is_said_and_that_they_agree():
    for content in FILES.values():
        assert set(content["versions"]) == {"NumPy", "PyTorch", "JAX"}
        for stored in content["questions"]:
            alone = stored["of"] in ("rnn_sigmoid", "rnn_linear", "gru_reset_first", "lstm_coupled", "lstm_peephole")
            assert stored["by"] == ("JAX" if alone else "PyTorch")
            assert stored["apart"] is None or stored["apart"] <= 1e-13


@pytest.mark.parametrize("module", ["write_golden", "questions", "agreement", "by_pytorch", "by_jax"])
def test_this_package_has_no_part_in_them(module):
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
