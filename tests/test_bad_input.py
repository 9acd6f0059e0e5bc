"""Bad input to every public function of the mathematics: a ValueError that names the argument and what was expected.

The functions are found, and each right call is put together from `VALUES` by the names of its arguments; `CALLS`
says where a function needs others.  From the right values the wrong ones are derived: wrong in a way that must be
refused (`wrong_values`), or strange, so that the call must either work or be refused by name (`strange_values`).
`SPECIAL` has what only one function refuses.  One test for each function lists everything that it gets wrong.

T, N, D, H, K are all different, so a size gives away its letter: that is how the expected words are known here
without the declarations that the functions use.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import any_cell
import numpy as np
import pytest

from bptt_lessons import cells, gradients, nested, tasks, training
from bptt_lessons.cells import gru, lstm, lstm_peephole, rnn, torch_weights, unrolled
from bptt_lessons.cells.activations import TANH
from bptt_lessons.course import example, progress
from bptt_lessons.course.measured import measured, passage
from bptt_lessons.gradients import bptt, checkpointing, gradcheck, tbptt
from bptt_lessons.tasks import cliff, influence_balancing
from bptt_lessons.training import loop, losses, optim, readout, saving
from bptt_lessons.views import plots, widgets

T, N, D, H, K = 4, 3, 2, 5, 6
LETTERS = {T: "T", N: "N", D: "D", H: "H", K: "K", 3 * H: "3H", 4 * H: "4H"}
RNG = np.random.default_rng(0)
PARAMS, READOUT = rnn.init(RNG, D, H), readout.init(RNG, H, K)
MODEL = loop.Model(PARAMS, READOUT)
READS = loop.Model(rnn.init(RNG, K, H), READOUT)
X, H0, DH, DH_T, Y, TARGET = (
    RNG.normal(size=shape) for shape in ((T, N, D), (N, H), (T, N, H), (N, H), (T, N, K), (T, N, K))
)
CLASSES, SYMBOLS = RNG.integers(0, K, (T, N)), RNG.integers(0, K, (T + 1, N))
HIDDEN, _, TAPE = rnn.forward(PARAMS, X, H0)
_, _, CACHES = unrolled.forward(rnn, PARAMS, X, H0)
PAIR, SERIES, PLACES = np.array([1.0, 2.0]), np.arange(10.0), np.array([0, 1, 2, 0, 1])
SQUARE = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0], [0.0, 0.25, 1.0]])
SESSION = loop.Session(READS, optim.adam_start(READS), H0, (1.0,))
GRADIENT = bptt.Gradient(1.0, PARAMS, READOUT)
WEIGHTS = torch_weights.to_torch(any_cell.draw(lstm, 0, 1, 1, D, H).params)
THETA = influence_balancing.Params(np.array([0.5]))


def half_square(h: Any, start: int) -> tuple[float, Any, None]:
    """A loss by windows: ½ Σ h²."""
    return 0.5 * float(np.sum(h * h)), h, None


def one_more(session: loop.Session) -> loop.Session:
    """One update, for `train`."""
    return session._replace(losses=(*session.losses, 1.0))


# What an argument of this name is, group by group.
VALUES: dict[str, Any] = {"rng": RNG, "T": T, "N": N, "D": D, "H": H, "K": K, "dtype": np.float64, "itemsize": 4}
VALUES |= {"cell": rnn, "params": PARAMS, "activation": TANH, "x": X, "h": HIDDEN, "dh": DH, "tape": TAPE}
VALUES |= {"state": H0, "state0": H0, "h0": H0, "h_prev": H0, "dstate": DH_T, "dstate_T": DH_T, "dh_T": DH_T}
VALUES |= {"cache": CACHES[0], "caches": CACHES, "out": None, "z": PAIR, "b": PAIR, "forget_bias": 1.0}
VALUES |= {"rows": 2, "columns": 3, "bound": 0.5, "gain": 1.5, "radius": 0.9, "shear": 0.5}
VALUES |= {"W": SQUARE, "W_hh": SQUARE, "matrices": SQUARE[None], "gamma": 0.25, "lags": 3}
VALUES |= {"loss_gradient": half_square, "start": 0, "k": 2, "k1": 2, "k2": 3, "carry": True, "stream": SERIES}
VALUES |= {"cuts": [1, 3], "probability": 0.5, "weights": np.ones((T, T)), "segment": 2, "slots": 2, "keeps": "step"}
VALUES |= {"parts": tbptt.contributions(rnn, PARAMS, CACHES, DH), "actions": list(checkpointing.schedule(T, 2))}
VALUES |= {"function": dict, "tree": [CACHES, TAPE, None, 1.0], "eps": 1e-3}
VALUES |= {"y": Y, "dy": Y, "target": TARGET, "mask": np.ones((T, N), bool), "loss": losses.mse, "model": READS}
VALUES |= {"grads": READOUT, "max_norm": 1.0, "lr": 0.1, "decay_mean": 0.9, "decay_square": 0.999}
VALUES |= {"session": SESSION, "like": SESSION, "symbols": SYMBOLS, "updates": 2, "advance": one_more}
VALUES |= {"update": lambda model, grads, memory: (model, memory)}
VALUES |= {"on_update": lambda done, loss: None, "stopped": lambda: False}
VALUES |= {"series": SERIES, "p": 3, "gap": 1, "lag": 3, "steps": 3, "point": cliff.Point(PAIR, -PAIR)}
VALUES |= {"text": "cab", "alphabet": "abc", "strings": ["BTBTXSETE", "BPBPVVEPE"], "given": "ab", "length": 2}
VALUES |= {"training": np.arange(40) % 3, "counted": np.arange(40) % 3, "held_out": PLACES, "rounds": 2}
VALUES |= {"temperature": 0.5, "u": np.array([0.0, 0.5, 0.999])}
ONE_STEP = {"x": X[0], "dh": DH[0]}
# Where a function's arguments are not those of `VALUES`, by module or by function.
CALLS: dict[str, dict[str, Any]] = {
    "rnn.step": ONE_STEP,
    "rnn.step_backward": ONE_STEP,
    "unrolled.add_to_hidden": {"dh": DH[0]},
    "stretches.project": {"W": np.ones((D, H)), "b": np.ones(H)},
    "torch_weights.from_torch": {
        "cell": lstm,
        "weights": WEIGHTS,
    },
    "flow.step_jacobian": {"h": HIDDEN[0]},
    "path_sum.gradient": {"tape": rnn.forward(PARAMS, X[:2])[2], "dh": DH[:2]},  # all paths through four take seconds
    "bptt.add": {"a": GRADIENT, "b": GRADIENT},
    "bptt.add_extra": {"a": READOUT, "b": READOUT},
    "gradcheck.relative_error": {"a": PAIR, "b": PAIR},
    "gradcheck.worst_error": {"a": PARAMS, "b": PARAMS},
    "gradcheck.by_field": {
        "method": gradcheck.complex_step,
        "f": lambda p: sum((array**2).sum() for _, array in nested.named_arrays(p)),
    },
    **{
        f"gradcheck.{name}": {"f": lambda w: (w**2).sum(), "w": PAIR} for name in ("central_difference", "complex_step")
    },
    "autoregression.predict": {"weights": PAIR},
    "optim": {"params": READOUT, "state": optim.adam_start(READOUT)},
    "readout": {"params": READOUT, "loss_gradient": losses.mse_gradient},
    "loop.predict": {"model": MODEL},
    "loop.loss_and_gradient": {"model": MODEL, "loss_gradient": losses.mse_gradient},
    "loop.fit": {
        "session": loop.Session(PAIR),
        "batches": [1],
        "gradient": lambda model, batch: (float((model**2).sum()), 2 * model),
        "update": lambda model, grads, memory: (model - 0.1 * grads, memory),
    },
    **{f"losses.softmax_cross_entropy{end}": {"target": CLASSES} for end in ("", "_gradient")},
    "influence_balancing": {"params": THETA, "x": X[0], "cache": influence_balancing.Cache(X[0])},
    **{
        f"influence_balancing.{name}": {arg: np.ones((N, 23))}
        for name, arg in (("step", "h_prev"), ("step_backward", "dh"))
    },
    "influence_balancing.loss_gradient": {"h": np.ones((T, N, 23))},
    "temporal_order.sequences": {"T": 10},
    "reber.legal_next": {"text": "BTBTXSETE"},
    "compression.trigram_parts": {"text": PLACES},
    "compression.xz_bits": {"held_out": "abc"},
    "compression": {"K": 3},
    "text.decode": {"symbols": PLACES},
    "text.sample": {"y": Y[0]},
    "text.generate": {"read": loop.reader(rnn, READS), "start": PLACES},
}
for _cell in (lstm, gru, *any_cell.VARIANTS):
    _params, _, _state, _, _dstate = any_cell.draw(_cell, 0, T, N, D, H)
    _right = {"params": _params, **dict.fromkeys(("state", "state0", "h0", "h_prev"), _state)}
    CALLS[any_cell.name_of(_cell)] = _right | dict.fromkeys(("dstate", "dstate_T", "dh_T"), _dstate)
    _last = _dstate if isinstance(_dstate, np.ndarray) else DH[0]
    for _name in ("step", "step_backward"):
        _step = {"x": X[0], "dh": _last, "cache": _cell.step(_params, X[0], _state)[1]}
        CALLS[f"{any_cell.name_of(_cell)}.{_name}"] = _step
    if hasattr(_cell, "forward"):
        CALLS[any_cell.name_of(_cell)] |= {"tape": _cell.forward(_params, X, _state)[2]}
# Functions that take arrays of any shape, or of shapes whose sizes are not among the letters.
ANY_SHAPE = {"activations", "optim", "gradcheck", "memory", "counting", "cliff", "bptt.add", "bptt.add_extra", "init"}
ANY_SHAPE |= {
    "lstm.memory_half_life",
    "tbptt.summed",
    "tbptt.stream_batches",
    "autoregression",
    "sunspots",
    "stretches",
}
ANY_SHAPE |= {"flow.operator_norms", "flow.bound", "flow.spectral_radius", "flow.largest_singular_value", "path_sum"}
# Arguments that may be almost anything; what they may not be is in `SPECIAL`.
ALMOST_ANYTHING = {
    "readout.loss_by_window": {"target"},
    "loop.fit": {"session"},
    "loop.train": {"session"},
    "tbptt.stream_batches": {"stream"},
    "tbptt.summed": {"parts", "weights"},
    "torch_weights.cell_of": {"params"},
    "saving.save": {"session"},
    "saving.load": {"like"},
    "gradcheck.relative_error": {"a", "b"},
    "cliff.loss_and_gradient": {"point"},
}
NONE_IS_ZEROS = {"bptt.full_gradient", "checkpointing.backward_sqrt", "tbptt.windowed_gradient"}  # as state0


def name_of(function: Callable[..., Any]) -> str:
    """The last module name and the function, such as "rnn.step"."""
    return f"{function.__module__.rsplit('.', 1)[1]}.{function.__name__}"


def modules() -> Iterator[ModuleType]:
    """Every module of the mathematics and of the tasks."""
    for package in (cells, gradients, training, tasks):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(info.name)


def public_functions() -> dict[str, Callable[..., Any]]:
    """Every function that a module defines without an underscore in front."""
    return {
        name_of(function): function
        for module in modules()
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


# All but those without arguments, and the checks, which are what does the refusing.
FUNCTIONS = {
    name: function
    for name, function in public_functions().items()
    if inspect.signature(function).parameters and not function.__name__.startswith("check_")
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a saved session, and a library of one module."""
    path = tmp_path_factory.mktemp("sessions")
    saving.save(path / "session.npz", SESSION)
    (path / "library.py").write_text('"""' + 100 * "A docstring. " + '"""', encoding="utf-8")
    return path


