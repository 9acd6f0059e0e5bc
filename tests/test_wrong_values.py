"""Every argument of every public function, replaced by everything that it should not be.

Either the call works all the same, or it raises a ValueError in which the argument is called by
its own name; never a TypeError or AttributeError from somewhere inside.  The right calls are
those of test_bad_input.py, whose table says what the single messages hold; here nothing is said
of them but the name, and of every function the wrong values are the same.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from test_bad_input import DH, PARAMS, TABLE, Row
from test_bad_input import X as DATA

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.course import example, progress
from bptt_lessons.course.measured import measured, passage
from bptt_lessons.gradients import gradcheck, path_sum
from bptt_lessons.training import loop, readout
from bptt_lessons.views import plots, widgets

RNG = np.random.default_rng(0)
TEXTS = {"xlabel": "x", "ylabel": "y", "title": "title", "alt": "a picture"}
SMALL, OUT = rnn.init(RNG, 1, 2), readout.init(RNG, 2, 1)
X, TARGET = RNG.normal(size=(2, 4, 1, 1))
OTHERS = [
    Row(nested.add, {"a": PARAMS, "b": PARAMS}),
    Row(nested.zeros_like, {"tree": PARAMS}),
    Row(nested.map_arrays, {"function": np.square, "tree": PARAMS}),
    Row(measured, {"value": 1.0, "format": ".3g", "unit": "ms"}),
    Row(passage, {"text": "a text"}),
    Row(example, {"name": "rnn.step", "number": 1}),
    Row(progress.record, {"lesson": "00", "exercise": "rnn.step", "status": "wrong", "misconception": None}),
    Row(plots.lines, {"curves": {"a": X[:, 0, 0]}, "x": np.arange(4.0), "log": "", "level": {"l": 1.0}, **TEXTS}),
    Row(plots.bars, {"values": {"a": [1.0, 2.0]}, **{k: TEXTS[k] for k in ("ylabel", "title", "alt")}}),
    Row(plots.masks, {"masks": {"a": np.ones(3, bool)}, **{k: TEXTS[k] for k in ("title", "alt")}}),
    Row(plots.heatmap, {"values": np.eye(2) + 1, "outline": np.eye(2) > 0, "rows": [1, 2], **TEXTS}),
    Row(plots.surface, {"x": [0.0, 1.0], "y": [0.0, 1.0], "z": np.eye(2) + 1, "trails": None, **TEXTS}),
    Row(plots.eigenvalues, {"matrices": {"a": np.eye(2)}, **{k: TEXTS[k] for k in ("title", "alt")}}),
    Row(widgets.unroller, {"params": SMALL, "x": X, "labels": ["a", "b", "c", "d"]}),
    Row(widgets.bptt_player, {"params": SMALL, "readout_params": OUT, "x": X, "target": TARGET}),
    Row(widgets.loss_surface, {"x": X, "target": TARGET}),
    Row(widgets.gradient_flow, {"H": 3, "T": 4, "seed": 0}),
    Row(widgets.checkpoint_schedule, {"T": 4, "slots": 2}),
    Row(widgets.truncation_matrix, {"T": 4, "seed": 0}),
    Row(widgets.gate_explorer, {"T": 10, "seed": 0}),
    Row(widgets.training_progress, {"total": 3, "label": "trained"}),
    Row(
        widgets.live_training,
        {"session": loop.Session(SMALL), "advance": lambda session: session, "updates": 2, "label": "a"},
    ),
    Row(widgets.task_viewer, {"cell": rnn, "model": loop.Model(SMALL, OUT), "x": X, "target": TARGET}),
    Row(
        widgets.sampler,
        {"read": lambda s, state: (np.zeros((1, 3)), None), "alphabet": "abc", "start": "a", "length": 2},
    ),
]
ANYTHING: dict[str, Any] = {
    "None": None,
    "text": "text",
    "no text": "",
    "bytes": b"text",
    "list": [],
    "list of None": [None],
    "uneven list": [[1.0], [1.0, 2.0]],
    "dict": {},
    "dict of None": {"a": None},
    "object": object(),
    "module": np,
    "range": range(3),
    "tuple": (),
    "tuple of strings": ("a", "b"),
    "0 axes": np.array(1.0),
    "no entries": np.array([]),
    "4 axes": np.ones((2, 2, 2, 2)),
    "strings": np.array(["a", "b"]),
    "objects": np.array([None, 1.0], dtype=object),
    "times": np.zeros((2, 2), "M8[s]"),
    "huge": 10**400,
    "-huge": -(10**400),
    "too large": 10**20,
    "-1": -1,
    "0": 0,
    "2.5": 2.5,
    "True": True,
    "NaN": float("nan"),
    "inf": float("inf"),
    "1j": 1j,
    "numpy NaN": np.float64("nan"),
}


RELATIVE = (
    "an axis",
    "transposed",
    "flat",
    "doubled",
    "one of",
    "shorter",
    "longer",
    "infinite",
    "with NaN",
    "4 axes",
    "range",
)


def wrong_arrays(good: Any) -> Iterator[tuple[str, Any]]:
    """What can be wrong with an array: axes, sizes, dtypes, kinds."""
    yield from {"an axis more": good[None], "an axis less": good[0], "transposed": good.T, "flat": good.ravel()}.items()
    for axis in range(good.ndim):
        yield f"empty axis {axis}", np.take(good, [], axis)
        yield f"doubled axis {axis}", np.repeat(good, 2, axis)
        yield f"one of axis {axis}", np.take(good, [0], axis)
    for kind in ("U8", object, bool, complex, np.float16, np.longdouble, np.int8):
        yield f"as {np.dtype(kind)}", good.astype(kind)
    yield "times", np.zeros(good.shape, "M8[s]")
    if good.dtype.kind == "f":
        yield "with NaN", np.where(np.arange(good.size).reshape(good.shape) == good.size - 1, np.nan, good)
        yield "infinite", good + np.inf
    yield "masked", np.ma.masked_array(good)
    yield "list", good.tolist()
    if good.ndim == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            yield "matrix", np.matrix(good)


def wrong_values(good: Any) -> Iterator[tuple[str, Any, str]]:
    """What is wrong, the wrong value, and the field in which it stands if it stands in one."""
    for what, bad in ANYTHING.items():
        yield what, bad, ""
    if isinstance(good, np.ndarray):
        for what, bad in wrong_arrays(good):
            yield what, bad, ""
    elif isinstance(good, (list, tuple)) and not hasattr(good, "_fields") and good:
        for what, bad in {"shorter": good[:-1], "longer": [*good, *good], "None last": [*good[:-1], None]}.items():
            yield what, bad, ""
    elif isinstance(good, tuple) and not isinstance(good, loop.Session):  # a session's model may be anything
        yield "plain tuple", tuple(good), ""
        for field, value in good._asdict().items():
            inside = {what: ANYTHING[what] for what in ("None", "text", "list", "object", "0 axes", "huge", "objects")}
            if isinstance(value, np.ndarray):
                inside |= dict(wrong_arrays(value))
            for what, bad in inside.items():
                yield what, good._replace(**{field: bad}), field


def faults(row: Row) -> Iterator[str]:
    """Call the function with every wrong value for every argument; yield what goes wrong in another way."""
    parameters = inspect.signature(row.function).parameters
    fields = {field for good in row.right.values() for field in getattr(good, "_fields", ())}
    fields |= {"cache"} if "caches" in parameters else set()
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        for what, bad, field in wrong_values(row.right.get(name, parameter.default)):
            # Where two do not fit each other, the one that is found not to fit may be the other one.
            names = {*parameters, *fields} if what.startswith(RELATIVE) else {name, field} - {""}
            place = f"{name}{'.' if field else ''}{field} = {what}"
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore", RuntimeWarning)
                    row.function(**{**row.right, name: bad})
            except ValueError as error:
                if not re.search(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)", str(error)):
                    yield f"{place}: not named in: {error}"
            except OSError as error:
                if name != "path":  # a right path at which there is no file
                    yield f"{place}: {type(error).__name__}: {error}"
            except Exception as error:
                yield f"{place}: {type(error).__name__}: {error}"


def rows() -> dict[str, Row]:
    """Every function once, by its name."""
    found: dict[str, Row] = {}
    for row in [*TABLE, *OTHERS]:
        found.setdefault(f"{row.function.__module__.rsplit('.', 1)[1]}.{row.function.__name__}", row)
    two_steps = {"tape": rnn.forward(PARAMS, DATA[:2])[2], "dh": DH[:2]}  # all paths through four take seconds
    found["path_sum.gradient"] = Row(path_sum.gradient, found["path_sum.gradient"].right | two_steps)
    of_any_tree = {"f": lambda p: sum((array**2).sum() for _, array in nested.named_arrays(p))}
    found["gradcheck.by_field"] = Row(gradcheck.by_field, found["gradcheck.by_field"].right | of_any_tree)
    del found["text.library_docstrings"]  # it reads a whole library for every right folder
    return found


ROWS = rows()


@pytest.fixture(autouse=True)
def nothing_is_shown_or_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plots, "show", lambda figure, alt: plots.check_alt(alt))  # to draw takes time


@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_value_works_or_is_refused_by_its_name(name):
    assert list(faults(ROWS[name])) == []


def whole_numbers(value: Any, kind: type) -> Any:
    """The value with a NumPy integer in the place of every Python one that fits in."""
    return kind(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if any(type(v) is int for v in row.right.values())])
def test_sizes_may_be_numpy_integers_of_any_width(name):
    """A small one must not overflow on the way: np.int8(100) + 100 is no size."""
    row, plain = ROWS[name], {"rng", "update", "advance", "on_update", "read"}
    if row.function.__module__.startswith("bptt_lessons.views"):
        pytest.skip("shows a picture")
    right = {key: 100 if key in ("T", "rows", "columns", "D", "H", "K", "gap") else v for key, v in row.right.items()}
    right = right if set(right) - plain <= {"rng", *SIZES} else row.right

    def result(kind: type) -> Any:
        rng = {"rng": np.random.default_rng(0)} if "rng" in right else {}
        found = row.function(**{**{key: whole_numbers(value, kind) for key, value in right.items()}, **rng})
        return list(found) if isinstance(found, Iterator) else found

    wanted = result(int)
    for kind in (np.int8, np.uint8, np.int64):
        assert alike(result(kind), wanted), kind


SIZES = ("T", "N", "D", "H", "K", "rows", "columns", "gap", "lag", "k", "k1", "k2", "slots", "itemsize", "steps")


def alike(a: Any, b: Any) -> bool:
    """Whether two results are the same numbers in the same structure, of one dtype."""
    if isinstance(b, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    if isinstance(b, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=b.dtype.kind in "fc"))
    return callable(b) or (type(a) is type(b) and a == b)
