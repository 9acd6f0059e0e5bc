"""Nothing at all is no input: T = 0, N = 0, D = 0, H = 0 and K = 0 are refused by every function of the mathematics.

One property over the table of ``tests/test_bad_input.py``, which has a right call of every public function: make
every axis of one size empty, in one argument or in all of them at once, so that shapes that agree with one another
give no excuse.  The message names an argument and the empty shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import signature
from typing import Any

import numpy as np
import pytest
from test_bad_input import TABLE, D, H, K, N, Row, T, name_of

from bptt_lessons.cells import rnn
from bptt_lessons.gradients import tbptt

SIZES = {"T": (T, T + 1), "N": (N,), "D": (D,), "H": (H, 3 * H, 4 * H), "K": (K,)}
# Elementwise functions take arrays of any shape; trees of parameters and byte counts are no sequences, a series is
# of one axis only, for which the table itself has rows.
ANY_SHAPE = {"activations", "memory", "optim", "counting", "gradcheck", "init", "saving", "autoregression"}
ROWS = [
    row
    for row in TABLE
    if row.function.__module__.split(".")[1] in ("cells", "gradients", "training")
    and name_of(row.function).split(".")[0] not in ANY_SHAPE
    and {"x", "h", "dh", "y", "dy", "tape", "cache", "caches", "symbols", "target"} & set(row.right)
]


def emptied(value: Any, sizes: tuple[int, ...]) -> Any:
    """The same structure with every axis of these sizes empty; a list of caches has its steps for length."""
    if isinstance(value, np.ndarray):
        return np.zeros([0 if size in sizes else size for size in value.shape], value.dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(emptied(part, sizes) for part in value))
    if isinstance(value, list) and any(isinstance(part, tuple) for part in value):
        return [] if len(value) in sizes else [emptied(part, sizes) for part in value]
    return value


def arrays_in(value: Any) -> Iterator[Any]:
    """Every array in a structure, and every list."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        if not value:
            yield value
        for part in value:
            yield from arrays_in(part)


def has_nothing(value: Any) -> bool:
    """Whether one of the arrays or lists in a structure is empty."""
    return any(not len(array) or not np.size(array) for array in arrays_in(value))


def calls(row: Row) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Every call with one size empty: in every argument that has it, or in one alone; with and without options."""
    options = [name for name, p in signature(row.function).parameters.items() if p.default is None]
    for right in (row.right, {name: value for name, value in row.right.items() if name not in options}):
        for letter, sizes in SIZES.items():
            empty = {name: value if name == "actions" else emptied(value, sizes) for name, value in right.items()}
            changed = [name for name, value in empty.items() if has_nothing(value)]
            if not changed:
                continue
            yield letter, empty, changed
            for name in changed:
                yield letter, {**right, name: empty[name]}, [name]


def fields_in(value: Any) -> set[str]:
    """The names of all fields in a structure."""
    fields = getattr(value, "_fields", ())
    parts = value if isinstance(value, (list, tuple)) else ()
    return set(fields).union(*(fields_in(part) for part in parts))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: name_of(row.function))
def test_nothing_is_refused_by_name(row):
    tried = 0
    for letter, arguments, changed in calls(row):
        try:
            row.function(**arguments)
        except ValueError as refusal:
            message = str(refusal)
        else:
            pytest.fail(f"{name_of(row.function)} takes {letter} = 0 in {changed}")
        # What is read one step at a time is refused by the cell, under its own names for it.
        names = {"x", "h", "h0", "h_prev", "state", "dstate", "dh"}.union(
            changed, *(fields_in(arguments[name]) for name in changed)
        )
        assert any(re.search(rf"\b{name}\b", message) for name in names), message
        assert re.search(r"shape \([\d, ]+\)|length 0", message), message
        tried += 1
    assert tried >= 2


def test_contributions_of_no_steps_are_not_summed():
    parts = rnn.Params(np.zeros((0, 0, D, H)), np.zeros((0, 0, H, H)), np.zeros((0, 0, H)))
    with pytest.raises(ValueError, match=r"weights has shape \(0, 0\), .* T at least 1"):
        tbptt.summed(parts, np.zeros((0, 0)))


def test_the_property_is_asked_of_every_function_that_takes_a_sequence():
    asked = {name_of(row.function) for row in ROWS}
    for cell in ("rnn", "lstm", "gru"):
        assert {f"{cell}.{name}" for name in ("step", "step_backward", "forward", "backward")} <= asked
    assert {"losses.mse", "losses.softmax_cross_entropy_gradient", "readout.forward", "readout.backward"} <= asked
    assert {"bptt.full_gradient", "tbptt.windowed_gradient", "tbptt.sliding_gradient", "loop.predict"} <= asked
    assert len(asked) >= 45
