"""Bad input to every public function of the mathematics: a ValueError that names the argument and what was expected.

One table.  Each row is a function, a right call, and wrong values for its arguments one at a
time, each with words that the message must contain.  A function that is in no row fails a test.
"""

from __future__ import annotations

import atexit
import importlib
import inspect
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import any_cell
import numpy as np
import pytest

from bptt_lessons import cells, gradients, tasks, training
from bptt_lessons.cells import (
    activations,
    gru,
    gru_reset_first,
    init,
    lstm,
    lstm_coupled,
    lstm_peephole,
    rnn,
    stretches,
    torch_weights,
    unrolled,
)
from bptt_lessons.gradients import bptt, checkpointing, counting, flow, gradcheck, memory, path_sum, tbptt
from bptt_lessons.tasks import (
    adding,
    cliff,
    compression,
    copying,
    delayed_echo,
    influence_balancing,
    reber,
    sunspots,
    temporal_order,
    temporal_xor,
    text,
)
from bptt_lessons.training import autoregression, loop, losses, optim, readout, saving

T, N, D, H, K = 4, 3, 2, 5, 6
RNG = np.random.default_rng(0)
PARAMS = rnn.init(RNG, D, H)
READOUT = readout.init(RNG, H, K)
MODEL = loop.Model(PARAMS, READOUT)
X, H0, DH, DH_T, Y, TARGET = (
    RNG.normal(size=shape) for shape in ((T, N, D), (N, H), (T, N, H), (N, H), (T, N, K), (T, N, K))
)
CLASSES = RNG.integers(0, K, (T, N))
MASK = np.ones((T, N), bool)
HIDDEN, _, TAPE = rnn.forward(PARAMS, X, H0)
_, _, CACHES = unrolled.forward(rnn, PARAMS, X, H0)
W = np.array([1.0, 2.0])

Wrong = tuple[str, Any, list[str]]  # argument, bad value, words of the message


class Row(NamedTuple):
    """A function, arguments that it takes, and values that it must refuse."""

    function: Callable[..., Any]
    right: dict[str, Any]
    wrong: list[Wrong]


def with_nan(array: Any) -> Any:
    """Return a copy with one NaN in it."""
    copy = array.copy()
    copy.flat[-1] = np.nan
    return copy


def bad_kinds(argument: str, good: Any, name: str = "") -> list[Wrong]:
    """What no floating array can be: a list, integers, booleans, objects, text, nothing."""
    name = name or argument
    kinds: list[Wrong] = [(argument, good.astype(kind), [name, "dtype", kind]) for kind in ("int64", "bool", "object")]
    return [*kinds, (argument, good.tolist(), [name, "list"]), (argument, "text", [name, "str"])]


def bad_arrays(argument: str, good: Any, axes: str, free: str = "", name: str = "") -> list[Wrong]:
    """Wrong kinds, wrong numbers of axes, empty axes, and a wrong size along every axis that is not `free`."""
    name = name or argument
    letters = axes.split()
    expected = f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
    shaped: list[Any] = [good[None], good[0], *(np.take(good, [], axis) for axis in range(good.ndim))]
    shaped += [np.repeat(good, 2, axis) for axis, letter in enumerate(letters) if letter not in free.split()]
    return bad_kinds(argument, good, name) + [
        (argument, array, [name, str(array.shape) if isinstance(array, np.ndarray) else type(array).__name__, expected])
        for array in shaped
    ]


def inside(argument: str, container: Any, field: str, wrong: list[Wrong]) -> list[Wrong]:
    """The same wrong values as a field of a NamedTuple."""
    return [(argument, container._replace(**{field: bad}), words) for _, bad, words in wrong]


def mixed(argument: str, good: Any, name: str = "") -> list[Wrong]:
    """The right array in another precision."""
    return [(argument, good.astype(np.float32), ["mixed precision", name or argument, "float32", "float64"])]


BAD_PARAMS: list[Wrong] = [
    *inside("params", PARAMS, "W_xh", bad_arrays("W_xh", PARAMS.W_xh, "D H", free="D")[:-1]),
    *inside("params", PARAMS, "W_hh", bad_arrays("W_hh", PARAMS.W_hh, "H H")),
    *inside("params", PARAMS, "b_h", bad_arrays("b_h", PARAMS.b_h, "H")),
    ("params", tuple(PARAMS), ["params", "rnn.Params(W_xh, W_hh, b_h)", "tuple"]),
    ("params", READOUT, ["params", "rnn.Params(W_xh, W_hh, b_h)", "Readout"]),
    ("params", None, ["params", "NoneType"]),
]
MIXED_PARAMS: list[Wrong] = [
    ("params", PARAMS._replace(**{field: getattr(PARAMS, field).astype(np.float32)}), ["mixed precision", field])
    for field in PARAMS._fields
]
BAD_ACTIVATION: list[Wrong] = [
    ("activation", "tanh", ["activation", "str", "Activation"]),
    ("activation", np.tanh, ["activation", "ufunc"]),
]
BAD_CELL: list[Wrong] = [("cell", "rnn", ["cell", "str"]), ("cell", np, ["cell", "numpy"]), ("cell", None, ["cell"])]


def bad_sizes(argument: str) -> list[Wrong]:
    """What no size can be."""
    return [(argument, bad, [argument, repr(bad), "at least 1"]) for bad in (0, -1, 2.0, True, "3", None, np.nan)]


def bad_positives(argument: str) -> list[Wrong]:
    """What no positive number can be."""
    values = [0, 0.0, -1e-3, np.nan, np.inf, -np.inf, "0.1", None, True, np.array([0.1]), 1j]
    return [(argument, bad, [argument, repr(bad), "above 0"]) for bad in values]


def bad_dtypes(argument: str = "dtype") -> list[Wrong]:
    """What no real floating dtype can be."""
    return [(argument, bad, ["dtype", "floating"]) for bad in (int, complex, object, bool, "no such", 3.0, None)]


BAD_RNG: list[Wrong] = [
    ("rng", bad, ["rng", "numpy.random.Generator"]) for bad in (0, None, np.random, np.random.RandomState(0))
]
BAD_MASKS: list[Wrong] = [
    ("mask", MASK.tolist(), ["mask", "list", "(T, N) = (4, 3)"]),
    ("mask", MASK.astype(int), ["mask", "int64", "bool"]),
    ("mask", MASK.T.copy(), ["mask", "(3, 4)", "(T, N) = (4, 3)"]),
    ("mask", MASK[..., None], ["mask", "(4, 3, 1)", "(T, N) = (4, 3)"]),
    ("mask", ~MASK, ["mask", "(4, 3)", "at least one True"]),
]
BAD_CLASSES: list[Wrong] = [
    ("target", CLASSES.tolist(), ["target", "list", "(T, N) = (4, 3)"]),
    ("target", CLASSES.astype(float), ["target", "float64", "integer"]),
    ("target", CLASSES.astype(object), ["target", "object", "integer"]),
    ("target", CLASSES.T.copy(), ["target", "(3, 4)", "(T, N) = (4, 3)"]),
    ("target", TARGET, ["target", "(4, 3, 6)", "(T, N) = (4, 3)"]),
    ("target", CLASSES * 0 + K, ["target", "(4, 3)", "0 ... K - 1 = 5"]),
    ("target", CLASSES * 0 - 1, ["target", "(4, 3)", "0 ... K - 1 = 5"]),
]
BAD_TARGETS: list[Wrong] = [
    *bad_arrays("target", TARGET, "T N K"),
    *mixed("target", TARGET),
    ("target", with_nan(TARGET), ["target", "(4, 3, 6)", "NaN"]),
]
BAD_READOUT: list[Wrong] = [
    *inside("params", READOUT, "W_hy", bad_arrays("W_hy", READOUT.W_hy, "H K", free="H K")),
    *inside("params", READOUT, "b_y", bad_arrays("b_y", READOUT.b_y, "K")),
    *inside("params", READOUT, "b_y", mixed("b_y", READOUT.b_y)),
    ("params", tuple(READOUT), ["params", "readout.Readout(W_hy, b_y)", "tuple"]),
    ("params", PARAMS, ["params", "readout.Readout(W_hy, b_y)", "Params"]),
]
BAD_X: list[Wrong] = [
    *bad_arrays("x", X, "T N D", free="T N"),
    *mixed("x", X),
    ("x", with_nan(X), ["x", "(4, 3, 2)", "NaN", "[3, 2, 1]"]),
]
BAD_DH: list[Wrong] = [*bad_arrays("dh", DH, "T N H"), *mixed("dh", DH)]
BAD_MODELS: list[Wrong] = [
    ("model", tuple(MODEL), ["model", "loop.Model(cell, readout)", "tuple"]),
    ("model", PARAMS, ["model", "loop.Model(cell, readout)", "Params"]),
    ("model", loop.Model(READOUT, PARAMS), ["model.readout", "readout.Readout", "Params"]),
    ("model", loop.Model("text", READOUT), ["model.cell", "rnn.Params", "str"]),
]


