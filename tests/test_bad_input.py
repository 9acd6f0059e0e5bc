"""Bad input to every public function of the mathematics: a ValueError that names the argument and what was expected.

One table: each row is a function and a right call.  Wrong arguments are derived from the right ones.  A function that
is in no row fails a test.
"""

from __future__ import annotations

import atexit
import importlib
import inspect
import pkgutil
import re
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

T, N, D, H, K = (4, 3, 2, 5, 6)
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


def gradient_of_square(model: Any, batch: Any) -> tuple[float, Any]:
    """A loss and its gradient, for `fit`."""
    return (float((model**2).sum()), 2 * model)


SERIES = np.arange(10.0)
LOSS_RIGHT = {"y": Y, "target": TARGET, "mask": MASK}
CLASS_RIGHT = {"y": Y, "target": CLASSES, "mask": MASK}


def half_square(h: Any, start: int) -> tuple[float, Any, None]:
    """A loss by windows: ½ Σ h²."""
    return (0.5 * float(np.sum(h * h)), h, None)


SQUARE = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0], [0.0, 0.25, 1.0]])
GRADIENT = bptt.Gradient(1.0, PARAMS, READOUT)
WHOLE = {"cell": rnn, "params": PARAMS, "x": X, "state0": H0, "loss_gradient": half_square}
PARTS = tbptt.contributions(rnn, PARAMS, CACHES, DH)
ACTIONS = list(checkpointing.schedule(T, 2))
THETA = influence_balancing.Params(np.array([0.5]))
IB_STATE = np.ones((N, 23))
IB_CACHE = influence_balancing.Cache(X[0])
ADAM = optim.adam_start(READOUT)
FOLDER = Path(tempfile.mkdtemp(prefix="bptt-lessons-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
READS = loop.Model(rnn.init(RNG, K, H), readout.init(RNG, H, K))
SESSION = loop.Session(READS, optim.adam_start(READS), H0, (1.0,))
saving.save(FOLDER / "session.npz", SESSION)
(FOLDER / "text.npz").write_text("no session", encoding="utf-8")
SYMBOLS = RNG.integers(0, K, (T + 1, N))


def one_more(session: loop.Session) -> loop.Session:
    """One update, for `train`."""
    return session._replace(losses=(*session.losses, 1.0))


PLACES = np.array([0, 1, 2, 0, 1])
LONG = np.arange(40) % 3
LOGITS, UNIFORM = (RNG.normal(size=(N, K)), np.array([0.0, 0.5, 0.999]))
WEIGHTS = torch_weights.to_torch(any_cell.draw(lstm, 0, 1, 1, D, H).params)


class Row(NamedTuple):
    """A function, and arguments that it takes."""

    function: Callable[..., Any]
    right: dict[str, Any]


def rows_of_a_cell(cell: ModuleType) -> list[Row]:
    """Return the rows of a cell with gates, for what its module defines itself."""
    params, x, state, dh, dstate = any_cell.draw(cell, 0, T, N, D, H)
    pair = not isinstance(state, np.ndarray)
    _, cache = cell.step(params, x[0], state)
    rows = [
        Row(cell.step, {"params": params, "x": x[0], "state" if pair else "h_prev": state}),
        Row(cell.step_backward, {"params": params, "cache": cache, "dstate" if pair else "dh": dstate}),
    ]
    if cell.init.__module__ == cell.__name__:
        sizes = {"rng": RNG, "D": 2, "H": 3, "dtype": np.float64} | ({"forget_bias": 1.0} if pair else {})
        rows += [Row(cell.init, sizes), Row(cell.zero_state, {"params": params, "N": 3})]
    if hasattr(cell, "forward"):
        _, _, tape = cell.forward(params, x, state)
        rows.append(Row(cell.forward, {"params": params, "x": x, "state0" if pair else "h0": state}))
        last = "dstate_T" if pair else "dh_T"
        rows.append(Row(cell.backward, {"params": params, "tape": tape, "dh": dh, last: dstate}))
    return rows


TABLE = [
    *[row for cell in (lstm, gru, lstm_coupled, lstm_peephole, gru_reset_first) for row in rows_of_a_cell(cell)],
    Row(stretches.stretches, {"T": 3, "N": 2}),
    Row(stretches.project, {"x": X, "W": np.ones((D, H)), "b": np.ones(H)}),
    Row(lstm.memory_half_life, {"b": W}),
    Row(torch_weights.to_torch, {"params": PARAMS}),
    Row(torch_weights.cell_of, {"params": PARAMS}),
    Row(torch_weights.from_torch, {"cell": lstm, "weights": WEIGHTS}),
    Row(
        loop.truncated_epoch,
        {
            "cell": rnn,
            "session": SESSION,
            "symbols": SYMBOLS,
            "k": 2,
            "update": lambda model, grads, memory: (model, memory),
        },
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
    ),
    Row(loop.bits_per_symbol, {"cell": rnn, "model": READS, "symbols": SYMBOLS, "k": 2}),
    Row(loop.reader, {"cell": rnn, "model": READS}),
    Row(saving.save, {"path": FOLDER / "again.npz", "session": SESSION}),
    Row(saving.load, {"path": FOLDER / "session.npz", "like": SESSION}),
    Row(adding.sequences, {"rng": RNG, "T": 2, "N": 2}),
    Row(copying.sequences, {"rng": RNG, "gap": 1, "N": 2}),
    Row(copying.baseline, {"gap": 3}),
    Row(reber.string, {"rng": RNG}),
    Row(reber.sequences, {"rng": RNG, "N": 2}),
    Row(reber.legal_next, {"text": "BTBTXSETE"}),
    Row(reber.batch, {"strings": ["BTBTXSETE", "BPBPVVEPE"]}),
    Row(text.alphabet, {"text": "abc"}),
    Row(text.encode, {"text": "cab", "alphabet": "abc"}),
    Row(text.decode, {"symbols": PLACES, "alphabet": "abc"}),
    Row(text.sample, {"y": LOGITS, "temperature": 0.5, "u": UNIFORM}),
    Row(text.generate, {"rng": RNG, "read": loop.reader(rnn, READS), "start": PLACES, "length": 2, "temperature": 0.5}),
    Row(text.library_docstrings, {"folder": None}),
    Row(compression.uniform_bits, {"K": 3}),
    Row(compression.unigram_bits, {"training": PLACES, "held_out": PLACES, "K": 3}),
    Row(compression.trigram_bits, {"training": LONG, "held_out": PLACES, "K": 3, "rounds": 2}),
    Row(compression.trigram_parts, {"counted": LONG, "text": PLACES, "K": 3}),
    Row(compression.xz_bits, {"held_out": "abc", "given": "ab"}),
    Row(init.orthogonal, {"rng": RNG, "H": 3, "gain": 1.5, "dtype": np.float64}),
    Row(init.identity, {"H": 3, "gain": 1.5, "dtype": np.float64}),
    Row(init.scaled_to_radius, {"W": SQUARE, "radius": 0.9}),
    Row(init.non_normal, {"rng": RNG, "H": 3, "radius": 0.9, "shear": 0.5}),
    Row(unrolled.looped, {"cell": rnn}),
    Row(bptt.full_gradient, WHOLE),
    Row(bptt.add, {"a": GRADIENT, "b": GRADIENT}),
    Row(bptt.add_extra, {"a": READOUT, "b": READOUT}),
    Row(bptt.loss_of, {"loss_gradient": half_square, "h": HIDDEN, "start": 0}),
    Row(tbptt.windows, {"T": 5, "k": 2}),
    Row(tbptt.stream_batches, {"stream": SERIES, "N": 3}),
    Row(tbptt.windowed_gradient, {**WHOLE, "k": T}),
    Row(tbptt.sliding_gradient, {**WHOLE, "k1": 2, "k2": 3}),
    Row(tbptt.randomised_gradient, {**WHOLE, "cuts": [1, 3], "probability": 0.5}),
    Row(tbptt.contributions, {"cell": rnn, "params": PARAMS, "caches": CACHES, "dh": DH}),
    Row(tbptt.summed, {"parts": PARTS, "weights": np.ones((T, T))}),
    Row(tbptt.kept_by_windows, {"T": 5, "k": 2}),
    Row(tbptt.kept_by_sliding, {"T": 5, "k1": 2, "k2": 3}),
    Row(tbptt.kept_by_cuts, {"T": T, "cuts": [1, 3], "probability": 0.5}),
    Row(flow.step_jacobian, {"params": PARAMS, "h": HIDDEN[0], "activation": activations.TANH}),
    Row(flow.jacobian_products, {"params": PARAMS, "h": HIDDEN, "activation": activations.TANH}),
    Row(flow.operator_norms, {"matrices": SQUARE[None]}),
    Row(flow.gradient_norms, {"cell": rnn, "params": PARAMS, "caches": CACHES, "dstate_T": DH_T}),
    Row(flow.spectral_radius, {"W": SQUARE}),
    Row(flow.largest_singular_value, {"W": SQUARE}),
    Row(flow.bound, {"W_hh": SQUARE, "gamma": 0.25, "lags": 3}),
    Row(checkpointing.tape_bytes, {"T": 2, "N": 3, "D": 4, "H": 5, "itemsize": 4}),
    Row(checkpointing.backward_sqrt, {**WHOLE, "segment": T}),
    *[
        Row(function, {"T": 5, "slots": 2, "keeps": "step"})
        for function in (checkpointing.forward_cost, checkpointing.closed_form, checkpointing.schedule)
    ],
    Row(checkpointing.backward, {**WHOLE, "actions": ACTIONS}),
    Row(memory.held_bytes, {"tree": [CACHES, TAPE, None, 1.0]}),
    Row(memory.peak_bytes, {"function": dict}),
    Row(optim.global_norm, {"grads": READOUT}),
    Row(optim.clip_by_global_norm, {"grads": READOUT, "max_norm": 1.0}),
    Row(optim.adam_start, {"params": READOUT}),
    Row(
        optim.adam,
        {
            "params": READOUT,
            "grads": READOUT,
            "state": ADAM,
            "lr": 0.1,
            "decay_mean": 0.9,
            "decay_square": 0.999,
            "eps": 1e-08,
        },
    ),
    Row(
        readout.loss_by_window,
        {"params": READOUT, "target": TARGET, "mask": MASK, "loss": losses.mse, "loss_gradient": losses.mse_gradient},
    ),
    Row(temporal_order.sequences, {"rng": RNG, "T": 10, "N": 2}),
    Row(delayed_echo.stream, {"rng": RNG, "T": 5, "N": 2, "lag": 3}),
    Row(influence_balancing.matrix, {"H": 3}),
    Row(influence_balancing.zero_state, {"params": THETA, "N": 3}),
    Row(influence_balancing.step, {"params": THETA, "x": X[0], "h_prev": IB_STATE}),
    Row(influence_balancing.step_backward, {"params": THETA, "cache": IB_CACHE, "dh": IB_STATE}),
    Row(influence_balancing.loss_gradient, {"h": IB_STATE[None], "start": 0}),
    Row(influence_balancing.sensitivity, {"steps": 3}),
    Row(cliff.loss_and_gradient, {"point": cliff.Point(W, -W), "steps": 3}),
    Row(activations.sigmoid, {"z": W}),
    Row(activations.relu, {"z": W}),
    Row(activations.identity, {"z": W}),
    Row(activations.tanh_derivative, {"h": W}),
    Row(activations.sigmoid_derivative, {"h": W}),
    Row(activations.relu_derivative, {"h": W}),
    Row(activations.identity_derivative, {"h": W}),
    Row(init.uniform, {"rng": RNG, "rows": 2, "columns": 3, "bound": 0.5, "dtype": np.float64}),
    Row(rnn.init, {"rng": RNG, "D": 2, "H": 3, "dtype": np.float64}),
    Row(rnn.zero_state, {"params": PARAMS, "N": 3}),
    Row(rnn.step, {"params": PARAMS, "x": X[0], "h_prev": H0, "activation": activations.TANH}),
    Row(rnn.step_backward, {"params": PARAMS, "cache": CACHES[0], "dh": DH[0], "activation": activations.TANH}),
    Row(rnn.forward, {"params": PARAMS, "x": X, "h0": H0, "activation": activations.TANH}),
    Row(rnn.backward, {"params": PARAMS, "tape": TAPE, "dh": DH, "dh_T": DH_T, "activation": activations.TANH}),
    Row(rnn.with_activation, {"activation": activations.TANH}),
    Row(unrolled.hidden, {"state": H0}),
    Row(unrolled.hidden, {"state": SimpleNamespace(h=H0)}),
    Row(unrolled.add_to_hidden, {"dstate": DH_T, "dh": DH[0]}),
    Row(unrolled.forward, {"cell": rnn, "params": PARAMS, "x": X, "state0": H0}),
    Row(unrolled.backward, {"cell": rnn, "params": PARAMS, "caches": CACHES, "dh": DH, "dstate_T": DH_T}),
    Row(gradcheck.relative_error, {"a": W, "b": W}),
    Row(gradcheck.worst_error, {"a": PARAMS, "b": PARAMS}),
    *[
        Row(method, {"f": lambda w: (w**2).sum(), "w": W, "eps": 0.001})
        for method in (gradcheck.central_difference, gradcheck.complex_step)
    ],
    Row(gradcheck.by_field, {"method": gradcheck.complex_step, "f": lambda p: (p.W_hy**2).sum(), "params": READOUT}),
    Row(path_sum.gradient, {"params": PARAMS, "tape": TAPE, "dh": DH, "activation": activations.TANH}),
    Row(counting.multiplications, {"function": dict}),
    Row(autoregression.lagged, {"series": SERIES, "p": 3}),
    Row(autoregression.fit, {"series": SERIES, "p": 3}),
    Row(autoregression.predict, {"weights": W, "series": SERIES}),
    Row(losses.mse, LOSS_RIGHT),
    Row(losses.mse_gradient, LOSS_RIGHT),
    Row(losses.softmax_cross_entropy, CLASS_RIGHT),
    Row(losses.softmax_cross_entropy_gradient, CLASS_RIGHT),
    Row(readout.init, {"rng": RNG, "H": 2, "K": 3, "dtype": np.float64}),
    Row(readout.forward, {"params": READOUT, "h": HIDDEN}),
    Row(readout.backward, {"params": READOUT, "h": HIDDEN, "dy": Y}),
    Row(optim.sgd, {"params": READOUT, "grads": READOUT, "lr": 0.1}),
    Row(loop.predict, {"cell": rnn, "model": MODEL, "x": X}),
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
    ),
    Row(temporal_xor.sequences, {"rng": RNG, "T": 3, "N": 2}),
    Row(sunspots.windows, {"series": SERIES, "T": 3}),
]


def name_of(function: Callable[..., Any]) -> str:
    """Return the last module name and the function, such as "rnn.step"."""
    return f"{function.__module__.rsplit('.', 1)[1]}.{function.__name__}"


def modules() -> Iterator[ModuleType]:
    """Yield every module of the mathematics and of the tasks."""
    for package in (cells, gradients, training, tasks):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(info.name)


def public_functions() -> dict[str, Callable[..., Any]]:
    """Return every function that a module defines without an underscore in front."""
    return {
        name_of(function): function
        for module in modules()
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_public_function_is_in_the_table():
    """Except those without arguments, and the checks, which do the refusing."""
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


def arrays_in(arguments: dict[str, Any]) -> Iterator[tuple[str, Any, Callable[[Any], dict[str, Any]]]]:
    """Yield each floating array among arguments: its own name, the array, and a way to put another one in its place."""
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield name, value, lambda bad, name=name: {**arguments, name: bad}
        elif hasattr(value, "_fields") and not isinstance(value, loop.Session):
            for field in value._fields:
                array = getattr(value, field)
                if isinstance(array, np.ndarray):
                    yield (
                        field,
                        array,
                        lambda bad, name=name, value=value, field=field: {
                            **arguments,
                            name: value._replace(**{field: bad}),
                        },
                    )


def bad_arrays(good: Any) -> Iterator[Any]:
    """Yield what an array is not to be: of another kind, with another number of axes, with an axis empty or longer."""
    yield from (good.astype(kind) for kind in ("int64", "bool", "object"))
    yield from (good.tolist(), good[None], good[0])
    yield from (np.take(good, [], axis) for axis in range(good.ndim))
    yield from (np.repeat(good, 2, axis) for axis in range(good.ndim))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: name_of(row.function))
def test_arrays_that_do_not_fit_are_refused_by_name_and_shape(row):
    row.function(**row.right)
    names = {*row.right, *(name for name, _, _ in arrays_in(row.right)), "x", "h", "y", "dh", "session"}
    faults, refused, asked = [], 0, 0
    for name, good, with_bad in arrays_in(row.right):
        for bad in bad_arrays(good):
            asked += 1
            try:
                with np.errstate(all="ignore"):
                    row.function(**with_bad(bad))
            except ValueError as error:
                refused += 1
                shape = str(bad.shape) if isinstance(bad, np.ndarray) else ""
                mine = re.search(rf"(?<!\w){name}(?!\w)", str(error)) and shape in str(error)
                if not mine and not any(re.search(rf"(?<!\w){other}(?!\w)", str(error)) for other in names):
                    faults.append(f"{name} = {shape or type(bad).__name__}: {error}")
            except Exception as error:
                faults.append(f"{name}: {type(error).__name__}: {error}")
    assert faults == []
    assert not asked or refused >= asked / 4 or row.function in TAKE_ANY_SHAPE, (refused, asked)


TAKE_ANY_SHAPE = {
    torch_weights.cell_of,
    gradcheck.central_difference,
    gradcheck.complex_step,
    gradcheck.relative_error,
    gradcheck.worst_error,
}


@pytest.mark.parametrize(
    ("function", "wrong", "message"),
    [
        (rnn.step, {"x": X[0].T}, "x has shape (2, 3), expected (N, D) with D = 2"),
        (rnn.step, {"h_prev": H0[:, :1]}, "h_prev has shape (3, 1), expected (N, H) with N = 3, H = 5"),
        (rnn.step, {"x": X[0].astype(int)}, "x of shape (3, 2) has dtype int64, expected a floating one; shape (N, D)"),
        (rnn.step, {"x": X[0].tolist()}, "x must be a NumPy array of shape (N, D) with D = 2, got list"),
        (rnn.step, {"params": tuple(PARAMS)}, "params must be rnn.Params(W_xh, W_hh, b_h), got tuple"),
        (rnn.forward, {"x": np.full_like(X, np.nan)}, "x of shape (4, 3, 2) holds NaN, first at [0, 0, 0]"),
        (rnn.backward, {"dh": DH[:2]}, "dh has shape (2, 3, 5), expected (T, N, H) with T = 4, N = 3, H = 5"),
        (losses.mse, {"mask": ~MASK}, "mask of shape (4, 3) keeps no step, expected at least one True"),
        (losses.softmax_cross_entropy, {"target": CLASSES + 9}, "expected 0 ... K - 1 = 5"),
        (readout.forward, {"h": HIDDEN[..., :2]}, "h has shape (4, 3, 2), expected (T, N, H) with H = 5"),
        (tbptt.windows, {"k": 0}, "k must be a whole number of at least 1, got 0"),
        (optim.sgd, {"lr": -1.0}, "lr must be a finite number above 0, got -1.0"),
    ],
)
def test_a_refusal_says_what_was_expected(function, wrong, message):
    right = next(row.right for row in TABLE if row.function is function)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the words are checked below)
        function(**{**right, **wrong})
    assert message in str(refusal.value)