def right_call(name: str, folder: Any) -> dict[str, Any]:
    """Arguments that the function takes."""
    special = {"path": folder / ("session.npz" if name == "saving.load" else "again.npz"), "folder": folder}
    known = VALUES | special | CALLS.get(name.split(".")[0], {}) | CALLS.get(name, {})
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    plain = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return {argument: known[argument] for argument in plain}


Wrong = tuple[Any, list[str]]  # a bad value, and words that the message must contain


def as_matrix(array: Any) -> Any:
    """The same numbers in the class that NumPy itself warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(array)


def of_no_kind(name: str, good: Any) -> Iterator[Wrong]:
    """What no floating array can be."""
    for kind in ("int64", "bool", "object"):
        yield good.astype(kind), [name, np.dtype(kind).name]
    yield good.tolist(), [name, "list"]
    yield "text", [name, "str"]
    yield np.ma.masked_array(good), [name, "masked"]
    if good.ndim == 2:
        yield as_matrix(good), [name, "matrix"]


def of_no_shape(name: str, good: Any, elsewhere: set[int], alone: bool) -> Iterator[Wrong]:
    """What does not have the axes, the sizes or the precision of an array whose sizes say its letters."""
    letters = [LETTERS.get(size, "H") for size in good.shape]
    expected = f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
    for bad in (good[None], good[0], *(np.take(good, [], axis) for axis in range(good.ndim))):
        yield bad, [name, str(bad.shape) if isinstance(bad, np.ndarray) else type(bad).__name__, expected]
    for axis, size in enumerate(good.shape):
        if size in elsewhere or good.shape.count(size) > 1:
            yield np.repeat(good, 2, axis), [LETTERS.get(size, "H").lstrip("34")]
    if not alone:
        yield good.astype(np.float32), ["mixed precision", "float32", "float64"]


def arrays_of(value: Any) -> list[Any]:
    """All floating arrays in a value."""
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays_of(item)]
    return [value] if isinstance(value, np.ndarray) and value.dtype.kind == "f" else []


def wrong_arrays(function: str, name: str, good: Any, others: list[Any]) -> Iterator[Wrong]:
    """Everything that an array must not be."""
    yield from of_no_kind(name, good)
    if {function, function.split(".")[0]} & ANY_SHAPE or not (set(good.shape) <= LETTERS.keys() | {23}):
        return
    if function.startswith("loop.") or function == "text.sample":
        others = [other for other in others if other.shape != good.shape]
    sizes = {size for array in others for size in array.shape}
    yield from of_no_shape(name, good, sizes, alone=function == "text.sample" or not others)


SIMPLE: list[tuple[Callable[[Any], bool], Iterator[Any] | list[Any], list[str]]] = [
    (lambda good: type(good) is int, [0, -1, 2.0, True, "3", None, np.nan], ["at least"]),
    (lambda good: type(good) is float, [np.nan, np.inf, "0.1", None, True, np.array([0.1]), 1j], ["number"]),
    (lambda good: type(good) is bool, [1, "yes", None], ["True or False"]),
    (lambda good: good is RNG, [0, None, np.random, np.random.RandomState(0)], ["numpy.random.Generator"]),
    (lambda good: good is np.float64, [int, complex, object, bool, "no such", 3.0, None], ["floating"]),
    (lambda good: good is TANH, ["tanh", np.tanh, None], ["Activation"]),
    (lambda good: inspect.isfunction(good) or good is dict, [3, "mse", PAIR], ["function"]),
    (lambda good: isinstance(good, ModuleType), ["rnn", np, None], []),
    (lambda good: good is CACHES, [[], iter(CACHES), None, [None] * T, [TAPE] * T], ["cache"]),
]


def wrong_values(function: str, right: dict[str, Any], argument: str, default: Any) -> Iterator[Wrong]:
    """What must be refused for an argument, derived from the value that is right."""
    good = right[argument]
    others = arrays_of([value for name, value in right.items() if name != argument])
    if argument in ALMOST_ANYTHING.get(function, ()) or argument == "start":
        return
    for fits, bad_values, words in SIMPLE:
        if fits(good):
            for bad in bad_values:
                if bad is not None or default is not None:
                    shown = [repr(bad)] if type(good) in (int, float) else []
                    yield bad, [*([] if good is CACHES else [argument]), *words, *shown]
            return
    if isinstance(good, np.ndarray) and good.dtype.kind == "f":
        yield from wrong_arrays(function, argument, good, others)
        if default is not None and not (argument == "state0" and function in NONE_IS_ZEROS):
            yield None, [argument]
    elif hasattr(good, "_fields") and function.split(".")[0] not in ("optim", "gradcheck") and default is not None:
        in_a_tree = function in ("bptt.add", "bptt.add_extra")
        for bad in (tuple(good), None, PARAMS if type(good) is not rnn.Params else READOUT):
            if not (in_a_tree and bad is None):
                kind = f"{type(good).__module__.rsplit('.', 1)[1]}.{type(good).__name__}"
                yield bad, [argument] if in_a_tree or function.startswith("torch") else [kind]
        for field, array in good._asdict().items():
            if isinstance(array, np.ndarray) and array.dtype.kind == "f" and not in_a_tree:
                inside = arrays_of([value for name, value in good._asdict().items() if name != field])
                for bad, words in wrong_arrays(function, field, array, [*others, *inside]):
                    yield good._replace(**{field: bad}), words


def with_nan(array: Any) -> Any:
    """Return a copy with one NaN in it."""
    copy = array.copy()
    copy.flat[-1] = np.nan
    return copy


# What a function refuses for reasons of its own: function, argument, bad values, words of the message.
SPECIAL: list[tuple[str, str, list[Any], list[str]]] = [
    ("adding.sequences", "T", [1], ["T must be at least 2"]),
    ("temporal_order.sequences", "T", [9], ["T must be at least 10"]),
    ("init.non_normal", "H", [1], ["H must be at least 2"]),
    ("init.non_normal", "shear", [-1e-3], ["shear", "-0.001", "at least 0"]),
    ("init.scaled_to_radius", "W", [np.triu(SQUARE, 1)], ["W", "(3, 3)", "spectral radius 0"]),
    *[
        (name, argument, [with_nan(SQUARE), SQUARE + np.inf, SQUARE * 1j], [argument, "(3, 3)", "finite real"])
        for name, argument in {
            "init.scaled_to_radius": "W",
            "flow.spectral_radius": "W",
            "flow.largest_singular_value": "W",
            "flow.bound": "W_hh",
            "flow.operator_norms": "matrices",
        }.items()
    ],
    ("flow.spectral_radius", "W", [SQUARE[0], SQUARE[:2], SQUARE[None], SQUARE[:0, :0]], ["W has shape", "(H, H)"]),
    ("flow.operator_norms", "matrices", [SQUARE[0], SQUARE[:2], SQUARE[:0, :0]], ["matrices has", "(..., H, H)"]),
    *[
        (name, argument, [0, 0.0, -1e-3], [argument, "finite number above 0"])
        for name, argument in {
            "init.uniform": "bound",
            "init.orthogonal": "gain",
            "init.scaled_to_radius": "radius",
            "flow.bound": "gamma",
            "gradcheck.complex_step": "eps",
            "optim.sgd": "lr",
            "optim.adam": "eps",
            "optim.clip_by_global_norm": "max_norm",
            "text.sample": "temperature",
        }.items()
    ],
    *[
        (name, argument, [-0.1, 1, 1.0, 2], [argument, "from 0 to below 1"])
        for name, argument in (
            ("tbptt.randomised_gradient", "probability"),
            ("tbptt.kept_by_cuts", "probability"),
            ("optim.adam", "decay_mean"),
            ("optim.adam", "decay_square"),
        )
    ],
    ("tbptt.sliding_gradient", "k1", [4], ["k1 must be at most k2", "k1 = 4, k2 = 3"]),
    ("tbptt.kept_by_sliding", "k2", [1], ["k1 must be at most k2", "k1 = 2, k2 = 1"]),
    ("tbptt.randomised_gradient", "cuts", [[T], [2, 1], [2, 2]], ["cuts must rise, from 1 to at most T - 1 = 3"]),
    ("tbptt.kept_by_cuts", "cuts", [[0], [1.0], 2, None], ["cuts", "whole number"]),
    ("tbptt.stream_batches", "N", [11], ["N must be at most L", "(10,)", "11"]),
    ("tbptt.stream_batches", "stream", [np.array(1.0), SERIES[:0], None], ["stream", "(L, ...)"]),
    ("tbptt.summed", "parts", [PARAMS, PAIR], ["parts", "(T, T, ...)"]),
    ("tbptt.summed", "weights", [np.ones((T, T + 1)), np.ones(T), None, np.ones((T, T)) * 1j], ["weights", "(T, T)"]),
    ("tbptt.contributions", "caches", [CACHES[1:]], ["dh", "(4, 3, 5)", "(T, N, H) with T = 3"]),
    *[
        (f"checkpointing.{name}", "keeps", ["states", None, 1], ["keeps", "'state' or 'step'"])
        for name in ("forward_cost", "closed_form", "schedule")
    ],
    ("checkpointing.backward", "actions", [list(checkpointing.schedule(t, 2)) for t in (3, 5)], ["actions", "T = 4"]),
    ("checkpointing.backward", "actions", [[], ["back"], None], ["actions"]),
    *[
        (name, "loss_gradient", [lambda h, start, change=change: (0.0, change(h), None)], ["dh", *words])
        for name in ("bptt.loss_of", "bptt.full_gradient", "tbptt.sliding_gradient", "checkpointing.backward")
        for change, words in (
            (lambda h: h[0], ["(T, N, H)"]),
            (lambda h: h[..., :1], ["H = 5"]),
            (lambda h: h[:, :1], ["N = 3"]),
            (lambda h: np.repeat(h, 2, 0), ["T = "]),
            (lambda h: h.tolist(), ["list"]),
            (lambda h: h.astype(np.float32), ["mixed precision", "float32"]),
        )
    ],
    ("bptt.full_gradient", "loss_gradient", [lambda h, start: h], ["loss_gradient must return loss, dh, extra"]),
    ("bptt.add", "a", [GRADIENT._replace(grads=READOUT)], ["Readout", "Params"]),
    ("bptt.add", "b", [GRADIENT._replace(grads=PARAMS._replace(b_h=PAIR))], ["b_h", "(2,)", "(5,)"]),
    ("bptt.add_extra", "b", [READOUT._replace(b_y=PAIR)], ["b_y", "(2,)", "(6,)"]),
    ("gradcheck.relative_error", "b", [PAIR[:1], PAIR[None]], ["b has shape", "(2,)"]),
    ("gradcheck.relative_error", "b", [None, "text", [[1.0], [1.0, 2.0]]], ["b "]),
    ("gradcheck.worst_error", "a", [READOUT], ["Readout", "Params"]),
    ("gradcheck.worst_error", "b", [tuple(PARAMS)], ["tuple", "Params"]),
    ("gradcheck.by_field", "params", [PARAMS._replace(b_h=PARAMS.b_h * 1j)], ["params.b_h", "complex128", "real"]),
    ("lstm.memory_half_life", "b", [PAIR * 1j, 1j], ["b must be real"]),
    ("memory.held_bytes", "tree", ["text", {"a": PAIR}, rnn, [PAIR, "text"]], ["tree must hold arrays"]),
    ("cliff.loss_and_gradient", "point", [cliff.Point(PAIR, PAIR[:1])], ["point.b", "(1,)", "(2,)"]),
    ("cliff.loss_and_gradient", "point", [None, (PAIR, PAIR, PAIR), cliff.Point([1.0], PAIR)], ["point"]),
    ("torch_weights.cell_of", "params", [READOUT, tuple(PARAMS), None], ["params", "rnn, gru or lstm"]),
    ("optim.adam_start", "params", [READOUT._replace(b_y=bad) for bad in ([1.0], CLASSES[0])], ["params"]),
    ("torch_weights.to_torch", "params", [any_cell.draw(lstm_peephole, 0, 1, 1, D, H).params], ["rnn, gru or lstm"]),
    ("torch_weights.from_torch", "cell", ["lstm", None, lstm_peephole], ["cell", "rnn, gru and lstm"]),
    ("torch_weights.from_torch", "weights", [None, 3], ["weights", "mapping"]),
    ("torch_weights.from_torch", "weights", [torch_weights.to_torch(PARAMS)], ["weight_hh_l0", "(5, 5)", "(4H, H)"]),
    *[
        ("torch_weights.from_torch", "weights", [{k: w for k, w in WEIGHTS.items() if k != name}], [name])
        for name in WEIGHTS
    ],
    *[(f"losses.mse{end}", "mask", [~VALUES["mask"]], ["mask", "at least one True"]) for end in ("", "_gradient")],
    ("losses.mse", "mask", [[[True]], VALUES["mask"].T, VALUES["mask"].astype(int)], ["mask", "(T, N) = (4, 3)"]),
    *[
        ("losses.softmax_cross_entropy", "target", bad, ["target", *words])
        for bad, words in (
            ([CLASSES.tolist(), CLASSES.astype(float), CLASSES.T.copy(), TARGET, None], ["(T, N) = (4, 3)"]),
            ([CLASSES * 0 + K, CLASSES * 0 - 1], ["(4, 3)", "0 ... K - 1 = 5"]),
        )
    ],
    ("readout.loss_by_window", "target", [TARGET.tolist(), TARGET[0, 0], None], ["target", "(T, N, ...)"]),
    ("optim.sgd", "params", [PARAMS], ["grads", "Readout", "Params"]),
    ("optim.sgd", "grads", [READOUT._replace(b_y=READOUT.b_y[:1])], ["b_y", "(1,)", "(6,)"]),
    ("optim.sgd", "grads", [READOUT._replace(b_y=READOUT.b_y.astype(np.float32))], ["mixed precision", "grads"]),
    *[
        (f"optim.{name}", "grads", [READOUT._replace(b_y=bad) for bad in (READOUT.b_y.tolist(), CLASSES[0])], ["grads"])
        for name in ("sgd", "adam", "global_norm", "clip_by_global_norm")
    ],
    ("optim.clip_by_global_norm", "grads", [READOUT._replace(b_y=READOUT.b_y + np.inf)], ["grads", "inf", "finite"]),
    ("optim.adam", "state", [None, READOUT], ["state must be optim.AdamState"]),
    ("optim.adam", "state", [optim.AdamState(bad, READOUT, READOUT) for bad in ("x", -1)], ["state.updates"]),
    ("optim.adam", "state", [optim.AdamState(0, PARAMS, READOUT)], ["state.mean", "Readout", "Params"]),
    ("autoregression.fit", "p", [10], ["series", "(10,)", "p = 10"]),
    ("autoregression.predict", "weights", [PAIR[:1]], ["weights", "(1,)", "p at least 1"]),
    ("sunspots.windows", "T", [10], ["series", "(10,)", "T + 1 = 11"]),
    ("sunspots.windows", "series", [np.ones((2, 5)), with_nan(SERIES)], ["series"]),
    ("delayed_echo.stream", "lag", [4], ["lag must be below T = 4"]),
    ("reber.legal_next", "text", ["", "B", "BTBTXSEPE", "btbtxsete", None], ["text", "Reber grammar"]),
    ("reber.batch", "strings", [[], (), None, ["BTBTXSETE", "BE"], [None]], ["string"]),
    *[(f"text.{name}", "text", ["", b"abc", None], ["text must be a string"]) for name in ("alphabet", "encode")],
    ("text.encode", "text", ["abx!"], ["text", "not in the alphabet", "'!x'"]),
    ("text.decode", "alphabet", ["", None, "abca"], ["alphabet must"]),
    ("text.decode", "symbols", [PLACES + 1, PLACES - 1], ["symbols must be from 0 to 2"]),
    ("text.decode", "symbols", [PLACES + 0.0, PLACES[None], "abc", None], ["symbols", "integers (L,)"]),
    ("text.sample", "u", [VALUES["u"] + shift for shift in (-0.01, 0.01, np.nan)], ["u", "(3,)", "[0, 1)"]),
    ("text.sample", "y", [with_nan(Y[0])], ["y", "(3, 6)", "NaN"]),
    ("text.generate", "start", [PLACES + K], ["start", "K - 1 = 5"]),
    ("text.generate", "start", [PLACES[:0], PLACES[None], None], ["start", "(L,)"]),
    ("text.generate", "read", [lambda symbols, state: (Y[0, 0], None)], ["y", "(6,)", "(N, K)"]),
    ("text.library_docstrings", "folder", [3, "no such folder", ["a"]], ["folder"]),
    ("compression.uniform_bits", "K", [1], ["K", "at least 2"]),
    ("compression.trigram_bits", "held_out", [PLACES + 3, PLACES - 1], ["held_out", "from 0 to 2"]),
    ("compression.trigram_bits", "training", [np.arange(29) % 3], ["training", "(29,)", "at least 30"]),
    ("compression.trigram_parts", "text", [PLACES + 0.0, PLACES[None], None], ["text", "integers of shape (L,)"]),
    ("compression.xz_bits", "held_out", ["", b"abc", None], ["held_out", "strings"]),
    *[
        (f"loop.{name}", "symbols", bad, ["symbols", *words])
        for name in ("truncated_epoch", "bits_per_symbol")
        for bad, words in (
            ([SYMBOLS + K, SYMBOLS - K], ["from 0 to K - 1 = 5"]),
            ([SYMBOLS.tolist(), SYMBOLS + 0.0, SYMBOLS > 2, SYMBOLS[0], SYMBOLS[:1], SYMBOLS[:, :0]], ["(T + 1, N)"]),
        )
    ],
    ("loop.truncated_epoch", "session", [SESSION._replace(state=H0[:1])], ["session.state", "(1, 5)", "N = 3"]),
    ("loop.truncated_epoch", "session", [SESSION._replace(model=loop.Model(PARAMS, READOUT))], ["x", "D = 2"]),
    ("loop.reader", "model", [loop.Model(READOUT, PARAMS)], ["model.readout", "readout.Readout", "Params"]),
    ("loop.reader", "model", [loop.Model("text", READOUT)], ["model.cell", "rnn.Params", "str"]),
    ("loop.loss_and_gradient", "cell", [SimpleNamespace(forward=rnn.forward)], ["cell", "backward"]),
    ("loop.train", "advance", [lambda session: session, lambda session: None], ["advance must return a loop.Session"]),
    ("loop.fit", "batches", [3], ["batches", "int"]),
    ("loop.fit", "session", [loop.Session(np.array([np.nan]))], ["loss is nan", "update 1", "diverged"]),
    *[
        (
            name,
            argument,
            [None, tuple(SESSION), READS],
            [f"{argument} must be loop.Session(model, memory, state, losses)"],
        )
        for name, argument in {"saving.save": "session", "saving.load": "like", "loop.fit": "session"}.items()
    ],
    ("saving.save", "session", [SESSION._replace(model="text")], ["session.model", "array of numbers", "str"]),
    ("saving.save", "path", [3, None, ["session.npz"]], ["path must be a string or a path"]),
    ("saving.load", "like", [SESSION._replace(state=H0.tolist())], ["like.state", "list"]),
    ("saving.load", "like", [SESSION._replace(memory=None)], ["memory.updates", "as well"]),
    ("saving.load", "like", [SESSION._replace(state=lstm.State(H0, H0))], ["state.h", "another structure"]),
    ("saving.load", "like", [SESSION._replace(state=H0.astype(np.float32))], ["state", "float64", "float32"]),
    ("unrolled.looped", "cell", [SimpleNamespace(step=rnn.step)], ["cell", "zero_state"]),
    ("unrolled.hidden", "state", [SimpleNamespace(h=X)], ["state.h", "(4, 3, 2)"]),
]


def test_every_public_function_is_in_the_table(folder):
    """Each one has a right call, put together by the names of its arguments; nothing in the table is left over."""
    assert len(FUNCTIONS) >= 90
    with warnings.catch_warnings():
        for name, function in FUNCTIONS.items():
            function(**right_call(name, folder))
    mentioned = {*CALLS, *ANY_SHAPE, *ALMOST_ANYTHING, *(name for name, *_ in SPECIAL)}
    assert mentioned <= {*FUNCTIONS, *(name.split(".")[0] for name in FUNCTIONS)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_input_is_refused_by_name(name, folder):
    function, right, faults, tried = FUNCTIONS[name], right_call(name, folder), [], 0
    parameters = inspect.signature(function).parameters
    wrong = [
        (argument, *case)
        for argument in right
        for case in wrong_values(name, right, argument, parameters[argument].default)
    ]
    wrong += [(argument, bad, words) for which, argument, values, words in SPECIAL if which == name for bad in values]
    for argument, bad, words in wrong:
        tried += 1
        try:
            function(**{**right, argument: bad})
        except ValueError as refusal:
            missing = [word for word in words if word not in str(refusal)]
            if missing:
                faults.append(f"{argument} = {bad!r:.60}: {missing} not in: {refusal}")
        except Exception as error:
            faults.append(f"{argument} = {bad!r:.60}: {type(error).__name__}: {error}")
        else:
            faults.append(f"{argument} = {bad!r:.60} was taken, expected {words}")
    assert faults == []
    assert tried


STRANGE: list[Any] = [
    *[None, "text", "", b"text", [], [None], [[1.0], [1.0, 2.0]], {}, {"a": None}, object(), np, range(3), ()],
    *[("a", "b"), np.array(1.0), np.array([]), np.ones((2, 2, 2, 2)), np.array(["a", "b"]), np.zeros((2, 2), "M8[s]")],
    *[np.array([None, 1.0], dtype=object), 10**400, -(10**400), 10**20, -1, 0, 2.5, True, np.nan, np.inf, 1j],
    np.float64("nan"),
]
TEXTS = {"xlabel": "x", "ylabel": "y", "title": "title", "alt": "a picture"}
LABELS = {key: TEXTS[key] for key in ("title", "alt")}
SMALL, OUT = rnn.init(RNG, 1, 2), readout.init(RNG, 2, 1)
SMALL_X, SMALL_TARGET = RNG.normal(size=(2, 4, 1, 1))
# What is not mathematics, with a right call.
OTHERS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (nested.add, {"a": PARAMS, "b": PARAMS}),
    (nested.zeros_like, {"tree": PARAMS}),
    (nested.map_arrays, {"function": np.square, "tree": PARAMS}),
    (measured, {"value": 1.0, "format": ".3g", "unit": "ms"}),
    (passage, {"text": "a text"}),
    (example, {"name": "rnn.step", "number": 1}),
    (progress.record, {"lesson": "00", "exercise": "rnn.step", "status": "wrong", "misconception": None}),
    (plots.lines, {"curves": {"a": PAIR}, "x": np.arange(2.0), "log": "", "level": {"l": 1.0}, **TEXTS}),
    (plots.bars, {"values": {"a": [1.0, 2.0]}, "ylabel": "y", **LABELS}),
    (plots.masks, {"masks": {"a": np.ones(3, bool)}, **LABELS}),
    (plots.heatmap, {"values": np.eye(2) + 1, "outline": np.eye(2) > 0, "rows": [1, 2], **TEXTS}),
    (plots.surface, {"x": [0.0, 1.0], "y": [0.0, 1.0], "z": np.eye(2) + 1, "trails": None, **TEXTS}),
    (plots.eigenvalues, {"matrices": {"a": np.eye(2)}, **LABELS}),
    (widgets.unroller, {"params": SMALL, "x": SMALL_X, "labels": ["a", "b", "c", "d"]}),
    (widgets.bptt_player, {"params": SMALL, "readout_params": OUT, "x": SMALL_X, "target": SMALL_TARGET}),
    (widgets.loss_surface, {"x": SMALL_X, "target": SMALL_TARGET}),
    (widgets.gradient_flow, {"H": 3, "T": 4, "seed": 0}),
    (widgets.checkpoint_schedule, {"T": 4, "slots": 2}),
    (widgets.truncation_matrix, {"T": 4, "seed": 0}),
    (widgets.gate_explorer, {"T": 10, "seed": 0}),
    (widgets.training_progress, {"total": 3, "label": "trained"}),
    (widgets.live_training, {"session": loop.Session(SMALL), "advance": one_more, "updates": 2, "label": "a"}),
    (widgets.task_viewer, {"cell": rnn, "model": loop.Model(SMALL, OUT), "x": SMALL_X, "target": SMALL_TARGET}),
    (
        widgets.sampler,
        {"read": lambda s, state: (np.zeros((1, 3)), None), "alphabet": "abc", "start": "a", "length": 2},
    ),
]
ALL = {**FUNCTIONS, **{name_of(function): function for function, _ in OTHERS}}
del ALL["text.library_docstrings"]  # None reads the whole library


def strange_values(good: Any) -> Iterator[tuple[Any, str, bool]]:
    """A strange value, the field that it is in, and whether it may be another argument that is found not to fit."""
    yield from ((bad, "", isinstance(bad, (np.ndarray, range))) for bad in STRANGE)
    if isinstance(good, np.ndarray):
        turned = [good.T, good.ravel(), *(np.take(good, [0], axis) for axis in range(good.ndim))]
        yield from ((bad, "", True) for bad in turned)
        yield from ((good.astype(kind), "", False) for kind in (complex, np.float16, np.longdouble, np.int8))
        if good.dtype.kind == "f":
            yield from ((bad, "", True) for bad in (with_nan(good), good + np.inf))
    elif isinstance(good, (list, tuple)) and good and not hasattr(good, "_fields"):
        yield from ((bad, "", True) for bad in (good[:-1], [*good, *good], [*good[:-1], None]))
    elif isinstance(good, tuple) and not isinstance(good, loop.Session):  # the model of a session may be anything
        for field in good._fields:
            yield from (
                (good._replace(**{field: bad}), field, False) for bad in (None, "text", [], 10**400, STRANGE[14])
            )


@pytest.fixture
def nothing_is_shown_or_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plots, "show", lambda figure, alt: plots.check_alt(alt))  # drawing takes time


@pytest.mark.usefixtures("nothing_is_shown_or_kept")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * name.startswith("plots.")) for name in ALL]
)
def test_a_strange_value_works_or_is_refused_by_its_name(name, folder):
    """Never a TypeError or AttributeError from somewhere inside."""
    function = ALL[name]
    right = right_call(name, folder) if name in FUNCTIONS else {name_of(f): call for f, call in OTHERS}[name]
    parameters = inspect.signature(function).parameters
    fields = {field for good in right.values() for field in getattr(good, "_fields", ())}
    every_name = {*parameters, *fields, "cache", "h0"}
    faults = []
    for argument, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        for bad, field, relative in strange_values(right.get(argument, parameter.default)):
            names = every_name if relative else {argument, field} - {""}
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore", RuntimeWarning)
                    function(**{**right, argument: bad})
            except ValueError as refusal:
                if not re.search(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)", str(refusal)):
                    faults.append(f"{argument} {field} = {bad!r:.60}: not named in: {refusal}")
            except Exception as error:
                if not (isinstance(error, OSError) and argument == "path"):  # a right path at which there is no file
                    faults.append(f"{argument} {field} = {bad!r:.60}: {type(error).__name__}: {error}")
    assert faults == []


def emptied(value: Any, sizes: set[int]) -> Any:
    """The same structure with every axis of these sizes empty; T is the length of a list of caches."""
    if isinstance(value, np.ndarray):
        return np.zeros([0 if size in sizes else size for size in value.shape], value.dtype)
    if hasattr(value, "_fields"):
        return type(value)(*(emptied(part, sizes) for part in value))
    return [] if value is CACHES and T in sizes else value


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if not {n, n.split(".")[0]} & {*ANY_SHAPE, *ALMOST_ANYTHING}])
def test_nothing_is_refused_by_name(name, folder):
    """One letter is 0 in all arguments at once, so that they agree with one another."""
    right, faults = right_call(name, folder), []
    for sizes in ({T, T + 1}, {N}, {D}, {H, 3 * H, 4 * H}, {K}):
        empty = {
            argument: value if argument == "actions" else emptied(value, sizes) for argument, value in right.items()
        }
        if any(part.size == 0 for part in arrays_of(list(empty.values()))):
            try:
                FUNCTIONS[name](**empty)
            except ValueError as refusal:
                if not re.search(r"\w+ .*(shape \([\d, ]*\b0\b|length 0)", str(refusal)):
                    faults.append(str(refusal))
            else:
                faults.append(f"{LETTERS[min(sizes)]} = 0 was taken")
    assert faults == []


def same(a: Any, b: Any) -> bool:
    """Whether two results are the same numbers in the same structure, of one dtype."""
    if isinstance(b, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(b, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=b.dtype.kind in "fc"))
    return callable(b) or (type(a) is type(b) and a == b)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sizes_may_be_numpy_integers_of_any_width(name, folder):
    """A small one must not overflow: np.int8(100) + 100 is no size."""
    right, draws = right_call(name, folder), {"rng", "dtype", "forget_bias", "gain", "bound", "keeps"}
    whole = {argument for argument, value in right.items() if type(value) is int}
    if set(right) <= draws | whole:  # sizes alone: they can be large
        right |= dict.fromkeys(whole & {"T", "N", "D", "H", "K", "gap", "rows", "columns"}, 100)

    def result(kind: type) -> Any:
        call = {argument: kind(value) if argument in whole else value for argument, value in right.items()}
        found = FUNCTIONS[name](**(call | {"rng": np.random.default_rng(0)} if "rng" in call else call))
        return list(found) if isinstance(found, Iterator) else found

    if whole:
        wanted = result(int)
        assert [kind for kind in (np.int8, np.uint8, np.int64) if not same(result(kind), wanted)] == []


def test_every_public_function_and_class_has_a_docstring():
    bare = [name for name, function in public_functions().items() if not inspect.getdoc(function)]
    for module in modules():
        assert module.__doc__, module.__name__
        bare += [
            f"{module.__name__}.{name}"
            for name, kind in inspect.getmembers(module, inspect.isclass)
            if kind.__module__ == module.__name__ and (not kind.__doc__ or kind.__doc__.startswith(f"{name}("))
        ]
    assert bare == []