def bad_functions(argument: str) -> list[Wrong]:
    """What no function can be."""
    return [(argument, bad, [argument, "function", type(bad).__name__]) for bad in (3, "mse", W)]


def bad_tape(fields: str = "x h_prev h") -> list[Wrong]:
    """Tapes that do not fit the parameters."""
    free = {"x": "T N", "h_prev": "", "h": ""}
    wrong: list[Wrong] = [("tape", tuple(TAPE), ["tape", "rnn.Tape(x, h_prev, h)", "tuple"])]
    wrong.append(("tape", CACHES[0], ["tape", "rnn.Tape(x, h_prev, h)", "Cache"]))
    for field in fields.split():
        good = getattr(TAPE, field)
        axes = "T N D" if field == "x" else "T N H"
        wrong += inside("tape", TAPE, field, bad_arrays("tape", good, axes, free[field], name=f"tape.{field}"))
        wrong += inside("tape", TAPE, field, mixed("tape", good, name=field))
    return wrong


def bad_cache() -> list[Wrong]:
    """Caches that do not fit the parameters."""
    cache = CACHES[0]
    wrong: list[Wrong] = [
        ("cache", tuple(cache), ["cache", "rnn.Cache(x, h_prev, h)", "tuple"]),
        ("cache", TAPE, ["cache", "rnn.Cache(x, h_prev, h)", "Tape"]),
    ]
    for field, axes, free in (("x", "N D", "N"), ("h_prev", "N H", ""), ("h", "N H", "")):
        good = getattr(cache, field)
        wrong += inside("cache", cache, field, bad_arrays("cache", good, axes, free, name=f"cache.{field}"))
        wrong += inside("cache", cache, field, mixed("cache", good, name=field))
    return wrong


def of_z(function: Callable[..., Any], argument: str) -> Row:
    """The row of an activation or a derivative."""
    return Row(function, {argument: W}, [*bad_kinds(argument, W), (argument, None, [argument, "NoneType"])])


def gradient_of_square(model: Any, batch: Any) -> tuple[float, Any]:
    """A loss and its gradient, for `fit`."""
    return float((model**2).sum()), 2 * model


SERIES = np.arange(10.0)
BAD_SERIES: list[Wrong] = [
    *bad_arrays("series", SERIES, "L", free="L"),
    ("series", np.ones((2, 5)), ["series", "(2, 5)", "(L,)"]),
    ("series", with_nan(SERIES), ["series", "(10,)", "NaN", "[9]"]),
]
LOSS_RIGHT = {"y": Y, "target": TARGET, "mask": MASK}
CLASS_RIGHT = {"y": Y, "target": CLASSES, "mask": MASK}
BAD_Y: list[Wrong] = [*bad_arrays("y", Y, "T N K", free="T N K"), *mixed("y", Y)]


def half_square(h: Any, start: int) -> tuple[float, Any, None]:
    """A loss by windows: ½ Σ h²."""
    return 0.5 * float(np.sum(h * h)), h, None


def bad_losses() -> list[Wrong]:
    """No function, and functions whose gradient does not fit the states."""

    def giving(spoil: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda h, start: (0.0, spoil(h), None)

    spoilt: list[tuple[Callable[[Any], Any], list[str]]] = [
        (lambda h: h[0], ["dh", "(T, N, H)"]),
        (lambda h: h[..., :1], ["dh", "H = 5"]),
        (lambda h: h[:, :1], ["dh", "N = 3"]),
        (lambda h: np.repeat(h, 2, 0), ["dh", "T = "]),
        (lambda h: h.tolist(), ["dh", "list"]),
        (lambda h: h.astype(int), ["dh", "int64"]),
        (lambda h: h.astype(np.float32), ["mixed precision", "dh", "float32"]),
    ]
    return [*bad_functions("loss_gradient"), *[("loss_gradient", giving(spoil), words) for spoil, words in spoilt]]


def bad_squares(argument: str) -> list[Wrong]:
    """What no square matrix of real numbers can be."""
    return [
        *bad_kinds(argument, SQUARE),
        *[(argument, bad, [argument, str(bad.shape), "(H, H)"]) for bad in (SQUARE[0], SQUARE[:2], SQUARE[None])],
        (argument, SQUARE[:0, :0], [argument, "(0, 0)", "at least 1"]),
        (argument, with_nan(SQUARE), [argument, "(3, 3)", "finite"]),
        (argument, SQUARE + np.inf, [argument, "(3, 3)", "finite"]),
        (argument, SQUARE.astype(complex), [argument, "complex128", "real"]),
    ]


def bad_positions(argument: str = "probability") -> list[Wrong]:
    """What no probability of a cut can be."""
    return [
        (argument, bad, [argument, repr(bad), "from 0 to below 1"])
        for bad in (-0.1, 1, 1.0, 2, np.nan, "0.5", None, True)
    ]


BAD_CUTS: list[Wrong] = [
    ("cuts", [0], ["cuts", "0", "at least 1"]),
    ("cuts", [1.0], ["cuts", "1.0"]),
    ("cuts", [T], ["cuts", "T - 1 = 3", "[4]"]),
    ("cuts", [2, 1], ["cuts", "rise", "[2, 1]"]),
    ("cuts", [2, 2], ["cuts", "rise", "[2, 2]"]),
    ("cuts", 2, ["cuts", "int"]),
    ("cuts", None, ["cuts", "NoneType"]),
]
SQUARE = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0], [0.0, 0.25, 1.0]])
GRADIENT = bptt.Gradient(1.0, PARAMS, READOUT)
WHOLE = {"cell": rnn, "params": PARAMS, "x": X, "state0": H0, "loss_gradient": half_square}
PARTS = tbptt.contributions(rnn, PARAMS, CACHES, DH)
# An x or a state that goes to `step` one by one is refused there, as (N, D) and h_prev.
BAD_STEPWISE_X: list[Wrong] = [
    *[*bad_kinds("x", X), ("x", X[0], ["x", "(3, 2)", "(T, N, D)"]), ("x", X[:0], ["x", "(0, 3, 2)", "at least 1"])],
    *[("x", X[..., :1], ["x", "(3, 1)", "D = 2"]), *mixed("x", X)],
]
BAD_WHOLE: list[Wrong] = [*BAD_CELL, *BAD_PARAMS, *MIXED_PARAMS]
BAD_STEPWISE: list[Wrong] = [*BAD_WHOLE, *BAD_STEPWISE_X, *bad_arrays("state0", H0, "N H"), *mixed("state0", H0)]
BAD_SEQUENCE: list[Wrong] = [
    *[*BAD_WHOLE, *BAD_X, *bad_losses()],
    *[*bad_arrays("state0", H0, "N H"), *mixed("state0", H0), ("state0", with_nan(H0), ["state0", "(3, 5)", "NaN"])],
]
BAD_STATES: list[Wrong] = [*BAD_PARAMS, *MIXED_PARAMS, *BAD_ACTIVATION, *mixed("h", HIDDEN)]
COST_WRONG: list[Wrong] = [
    *[*bad_sizes("T"), *bad_sizes("slots")],
    *[("keeps", bad, ["keeps", "'state' or 'step'", repr(bad)]) for bad in ("states", None, 1)],
]
ACTIONS = list(checkpointing.schedule(T, 2))
ACTIONS_WRONG: list[Wrong] = [
    ("actions", [], ["actions", "first 4 steps"]),
    ("actions", ACTIONS[:-1] if ACTIONS[-1].kind == "back" else ACTIONS[:-2], ["actions", "T = 4"]),
    ("actions", list(checkpointing.schedule(T - 1, 2)), ["actions", "T = 4"]),
    ("actions", list(checkpointing.schedule(T + 1, 2)), ["actions", "T = 4"]),
    ("actions", None, ["actions", "NoneType"]),
    ("actions", ["back"], ["actions", "'back'"]),
]
THETA = influence_balancing.Params(np.array([0.5]))
IB_STATE = np.ones((N, 23))
IB_CACHE = influence_balancing.Cache(X[0])
BAD_THETA: list[Wrong] = [
    ("params", (0.5,), ["params", "influence_balancing.Params(theta)", "tuple"]),
    ("params", PARAMS, ["params", "influence_balancing.Params(theta)"]),
    ("params", influence_balancing.Params(0.5), ["theta", "0.5", "(1,)"]),
    ("params", influence_balancing.Params(np.ones(2)), ["theta", "(1,)"]),
    ("params", influence_balancing.Params(np.ones(1, int)), ["theta", "floating"]),
]
ADAM = optim.adam_start(READOUT)
BAD_TREES: list[Wrong] = [
    ("params", READOUT._replace(b_y=READOUT.b_y.tolist()), ["params", "list"]),
    ("params", READOUT._replace(b_y=READOUT.b_y.astype(int)), ["params", "int64"]),
]
BAD_GRADS: list[Wrong] = [
    ("grads", READOUT._replace(b_y=READOUT.b_y.astype(object)), ["grads", "object"]),
    ("grads", READOUT._replace(b_y=READOUT.b_y.tolist()), ["grads", "list"]),
    ("grads", READOUT._replace(b_y=READOUT.b_y.astype(int)), ["grads", "int64"]),
]

BAD_FORGET_BIAS: list[Wrong] = [
    ("forget_bias", bad, ["forget_bias", repr(bad), "finite number"])
    for bad in (None, "1", np.nan, np.inf, True, 1j, np.ones(1))
]


def bad_cell_params(cell: ModuleType, params: Any, name: str) -> list[Wrong]:
    """Parameters that are no parameters of a cell with gates."""
    blocks = f"{params.W_xh.shape[1] // H}H"
    axes = {"W_xh": f"D {blocks}", "W_hh": f"H {blocks}", "b_h": blocks}
    wrong: list[Wrong] = [
        ("params", tuple(params), ["params", f"{name}.Params(", "tuple"]),
        ("params", PARAMS, ["params", f"{name}.Params(", "rnn.Params"]),
        ("params", None, ["params", f"{name}.Params(", "NoneType"]),
    ]
    for field, good in params._asdict().items():
        wrong += inside("params", params, field, bad_arrays(field, good, axes.get(field, "H"), "D"))
    return wrong


def mixed_params(params: Any) -> list[Wrong]:
    """Parameters one array of which has another precision."""
    return [
        wrong
        for field, good in params._asdict().items()
        for wrong in inside("params", params, field, mixed(field, good))
    ]


def bad_states(argument: str, good: Any) -> list[Wrong]:
    """What no state (N, H), or pair of such, can be."""
    if isinstance(good, np.ndarray):
        return [*bad_arrays(argument, good, "N H"), *mixed(argument, good)]
    wrong: list[Wrong] = [
        (argument, tuple(good), [argument, "lstm.State(h, c)", "tuple"]),
        (argument, good.h, [argument, "lstm.State(h, c)", "ndarray"]),
    ]
    for part, array in good._asdict().items():
        wrong += inside(argument, good, part, bad_arrays(argument, array, "N H", name=f"{argument}.{part}"))
        wrong += inside(argument, good, part, mixed(argument, array, name=f"{argument}.{part}"))
    return wrong


def bad_record(argument: str, good: Any, name: str, time: str = "") -> list[Wrong]:
    """Caches or tapes that do not fit the parameters."""
    kind = type(good).__name__
    wrong: list[Wrong] = [
        (argument, tuple(good), [argument, f"{name}.{kind}(", "tuple"]),
        (argument, CACHES[0], [argument, f"{name}.{kind}(", "Cache"]),
    ]
    for field, array in good._asdict().items():
        axes = f"{time}N {'D' if field == 'x' else 'H'}"
        free = f"{time}N" if field == "x" else ""
        wrong += inside(argument, good, field, bad_arrays(argument, array, axes, free, name=f"{argument}.{field}"))
        wrong += inside(argument, good, field, mixed(argument, array, name=field))
    return wrong


def rows_of_a_cell(cell: ModuleType) -> list[Row]:
    """The rows of a cell with gates: of what its module defines itself."""
    name = any_cell.name_of(cell)
    params, x, state, dh, dstate = any_cell.draw(cell, 0, T, N, D, H)
    pair = not isinstance(state, np.ndarray)
    owner = "gru" if cell is gru_reset_first else name
    of_params = bad_cell_params(cell, params, owner)
    of_all = [*of_params, *mixed_params(params)]
    of_state, of_dstate = ("state", "dstate") if pair else ("h_prev", "dh")
    _, cache = cell.step(params, x[0], state)
    rows = [
        Row(
            cell.step,
            {"params": params, "x": x[0], of_state: state},
            [*of_all, *bad_arrays("x", x[0], "N D", free="N"), *mixed("x", x[0]), *bad_states(of_state, state)],
        ),
        Row(
            cell.step_backward,
            {"params": params, "cache": cache, of_dstate: dstate},
            [*of_all, *bad_record("cache", cache, name), *bad_states(of_dstate, dstate)],
        ),
    ]
    if cell.init.__module__ == cell.__name__:
        right, wrong = {"rng": RNG, "D": 2, "H": 3, "dtype": np.float64}, [*BAD_RNG, *bad_sizes("D"), *bad_sizes("H")]
        if pair:
            right, wrong = {**right, "forget_bias": 1.0}, [*wrong, *BAD_FORGET_BIAS]
        rows.append(Row(cell.init, right, [*wrong, *bad_dtypes()]))
        rows.append(Row(cell.zero_state, {"params": params, "N": 3}, [*of_params, *bad_sizes("N")]))
    if hasattr(cell, "forward"):
        h, _, tape = cell.forward(params, x, state)
        of_state0, of_dstate_T = ("state0", "dstate_T") if pair else ("h0", "dh_T")
        nan: list[Wrong] = [("h0", with_nan(state), ["h0", "NaN"])] if not pair else []
        for part, array in state._asdict().items() if pair else []:
            nan += inside("state0", state, part, [("", with_nan(array), [f"state0.{part}", "(3, 5)", "NaN"])])
        rows.append(
            Row(
                cell.forward,
                {"params": params, "x": x, of_state0: state},
                [*of_all, *BAD_X, *bad_states(of_state0, state), *nan],
            )
        )
        rows.append(
            Row(
                cell.backward,
                {"params": params, "tape": tape, "dh": dh, of_dstate_T: dstate},
                [
                    *[*of_all, *bad_record("tape", tape, name, "T "), *BAD_DH],
                    *bad_states(of_dstate_T, dstate),
                ],
            )
        )
        assert h.shape == (T, N, H)
    return rows


FOLDER = Path(tempfile.mkdtemp(prefix="bptt-lessons-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
READS = loop.Model(rnn.init(RNG, K, H), readout.init(RNG, H, K))
SESSION = loop.Session(READS, optim.adam_start(READS), H0, (1.0,))
saving.save(FOLDER / "session.npz", SESSION)
(FOLDER / "text.npz").write_text("no session", encoding="utf-8")
SYMBOLS = RNG.integers(0, K, (T + 1, N))
BAD_SESSION: list[Wrong] = [
    ("session", tuple(SESSION), ["session", "loop.Session", "tuple"]),
    ("session", READS, ["session", "loop.Session", "Model"]),
    ("session", None, ["session", "loop.Session", "NoneType"]),
]
BAD_READS: list[Wrong] = [
    *BAD_MODELS[:2],
    ("model", loop.Model(READS.readout, READS.cell), ["model.readout", "readout.Readout", "Params"]),
    ("model", None, ["model", "loop.Model(cell, readout)", "NoneType"]),
]
BAD_SYMBOLS: list[Wrong] = [
    ("symbols", SYMBOLS.tolist(), ["symbols", "integers", "(T + 1, N)"]),
    ("symbols", SYMBOLS.astype(float), ["symbols", "(5, 3)", "float64", "integers", "(T + 1, N)"]),
    ("symbols", SYMBOLS > 2, ["symbols", "(5, 3)", "bool", "integers"]),
    ("symbols", SYMBOLS[0], ["symbols", "(3,)", "(T + 1, N)"]),
    ("symbols", SYMBOLS[:1], ["symbols", "(1, 3)", "(T + 1, N)", "at least 1"]),
    ("symbols", SYMBOLS[:, :0], ["symbols", "(5, 0)", "(T + 1, N)", "at least 1"]),
    ("symbols", SYMBOLS + K, ["symbols", "from 0 to K - 1 = 5"]),
    ("symbols", SYMBOLS - K, ["symbols", "from 0 to K - 1 = 5"]),
    ("symbols", None, ["symbols", "None", "(T + 1, N)"]),
]
BAD_PATH: list[Wrong] = [
    ("path", bad, ["path", "a string or a path", type(bad).__name__]) for bad in (3, None, ["session.npz"])
]


def one_more(session: loop.Session) -> loop.Session:
    """One update, for `train`."""
    return session._replace(losses=(*session.losses, 1.0))


PLACES = np.array([0, 1, 2, 0, 1])  # in the alphabet "abc"
LONG = np.arange(40) % 3


def bad_places(argument: str, K: int, least: int = 1) -> list[Wrong]:
    """What no text as places in an alphabet of K can be."""
    good = np.arange(least + 3) % K
    return [
        (argument, good.tolist(), [argument, "integers of shape (L,)"]),
        (argument, good.astype(float), [argument, "float64", "integers of shape (L,)"]),
        (argument, good > 0, [argument, "bool", "integers of shape (L,)"]),
        (argument, good[None], [argument, f"(1, {least + 3})", "integers of shape (L,)"]),
        (argument, good[: least - 1], [argument, f"({least - 1},)", f"at least {least}"]),
        (argument, good + K, [argument, f"from 0 to {K - 1}"]),
        (argument, good - 1, [argument, f"from 0 to {K - 1}"]),
        (argument, None, [argument, "None"]),
    ]


BAD_K: list[Wrong] = [("K", bad, ["K", repr(bad), "at least 2"]) for bad in (1, 0, -1, 3.0, True, "3", None)]
BAD_ALPHABET: list[Wrong] = [
    ("alphabet", "", ["alphabet", "at least one character", "empty"]),
    ("alphabet", ["a", "b", "c"], ["alphabet", "string", "list"]),
    ("alphabet", None, ["alphabet", "string", "NoneType"]),
    ("alphabet", "abca", ["alphabet", "each character once", "'a'"]),
]


def bad_texts(argument: str) -> list[Wrong]:
    """What no text can be."""
    return [
        (argument, "", [argument, "at least one character", "empty"]),
        (argument, b"abc", [argument, "string", "bytes"]),
        (argument, None, [argument, "string", "NoneType"]),
    ]


LOGITS, UNIFORM = RNG.normal(size=(N, K)), np.array([0.0, 0.5, 0.999])
BAD_STRINGS: list[Wrong] = [
    ("strings", bad, ["strings", "list of at least one string"]) for bad in ([], (), "BTBTXSETE", None)
]
WEIGHTS = torch_weights.to_torch(any_cell.draw(lstm, 0, 1, 1, D, H).params)
BAD_WEIGHTS: list[Wrong] = [
    *[
        ("weights", {**WEIGHTS, name: bad}, [name, *words])
        for name, axes in (
            ("weight_ih_l0", "4H D"),
            ("weight_hh_l0", "4H H"),
            ("bias_ih_l0", "4H"),
            ("bias_hh_l0", "4H"),
        )
        for _, bad, words in bad_arrays(name, WEIGHTS[name], axes, "D")
    ],
    *[("weights", {**WEIGHTS, name: w.astype(np.float32)}, ["mixed precision", name]) for name, w in WEIGHTS.items()],
    *[("weights", {n: w for n, w in WEIGHTS.items() if n != name}, ["weights", name]) for name in WEIGHTS],
    *[("weights", bad, ["weights", "mapping", type(bad).__name__]) for bad in (None, list(WEIGHTS.items()), 3)],
    ("weights", {1: W}, ["weights", "weight_ih_l0", "it has 1"]),
    ("weights", torch_weights.to_torch(PARAMS), ["weight_hh_l0", "(5, 5)", "4H"]),
]
BAD_TORCH_PARAMS: list[Wrong] = [
    ("params", READOUT, ["params", "rnn, gru or lstm", "Readout"]),
    ("params", tuple(PARAMS), ["params", "rnn, gru or lstm", "tuple"]),
    (
        "params",
        any_cell.draw(lstm_peephole, 0, 1, 1, D, H).params,
        ["params", "rnn, gru or lstm", "lstm_peephole.Params"],
    ),
    ("params", None, ["params", "rnn, gru or lstm", "NoneType"]),
]

TABLE = [
    *[row for cell in (lstm, gru, lstm_coupled, lstm_peephole, gru_reset_first) for row in rows_of_a_cell(cell)],
    Row(stretches.stretches, {"T": 3, "N": 2}, [*bad_sizes("T"), *bad_sizes("N")]),
    Row(
        stretches.project,
        {"x": X, "W": np.ones((D, H)), "b": np.ones(H)},
        [
            *bad_arrays("x", X, "T N D", free="T N D"),
            *bad_arrays("W", np.ones((D, H)), "D K", free="K"),
            *bad_arrays("b", np.ones(H), "K"),
        ],
    ),
    Row(
        lstm.memory_half_life,
        {"b": W},
        [*bad_kinds("b", W), ("b", None, ["b", "NoneType"]), ("b", W * 1j, ["b", "real"]), ("b", 1j, ["b", "real"])],
    ),
    Row(torch_weights.to_torch, {"params": PARAMS}, [*BAD_TORCH_PARAMS, *BAD_PARAMS[:-3]]),
    Row(torch_weights.cell_of, {"params": PARAMS}, BAD_TORCH_PARAMS),
    Row(
        torch_weights.from_torch,
        {"cell": lstm, "weights": WEIGHTS},
        [
            *[("cell", bad, ["cell", "rnn, gru and lstm"]) for bad in ("lstm", None, np, lstm_peephole, [lstm])],
            *BAD_WEIGHTS,
        ],
    ),
    Row(
        loop.truncated_epoch,
        {
            "cell": rnn,
            "session": SESSION,
            "symbols": SYMBOLS,
            "k": 2,
            "update": lambda model, grads, memory: (model, memory),
        },
        [
            *[*BAD_CELL, ("cell", SimpleNamespace(forward=rnn.forward), ["cell", "backward"]), *BAD_SESSION],
            *[("session", loop.Session(bad), words) for _, bad, words in BAD_READS],
            ("session", loop.Session(MODEL), ["x", "(2, 3, 6)", "D = 2"]),
            ("session", SESSION._replace(state=H0[:1]), ["session.state", "(1, 5)", "N = 3"]),
            *[*BAD_SYMBOLS, *bad_sizes("k"), *bad_functions("update")],
        ],
    ),
    Row(
        loop.train,
        {
            "session": SESSION,
            "advance": one_more,
            "updates": 2,
            "on_update": lambda done, loss: None,
            "stopped": lambda: False,
        },
        [
            *[*BAD_SESSION, *bad_functions("advance"), *bad_sizes("updates")],
            *[*bad_functions("on_update"), *bad_functions("stopped")],
            ("advance", lambda session: session, ["advance", "at least one update more"]),
            ("advance", lambda session: None, ["advance", "loop.Session"]),
        ],
    ),
    Row(
        loop.bits_per_symbol,
        {"cell": rnn, "model": READS, "symbols": SYMBOLS, "k": 2},
        [*BAD_CELL, *BAD_READS, ("model", MODEL, ["x", "D = 2"]), *BAD_SYMBOLS, *bad_sizes("k")],
    ),
    Row(loop.reader, {"cell": rnn, "model": READS}, [*BAD_CELL, *BAD_READS]),
    Row(
        saving.save,
        {"path": FOLDER / "again.npz", "session": SESSION},
        [
            *[*BAD_PATH, *BAD_SESSION],
            ("session", SESSION._replace(model="text"), ["session.model", "array of numbers", "str"]),
            ("session", SESSION._replace(state=np.array([None])), ["session.state", "array of numbers"]),
        ],
    ),
    Row(
        saving.load,
        {"path": FOLDER / "session.npz", "like": SESSION},
        [
            *[*BAD_PATH, ("path", FOLDER / "text.npz", ["text.npz", "no saved session"])],
            *[("like", bad, ["like", *words[1:]]) for _, bad, words in BAD_SESSION],
            ("like", loop.Session(MODEL, SESSION.memory, H0), ["model.cell.W_xh", "(6, 5)", "(2, 5)"]),
            ("like", SESSION._replace(memory=None), ["memory.updates", "as well"]),
            ("like", SESSION._replace(state=lstm.State(H0, H0)), ["state.h", "another structure"]),
            ("like", SESSION._replace(state=H0.astype(np.float32)), ["state", "float64", "float32"]),
        ],
    ),
    Row(
        adding.sequences,
        {"rng": RNG, "T": 2, "N": 2},
        [*BAD_RNG, *bad_sizes("T"), ("T", 1, ["T", "at least 2", "1"]), *bad_sizes("N")],
    ),
    Row(copying.sequences, {"rng": RNG, "gap": 1, "N": 2}, [*BAD_RNG, *bad_sizes("gap"), *bad_sizes("N")]),
    Row(copying.baseline, {"gap": 3}, bad_sizes("gap")),
    Row(reber.string, {"rng": RNG}, BAD_RNG),
    Row(reber.sequences, {"rng": RNG, "N": 2}, [*BAD_RNG, *bad_sizes("N")]),
    Row(
        reber.legal_next,
        {"text": "BTBTXSETE"},
        [
            *[
                ("text", bad, ["text", "Reber grammar", repr(bad)])
                for bad in ("", "B", "BTBTXSEPE", "BTBTXXETE", "btbtxsete")
            ],
            *[("text", bad, ["text", "Reber grammar", type(bad).__name__]) for bad in (None, 3, list("BTBTXSETE"))],
        ],
    ),
    Row(
        reber.batch,
        {"strings": ["BTBTXSETE", "BPBPVVEPE"]},
        [
            *BAD_STRINGS,
            ("strings", ["BTBTXSETE", "BE"], ["Reber grammar", "'BE'"]),
            ("strings", ["BTBTXSETE", None], ["strings", "Reber grammar", "NoneType"]),
        ],
    ),
    Row(text.alphabet, {"text": "abc"}, bad_texts("text")),
    Row(
        text.encode,
        {"text": "cab", "alphabet": "abc"},
        [*bad_texts("text"), ("text", "abx!", ["text", "not in the alphabet", "'!x'"]), *BAD_ALPHABET],
    ),
    Row(
        text.decode,
        {"symbols": PLACES, "alphabet": "abc"},
        [
            *BAD_ALPHABET,
            ("symbols", PLACES.astype(float), ["symbols", "(5,)", "float64", "integers (L,)"]),
            ("symbols", PLACES[None], ["symbols", "(1, 5)", "integers (L,)"]),
            ("symbols", PLACES + 1, ["symbols", "from 0 to 2", "3"]),
            ("symbols", PLACES - 1, ["symbols", "from 0 to 2", "-1"]),
            ("symbols", "abc", ["symbols", "integers (L,)"]),
            ("symbols", None, ["symbols", "integers (L,)"]),
        ],
    ),
    Row(
        text.sample,
        {"y": LOGITS, "temperature": 0.5, "u": UNIFORM},
        [
            *[*bad_arrays("y", LOGITS, "N K", free="N K"), ("y", with_nan(LOGITS), ["y", "(3, 6)", "NaN"])],
            *[*bad_positives("temperature"), *bad_arrays("u", UNIFORM, "N")],
            *[("u", UNIFORM + shift, ["u", "(3,)", "[0, 1)"]) for shift in (-0.01, 0.01, np.nan)],
        ],
    ),
    Row(
        text.generate,
        {"rng": RNG, "read": loop.reader(rnn, READS), "start": PLACES, "length": 2, "temperature": 0.5},
        [
            *[*BAD_RNG, *bad_functions("read"), *bad_sizes("length"), *bad_positives("temperature")],
            ("read", lambda symbols, state: (LOGITS[0], None), ["y", "(6,)", "(N, K)"]),
            ("start", PLACES + K, ["start", "K - 1 = 5"]),
            ("start", PLACES[:0], ["start", "(0,)", "at least 1"]),
            ("start", PLACES[None], ["start", "(1, 5)", "(L,)"]),
            ("start", None, ["start", "NoneType"]),
        ],
    ),
    Row(
        text.library_docstrings,
        {"folder": None},
        [
            *[("folder", bad, ["folder", repr(bad)]) for bad in (3, FOLDER / "none", ["a"], b"a")],
            ("folder", FOLDER, ["no text to learn from"]),
        ],
    ),
    Row(compression.uniform_bits, {"K": 3}, BAD_K),
    Row(
        compression.unigram_bits,
        {"training": PLACES, "held_out": PLACES, "K": 3},
        [*bad_places("training", 3), *bad_places("held_out", 3), *BAD_K],
    ),
    Row(
        compression.trigram_bits,
        {"training": LONG, "held_out": PLACES, "K": 3, "rounds": 2},
        [*bad_places("training", 3, 30), *bad_places("held_out", 3, 3), *BAD_K, *bad_sizes("rounds")],
    ),
    Row(
        compression.trigram_parts,
        {"counted": LONG, "text": PLACES, "K": 3},
        [*bad_places("counted", 3, 3), *bad_places("text", 3, 3), *BAD_K],
    ),
    Row(
        compression.xz_bits,
        {"held_out": "abc", "given": "ab"},
        [
            *[("held_out", bad, ["held_out", "strings"]) for bad in ("", b"abc", None, 3)],
            *[("given", bad, ["given", "strings"]) for bad in (b"abc", None, 3)],
        ],
    ),
    Row(
        init.orthogonal,
        {"rng": RNG, "H": 3, "gain": 1.5, "dtype": np.float64},
        [*BAD_RNG, *bad_sizes("H"), *bad_positives("gain"), *bad_dtypes()],
    ),
    Row(
        init.identity,
        {"H": 3, "gain": 1.5, "dtype": np.float64},
        [*bad_sizes("H"), *bad_positives("gain"), *bad_dtypes()],
    ),
    Row(
        init.scaled_to_radius,
        {"W": SQUARE, "radius": 0.9},
        [
            *[*bad_squares("W"), *bad_positives("radius")],
            ("W", np.triu(SQUARE, 1), ["W", "(3, 3)", "spectral radius 0"]),
        ],
    ),
    Row(
        init.non_normal,
        {"rng": RNG, "H": 3, "radius": 0.9, "shear": 0.5},
        [
            *[*BAD_RNG, *bad_sizes("H"), ("H", 1, ["H", "at least 2", "1"]), *bad_positives("radius")],
            *[("shear", bad, ["shear", repr(bad)]) for bad in (-1e-3, np.nan, np.inf, "0.1", None, True)],
        ],
    ),
    Row(unrolled.looped, {"cell": rnn}, [*BAD_CELL, ("cell", SimpleNamespace(step=rnn.step), ["cell", "zero_state"])]),
    Row(bptt.full_gradient, WHOLE, BAD_SEQUENCE),
    Row(
        bptt.add,
        {"a": GRADIENT, "b": GRADIENT},
        [
            ("a", GRADIENT._replace(grads=READOUT), ["Readout", "Params"]),
            ("b", GRADIENT._replace(grads=PARAMS._replace(b_h=W)), ["b_h", "(2,)", "(5,)"]),
            ("b", GRADIENT._replace(extra=PARAMS), ["Readout", "Params"]),
        ],
    ),
    Row(
        bptt.add_extra,
        {"a": READOUT, "b": READOUT},
        [("a", PARAMS, ["Readout", "Params"]), ("b", READOUT._replace(b_y=W), ["b_y", "(2,)", "(6,)"])],
    ),
    Row(
        bptt.loss_of,
        {"loss_gradient": half_square, "h": HIDDEN, "start": 0},
        [*bad_losses(), ("h", HIDDEN[0], ["h", "(3, 5)", "(T, N, H)"])],
    ),
    Row(
        tbptt.windows,
        {"T": 5, "k": 2},
        [*bad_sizes("T"), *bad_sizes("k")],
    ),
    Row(
        tbptt.stream_batches,
        {"stream": SERIES, "N": 3},
        [
            *[("stream", SERIES.tolist(), ["stream", "list"]), ("stream", np.array(1.0), ["stream", "()", "(L, ...)"])],
            *[
                ("stream", SERIES[:0], ["stream", "(0,)", "at least one step"]),
                ("stream", None, ["stream", "NoneType"]),
            ],
            *[*bad_sizes("N"), ("N", 11, ["N", "at most L", "(10,)", "11"])],
        ],
    ),
    Row(
        tbptt.windowed_gradient,
        {**WHOLE, "k": T},
        [*BAD_SEQUENCE, *bad_sizes("k")],
    ),
    Row(
        tbptt.sliding_gradient,
        {**WHOLE, "k1": 2, "k2": 3},
        [
            *[*BAD_STEPWISE, *bad_losses(), *bad_sizes("k1"), *bad_sizes("k2")],
            *[("k1", 4, ["k1", "at most k2", "k1 = 4, k2 = 3"]), ("k2", 1, ["k1", "at most k2", "k1 = 2, k2 = 1"])],
        ],
    ),
    Row(
        tbptt.randomised_gradient,
        {**WHOLE, "cuts": [1, 3], "probability": 0.5},
        [*BAD_STEPWISE, *bad_losses(), *BAD_CUTS, *bad_positions()],
    ),
    Row(
        tbptt.contributions,
        {"cell": rnn, "params": PARAMS, "caches": CACHES, "dh": DH},
        [
            *BAD_WHOLE,
            ("caches", [], ["caches", "length 0", "T at least 1"]),
            ("caches", iter(CACHES), ["caches", "list"]),
            ("caches", None, ["caches", "None"]),
            ("caches", CACHES[1:], ["dh", "(4, 3, 5)", "(T, N, H) with T = 3"]),
            ("caches", [None] * T, ["caches[0]", "rnn.Cache(x, h_prev, h)", "NoneType"]),
            ("caches", [TAPE] * T, ["cache", "rnn.Cache(x, h_prev, h)", "Tape"]),
            *[*bad_kinds("dh", DH), *mixed("dh", DH), ("dh", DH[0], ["dh", "(3, 5)", "(T, N, H) with T = 4"])],
            ("dh", DH[..., :1], ["dh", "(4, 3, 1)", "H = 5"]),
        ],
    ),
    Row(
        tbptt.summed,
        {"parts": PARTS, "weights": np.ones((T, T))},
        [
            ("parts", PARAMS, ["parts.W_xh", "(2, 5)", "(T, T, ...)"]),
            ("parts", W, ["parts", "(2,)", "(T, T, ...)"]),
            ("parts", None, ["parts", "NoneType"]),
            ("weights", np.ones((T, T + 1)), ["weights", "(4, 5)", "(T, T) = (4, 4)"]),
            ("weights", np.ones(T), ["weights", "(4,)", "(T, T) = (4, 4)"]),
            ("weights", np.ones((T, T)).tolist(), ["weights", "list", "(T, T)"]),
            ("weights", np.ones((T, T)) * 1j, ["weights", "complex128", "real"]),
            ("weights", None, ["weights", "NoneType"]),
        ],
    ),
    Row(tbptt.kept_by_windows, {"T": 5, "k": 2}, [*bad_sizes("T"), *bad_sizes("k")]),
    Row(
        tbptt.kept_by_sliding,
        {"T": 5, "k1": 2, "k2": 3},
        [*bad_sizes("T"), *bad_sizes("k1"), *bad_sizes("k2"), ("k1", 4, ["k1", "at most k2", "k1 = 4, k2 = 3"])],
    ),
    Row(
        tbptt.kept_by_cuts,
        {"T": T, "cuts": [1, 3], "probability": 0.5},
        [*bad_sizes("T"), ("T", 3, ["cuts", "T - 1 = 2", "[1, 3]"]), *BAD_CUTS, *bad_positions()],
    ),
    Row(
        flow.step_jacobian,
        {"params": PARAMS, "h": HIDDEN[0], "activation": activations.TANH},
        [*BAD_STATES[:-1], *bad_arrays("h", HIDDEN[0], "N H", free="N"), *mixed("h", HIDDEN[0])],
    ),
    Row(
        flow.jacobian_products,
        {"params": PARAMS, "h": HIDDEN, "activation": activations.TANH},
        [*BAD_STATES, *bad_arrays("h", HIDDEN, "T N H", free="T N")],
    ),
    Row(
        flow.operator_norms,
        {"matrices": SQUARE[None]},
        [
            ("matrices", SQUARE.tolist(), ["matrices", "list", "(..., H, H)"]),
            ("matrices", SQUARE[0], ["matrices", "(3,)", "(..., H, H)"]),
            ("matrices", SQUARE[:2], ["matrices", "(2, 3)", "(..., H, H)"]),
            ("matrices", SQUARE.astype(int), ["matrices", "int64", "real"]),
            ("matrices", SQUARE.astype(complex), ["matrices", "complex128", "real"]),
            ("matrices", with_nan(SQUARE), ["matrices", "(3, 3)", "finite"]),
            ("matrices", SQUARE[:0, :0], ["matrices", "(0, 0)", "at least 1"]),
        ],
    ),
    Row(
        flow.gradient_norms,
        {"cell": rnn, "params": PARAMS, "caches": CACHES, "dstate_T": DH_T},
        [
            *BAD_WHOLE,
            ("caches", [], ["caches", "length 0", "T at least 1"]),
            ("caches", iter(CACHES), ["caches", "list"]),
            ("caches", None, ["caches", "None"]),
            ("caches", [None] * T, ["caches[0]", "rnn.Cache(x, h_prev, h)", "NoneType"]),
            ("caches", [TAPE] * T, ["cache", "rnn.Cache(x, h_prev, h)", "Tape"]),
            *[*bad_kinds("dstate_T", DH_T), ("dstate_T", DH, ["dstate_T", "(4, 3, 5)", "(N, H)"])],
            *[("dstate_T", DH_T[:, :1], ["dstate_T", "(3, 1)", "H = 5"]), *mixed("dstate_T", DH_T)],
        ],
    ),
    Row(flow.spectral_radius, {"W": SQUARE}, bad_squares("W")),
    Row(flow.largest_singular_value, {"W": SQUARE}, bad_squares("W")),
    Row(
        flow.bound,
        {"W_hh": SQUARE, "gamma": 0.25, "lags": 3},
        [*bad_squares("W_hh"), *bad_positives("gamma"), *bad_sizes("lags")],
    ),
    Row(
        checkpointing.tape_bytes,
        {"T": 2, "N": 3, "D": 4, "H": 5, "itemsize": 4},
        [wrong for name in ("T", "N", "D", "H", "itemsize") for wrong in bad_sizes(name)],
    ),
    Row(
        checkpointing.backward_sqrt,
        {**WHOLE, "segment": T},
        [*BAD_SEQUENCE, *[wrong for wrong in bad_sizes("segment") if wrong[1] is not None]],
    ),
    *[
        Row(function, {"T": 5, "slots": 2, "keeps": "step"}, COST_WRONG)
        for function in (checkpointing.forward_cost, checkpointing.closed_form, checkpointing.schedule)
    ],
    Row(
        checkpointing.backward,
        {**WHOLE, "actions": ACTIONS},
        [*BAD_STEPWISE, *bad_losses(), *ACTIONS_WRONG],
    ),
    Row(
        memory.held_bytes,
        {"tree": [CACHES, TAPE, None, 1.0]},
        [
            *[("tree", bad, ["tree", type(bad).__name__, "arrays"]) for bad in ("text", {"a": W}, {1}, rnn)],
            ("tree", [W, "text"], ["tree", "str", "arrays"]),
        ],
    ),
    Row(memory.peak_bytes, {"function": dict}, bad_functions("function")),
    Row(
        optim.global_norm,
        {"grads": READOUT},
        BAD_GRADS,
    ),
    Row(
        optim.clip_by_global_norm,
        {"grads": READOUT, "max_norm": 1.0},
        [
            *[*BAD_GRADS, *bad_positives("max_norm")],
            ("grads", READOUT._replace(b_y=with_nan(READOUT.b_y)), ["grads", "nan", "finite"]),
            ("grads", READOUT._replace(b_y=READOUT.b_y + np.inf), ["grads", "inf", "finite"]),
        ],
    ),
    Row(optim.adam_start, {"params": READOUT}, BAD_TREES),
    Row(
        optim.adam,
        {
            "params": READOUT,
            "grads": READOUT,
            "state": ADAM,
            "lr": 0.1,
            "decay_mean": 0.9,
            "decay_square": 0.999,
            "eps": 1e-8,
        },
        [
            *[*BAD_TREES, *BAD_GRADS, *bad_positives("lr"), *bad_positives("eps")],
            *[*bad_positions("decay_mean"), *bad_positions("decay_square")],
            ("params", PARAMS, ["grads", "Readout", "Params"]),
            ("params", None, ["params", "NamedTuple", "Readout"]),
            ("params", np, ["params", "NamedTuple", "Readout"]),
            ("grads", tuple(READOUT), ["grads", "tuple", "Readout"]),
            ("grads", None, ["grads", "NoneType", "Readout"]),
            ("grads", READOUT._replace(b_y=READOUT.b_y[:1]), ["b_y", "(1,)", "(6,)"]),
            *inside("grads", READOUT, "W_hy", mixed("grads", READOUT.W_hy)),
            ("state", tuple(ADAM), ["state", "optim.AdamState", "tuple"]),
            ("state", None, ["state", "optim.AdamState", "NoneType"]),
            ("state", ADAM._replace(mean=PARAMS), ["state.mean", "Readout", "Params"]),
            ("state", ADAM._replace(updates="x"), ["state.updates", "'x'"]),
            ("state", ADAM._replace(updates=-1), ["state.updates", "-1"]),
            ("state", ADAM._replace(square=READOUT._replace(b_y=W)), ["b_y", "(2,)", "(6,)"]),
        ],
    ),
    Row(
        readout.loss_by_window,
        {
            "params": READOUT,
            "target": TARGET,
            "mask": MASK,
            "loss": losses.mse,
            "loss_gradient": losses.mse_gradient,
        },
        [
            *[*BAD_READOUT, *BAD_MASKS, *bad_functions("loss"), *bad_functions("loss_gradient")],
            ("target", TARGET.tolist(), ["target", "list", "(T, N, ...)"]),
            ("target", TARGET[0, 0], ["target", "(6,)", "(T, N, ...)"]),
            ("target", None, ["target", "NoneType"]),
        ],
    ),
    Row(
        temporal_order.sequences,
        {"rng": RNG, "T": 10, "N": 2},
        [*BAD_RNG, *bad_sizes("T"), ("T", 9, ["T", "at least 10", "9"]), *bad_sizes("N")],
    ),
    Row(
        delayed_echo.stream,
        {"rng": RNG, "T": 5, "N": 2, "lag": 3},
        [*BAD_RNG, *bad_sizes("T"), *bad_sizes("N"), *bad_sizes("lag"), ("lag", 5, ["lag", "below T = 5", "5"])],
    ),
    Row(influence_balancing.matrix, {"H": 3}, bad_sizes("H")),
    Row(influence_balancing.zero_state, {"params": THETA, "N": 3}, [*BAD_THETA, *bad_sizes("N")]),
    Row(
        influence_balancing.step,
        {"params": THETA, "x": X[0], "h_prev": IB_STATE},
        [
            *[*BAD_THETA, *bad_kinds("x", X[0]), ("x", X, ["x", "(4, 3, 2)", "(N, D)"])],
            *[("x", X[0, :1], ["h_prev", "(3, 23)", "N = 1"]), *bad_arrays("h_prev", IB_STATE, "N H")],
            *mixed("h_prev", IB_STATE),
        ],
    ),
    Row(
        influence_balancing.step_backward,
        {"params": THETA, "cache": IB_CACHE, "dh": IB_STATE},
        [
            *[*BAD_THETA, *bad_arrays("dh", IB_STATE, "N H"), *mixed("dh", IB_STATE)],
            ("cache", tuple(IB_CACHE), ["cache", "influence_balancing.Cache(x)", "tuple"]),
            ("cache", None, ["cache", "influence_balancing.Cache(x)", "NoneType"]),
        ],
    ),
    Row(
        influence_balancing.loss_gradient,
        {"h": IB_STATE[None], "start": 0},
        bad_arrays("h", IB_STATE[None], "T N H", free="T N"),
    ),
    Row(influence_balancing.sensitivity, {"steps": 3}, bad_sizes("steps")),
    Row(
        cliff.loss_and_gradient,
        {"point": cliff.Point(W, -W), "steps": 3},
        [
            *inside("point", cliff.Point(W, -W), "w", bad_kinds("w", W)),
            *inside("point", cliff.Point(W, -W), "b", bad_kinds("b", W)),
            ("point", cliff.Point(W, W[:1]), ["b", "(1,)", "(2,)"]),
            ("point", None, ["point", "NoneType"]),
            ("point", (W, W, W), ["point", "tuple"]),
            *bad_sizes("steps"),
        ],
    ),
    of_z(activations.sigmoid, "z"),
    of_z(activations.relu, "z"),
    of_z(activations.identity, "z"),
    of_z(activations.tanh_derivative, "h"),
    of_z(activations.sigmoid_derivative, "h"),
    of_z(activations.relu_derivative, "h"),
    of_z(activations.identity_derivative, "h"),
    Row(
        init.uniform,
        {"rng": RNG, "rows": 2, "columns": 3, "bound": 0.5, "dtype": np.float64},
        [*BAD_RNG, *bad_sizes("rows"), *bad_sizes("columns"), *bad_positives("bound"), *bad_dtypes()],
    ),
    Row(
        rnn.init,
        {"rng": RNG, "D": 2, "H": 3, "dtype": np.float64},
        [*BAD_RNG, *bad_sizes("D"), *bad_sizes("H"), *bad_dtypes()],
    ),
    Row(rnn.zero_state, {"params": PARAMS, "N": 3}, [*BAD_PARAMS, *bad_sizes("N")]),
    Row(
        rnn.step,
        {"params": PARAMS, "x": X[0], "h_prev": H0, "activation": activations.TANH},
        [
            *[*BAD_PARAMS, *MIXED_PARAMS, *BAD_ACTIVATION],
            *[*bad_arrays("x", X[0], "N D", free="N"), *mixed("x", X[0])],
            *[*bad_arrays("h_prev", H0, "N H"), *mixed("h_prev", H0)],
        ],
    ),
    Row(
        rnn.step_backward,
        {"params": PARAMS, "cache": CACHES[0], "dh": DH[0], "activation": activations.TANH},
        [
            *[*BAD_PARAMS, *MIXED_PARAMS, *BAD_ACTIVATION, *bad_cache()],
            *[*bad_arrays("dh", DH[0], "N H"), *mixed("dh", DH[0])],
        ],
    ),
    Row(
        rnn.forward,
        {"params": PARAMS, "x": X, "h0": H0, "activation": activations.TANH},
        [
            *[*BAD_PARAMS, *MIXED_PARAMS, *BAD_ACTIVATION, *BAD_X],
            *[*bad_arrays("h0", H0, "N H"), *mixed("h0", H0), ("h0", with_nan(H0), ["h0", "(3, 5)", "NaN"])],
        ],
    ),
    Row(
        rnn.backward,
        {"params": PARAMS, "tape": TAPE, "dh": DH, "dh_T": DH_T, "activation": activations.TANH},
        [
            *[*BAD_PARAMS, *MIXED_PARAMS, *BAD_ACTIVATION, *bad_tape(), *BAD_DH],
            *[*bad_arrays("dh_T", DH_T, "N H"), *mixed("dh_T", DH_T)],
        ],
    ),
    Row(rnn.with_activation, {"activation": activations.TANH}, BAD_ACTIVATION),
    Row(unrolled.hidden, {"state": H0}, bad_arrays("state", H0, "N H", free="N H")),
    Row(unrolled.hidden, {"state": SimpleNamespace(h=H0)}, [("state", SimpleNamespace(h=X), ["state.h", "(4, 3, 2)"])]),
    Row(
        unrolled.add_to_hidden,
        {"dstate": DH_T, "dh": DH[0]},
        [
            *[*bad_arrays("dstate", DH_T, "N H"), *mixed("dstate", DH_T)],
            *[*bad_kinds("dh", DH[0]), *mixed("dh", DH[0]), ("dh", DH, ["dh", "(4, 3, 5)", "(N, H)"])],
        ],
    ),
    Row(
        unrolled.forward,
        {"cell": rnn, "params": PARAMS, "x": X, "state0": H0},
        [
            *[*BAD_CELL, *BAD_PARAMS, *MIXED_PARAMS],
            *[*bad_kinds("x", X), *mixed("x", X), ("x", X[:0], ["x", "(0, 3, 2)", "(T, N, D)", "at least 1"])],
            ("x", X[..., :1], ["x", "(3, 1)", "(N, D)", "D = 2"]),
            *bad_arrays("state0", H0, "N H"),
            *mixed("state0", H0),
        ],
    ),
    Row(
        unrolled.backward,
        {"cell": rnn, "params": PARAMS, "caches": CACHES, "dh": DH, "dstate_T": DH_T},
        [
            *[*BAD_CELL, *BAD_PARAMS, *MIXED_PARAMS],
            ("caches", [], ["caches", "length 0", "T at least 1"]),
            ("caches", iter(CACHES), ["caches", "list"]),
            ("caches", None, ["caches", "None"]),
            ("caches", CACHES[1:], ["dh", "(4, 3, 5)", "(T, N, H) with T = 3"]),
            ("caches", [None] * T, ["caches[0]", "rnn.Cache(x, h_prev, h)", "NoneType"]),
            ("caches", [TAPE] * T, ["cache", "rnn.Cache(x, h_prev, h)", "Tape"]),
            *[*bad_kinds("dh", DH), *mixed("dh", DH), ("dh", DH[0], ["dh", "(3, 5)", "(T, N, H) with T = 4"])],
            ("dh", DH[:, :1], ["dh", "(4, 1, 5)", "N = 3"]),
            *[*bad_arrays("dstate_T", DH_T, "N H"), *mixed("dstate_T", DH_T)],
        ],
    ),
    Row(
        gradcheck.relative_error,
        {"a": W, "b": W},
        [
            ("a", W[:1], ["b", "(2,)", "(1,)"]),
            ("b", W[None], ["b", "(1, 2)", "(2,)"]),
            ("a", "text", ["a", "expected numbers"]),
            ("b", None, ["b", "expected numbers"]),
            ("b", [[1.0], [1.0, 2.0]], ["b", "unequal lengths"]),
        ],
    ),
    Row(
        gradcheck.worst_error,
        {"a": PARAMS, "b": PARAMS},
        [
            ("a", READOUT, ["Readout", "Params"]),
            ("b", READOUT, ["Readout", "Params"]),
            ("b", tuple(PARAMS), ["tuple", "Params"]),
            ("b", PARAMS._replace(b_h=W), ["b_h", "(2,)", "(5,)"]),
        ],
    ),
    *[
        Row(
            method,
            {"f": lambda w: (w**2).sum(), "w": W, "eps": 1e-3},
            [
                *[*bad_kinds("w", W), ("w", W.astype(complex), ["w", "complex128", "(2,)", "real"])],
                *[*bad_positives("eps"), *bad_functions("f")],
            ],
        )
        for method in (gradcheck.central_difference, gradcheck.complex_step)
    ],
    Row(
        gradcheck.by_field,
        {"method": gradcheck.complex_step, "f": lambda p: (p.W_hy**2).sum(), "params": READOUT},
        [
            *bad_functions("method"),
            *bad_functions("f"),
            ("params", READOUT._replace(b_y=[1.0]), ["params.b_y", "list"]),
            ("params", PARAMS._replace(b_h=PARAMS.b_h * 1j), ["params.b_h", "complex128", "real"]),
        ],
    ),
    Row(
        path_sum.gradient,
        {"params": PARAMS, "tape": TAPE, "dh": DH, "activation": activations.TANH},
        [*BAD_PARAMS, *MIXED_PARAMS, *BAD_ACTIVATION, *bad_tape(), *BAD_DH],
    ),
    Row(
        counting.multiplications,
        {"function": dict},
        bad_functions("function"),
    ),
    Row(
        autoregression.lagged,
        {"series": SERIES, "p": 3},
        [*BAD_SERIES, *bad_sizes("p"), ("p", 10, ["series", "(10,)", "p = 10"])],
    ),
    Row(
        autoregression.fit,
        {"series": SERIES, "p": 3},
        [*BAD_SERIES, *bad_sizes("p"), ("p", 10, ["series", "(10,)", "p = 10"])],
    ),
    Row(
        autoregression.predict,
        {"weights": W, "series": SERIES},
        [
            *[*BAD_SERIES, *mixed("series", SERIES)],
            *[*bad_arrays("weights", W, "p+1", free="p+1"), *mixed("weights", W)],
            ("weights", W[:1], ["weights", "(1,)", "p at least 1"]),
            ("weights", np.ones(11), ["series", "(10,)", "p = 10"]),
        ],
    ),
    Row(losses.mse, LOSS_RIGHT, [*BAD_Y[:6], *mixed("y", Y), *BAD_TARGETS, *BAD_MASKS]),
    Row(losses.mse_gradient, LOSS_RIGHT, [*BAD_Y[:6], *mixed("y", Y), *BAD_TARGETS, *BAD_MASKS]),
    Row(losses.softmax_cross_entropy, CLASS_RIGHT, [*BAD_Y[:-1], *BAD_CLASSES, *BAD_MASKS]),
    Row(losses.softmax_cross_entropy_gradient, CLASS_RIGHT, [*BAD_Y[:-1], *BAD_CLASSES, *BAD_MASKS]),
    Row(
        readout.init,
        {"rng": RNG, "H": 2, "K": 3, "dtype": np.float64},
        [*BAD_RNG, *bad_sizes("H"), *bad_sizes("K"), *bad_dtypes()],
    ),
    Row(
        readout.forward,
        {"params": READOUT, "h": HIDDEN},
        [*BAD_READOUT, *bad_arrays("h", HIDDEN, "T N H", free="T N"), *mixed("h", HIDDEN)],
    ),
    Row(
        readout.backward,
        {"params": READOUT, "h": HIDDEN, "dy": Y},
        [
            *[*BAD_READOUT, *bad_arrays("h", HIDDEN, "T N H", free="T N"), *mixed("h", HIDDEN)],
            *[*bad_arrays("dy", Y, "T N K"), *mixed("dy", Y)],
        ],
    ),
    Row(
        optim.sgd,
        {"params": READOUT, "grads": READOUT, "lr": 0.1},
        [
            *bad_positives("lr"),
            ("params", PARAMS, ["grads", "Readout", "Params"]),
            ("params", None, ["params", "NamedTuple", "Readout"]),
            ("params", np, ["params", "NamedTuple", "Readout"]),
            ("params", READOUT._replace(b_y=READOUT.b_y.tolist()), ["params", "list"]),
            ("params", READOUT._replace(b_y=READOUT.b_y.astype(int)), ["params", "int64"]),
            ("grads", tuple(READOUT), ["grads", "tuple", "Readout"]),
            ("grads", None, ["grads", "NoneType", "Readout"]),
            ("grads", READOUT._replace(b_y=READOUT.b_y.astype(object)), ["grads", "object"]),
            ("grads", READOUT._replace(b_y=READOUT.b_y.tolist()), ["grads", "list"]),
            ("grads", READOUT._replace(b_y=READOUT.b_y[:1]), ["b_y", "(1,)", "(6,)"]),
            *inside("grads", READOUT, "W_hy", mixed("grads", READOUT.W_hy)),
        ],
    ),
    Row(loop.predict, {"cell": rnn, "model": MODEL, "x": X}, [*BAD_CELL, *BAD_MODELS, *BAD_X]),
    Row(
        loop.loss_and_gradient,
        {
            "cell": rnn,
            "model": MODEL,
            "x": X,
            "target": TARGET,
            "mask": MASK,
            "loss": losses.mse,
            "loss_gradient": losses.mse_gradient,
        },
        [
            *[*BAD_CELL, *BAD_MODELS, *BAD_X, *BAD_TARGETS, *BAD_MASKS],
            *[*bad_functions("loss"), *bad_functions("loss_gradient")],
            ("cell", SimpleNamespace(forward=rnn.forward), ["cell", "backward"]),
        ],
    ),
    Row(
        loop.fit,
        {
            "session": loop.Session(W),
            "batches": [1],
            "gradient": gradient_of_square,
            "update": lambda m, g, memory: (m - 0.1 * g, memory),
            "on_update": lambda done, loss: None,
        },
        [
            *[*bad_functions("gradient"), *bad_functions("update"), *bad_functions("on_update")],
            ("batches", 3, ["batches", "int"]),
            *BAD_SESSION,
            ("session", loop.Session(np.array([np.nan])), ["loss is nan", "update 1", "diverged"]),
        ],
    ),
    Row(
        temporal_xor.sequences,
        {"rng": RNG, "T": 3, "N": 2},
        [*BAD_RNG, *bad_sizes("T"), *bad_sizes("N")],
    ),
    Row(
        sunspots.windows,
        {"series": SERIES, "T": 3},
        [
            *BAD_SERIES,
            ("series", np.ones(3), ["series", "(3,)", "T + 1 = 4"]),
            *bad_sizes("T"),
            ("T", 10, ["series", "(10,)", "T + 1 = 11"]),
        ],
    ),
]


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


def test_every_public_function_is_in_the_table():
    """But for those without arguments, and the checks, which are what does the refusing."""
    found = {
        name
        for name, function in public_functions().items()
        if inspect.signature(function).parameters and not function.__name__.startswith("check_")
    }
    assert len(found) >= 30
    assert found == {name_of(row.function) for row in TABLE}


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


@pytest.mark.parametrize("row", TABLE, ids=lambda row: name_of(row.function))
def test_the_right_call_is_taken_and_every_argument_has_a_wrong_value(row):
    row.function(**row.right)
    free = {"f", "start"}  # the loss or the model is what is asked about; a loss need not care where it stands
    assert set(row.right) == {argument for argument, _, _ in row.wrong} | (free & set(row.right))


REFUSALS = [
    pytest.param(row, *wrong, id=f"{name_of(row.function)}-{wrong[0]}-{number}")
    for row in TABLE
    for number, wrong in enumerate(row.wrong)
]


@pytest.mark.parametrize(("row", "argument", "bad", "words"), REFUSALS)
def test_bad_input_is_refused_by_name(row, argument, bad, words):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the words are checked below)
        row.function(**{**row.right, argument: bad})
    missing = [word for word in words if word not in str(refusal.value)]
    assert not missing, f"{missing} not in: {refusal.value}"
