"""The training loop: gradient, update, again; and how it is stopped and continued."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import (
    Array,
    check_callable,
    check_has,
    check_kind,
    check_plain,
    check_real,
    check_size,
    check_start,
    is_real,
    kind_of,
    shown,
)
from bptt_lessons.cells.unrolled import check_params, check_state
from bptt_lessons.gradients.tbptt import windows
from bptt_lessons.nested import named_arrays
from bptt_lessons.training import losses, readout
from bptt_lessons.training.losses import softmax_cross_entropy, softmax_cross_entropy_gradient

Update = Callable[[Any, Any, Any], tuple[Any, Any]]


class Model(NamedTuple):
    """A recurrent net: parameters of a cell and of its readout, or a gradient of both."""

    cell: Any
    readout: readout.Readout


class Session(NamedTuple):
    """The state of a training: all that it needs to continue as if it had never stopped."""

    model: Any
    memory: Any = None  # the optimiser's, such as optim.AdamState; None if it remembers nothing
    state: Any = None  # the cell's, carried to the next window of a stream; None where nothing is carried
    losses: tuple[float, ...] = ()  # before each update


def predict(cell: Any, model: Model, x: Array) -> Array:
    """Run a model over x (T, N, D) from a zero state; return y (T, N, K)."""
    check_model(cell, model)
    h, _, _ = cell.forward(model.cell, x)
    return readout.forward(model.readout, h)


def loss_and_gradient(
    cell: Any,
    model: Model,
    x: Array,
    target: Array,
    mask: Array | None = None,
    loss: Callable[..., Any] = losses.mse,
    loss_gradient: Callable[..., Array] = losses.mse_gradient,
) -> tuple[float, Model]:
    """Loss of a model on one batch and its gradient by full BPTT from a zero state.

    Parameters
    ----------
    cell : module or the like
        With `forward` and `backward`, such as ``rnn``.
    model : Model
    x : array (T, N, D)
    target, mask
        As `loss` takes them.
    loss, loss_gradient : callable
        A pair from ``losses``.

    Returns
    -------
    value : float
    grads : Model
    """
    check_model(cell, model)
    check_has("cell", cell, "backward")
    check_callable("loss", loss)
    check_callable("loss_gradient", loss_gradient)
    h, _, tape = cell.forward(model.cell, x)
    y = readout.forward(model.readout, h)
    readout_grads, dh = readout.backward(model.readout, h, loss_gradient(y, target, mask))
    cell_grads, _, _ = cell.backward(model.cell, tape, dh)
    return _one_number(loss(y, target, mask)), Model(cell_grads, readout_grads)


def fit(
    session: Session,
    batches: Iterable[Any],
    gradient: Callable[[Any, Any], tuple[float, Any]],
    update: Update,
    on_update: Callable[[int, float], None] | None = None,
) -> Session:
    """Train: one update for every batch.

    Parameters
    ----------
    session : Session
        Where to start, such as ``Session(model)``; left as it is.
    batches : iterable
        Anything `gradient` takes; its length is the length of the training.
    gradient : callable
        ``gradient(model, batch) -> loss, grads``.
    update : callable
        ``update(model, grads, memory) -> model, memory``, such as ``optim.adam``.
    on_update : callable, optional
        Called as ``on_update(updates_done, loss)``, for a progress bar.

    Returns
    -------
    Session

    Raises
    ------
    ValueError
        If the loss is no longer finite: training has diverged.
    """
    gradient, update = check_training(session, batches, gradient, update, on_update)
    model, memory, state, losses = session
    history = list(losses)
    for batch in batches:
        loss, grads = gradient(model, batch)
        check_finite(loss, len(history))
        model, memory = update(model, grads, memory)
        history.append(loss)
        if on_update is not None:
            on_update(len(history), loss)
    return Session(model, memory, state, tuple(history))


def truncated_epoch(cell: Any, session: Session, symbols: Array, k: int, update: Update) -> Session:
    """Train once along a stream of symbols, each to say the next: an update for every window of k steps.

    The cell's state is carried from window to window, and the gradient is not: truncated BPTT.

    Parameters
    ----------
    cell : module or the like
    session : Session
        Its model reads K symbols as one-hot rows and says K logits; its state, (N, H), is where the
        stream before this one ended (None for zeros).
    symbols : integer array (T + 1, N)
        From 0 to K - 1; each is the input of one step and the target of the step before.
    k : int
        Steps in a window, at least 1; the last one may be shorter.
    update : callable
        ``update(model, grads, memory) -> model, memory``.

    Returns
    -------
    Session

    Raises
    ------
    ValueError
        If the loss is no longer finite.
    """
    K, update = check_truncated(cell, session, symbols, k, update)
    model, memory, state, losses = session
    history = list(losses)
    one_hot = np.eye(K, dtype=model.readout.W_hy.dtype)
    for start, stop in windows(len(symbols) - 1, k):
        h, state, tape = cell.forward(model.cell, one_hot[symbols[start:stop]], state)
        y, target = readout.forward(model.readout, h), symbols[start + 1 : stop + 1]
        history.append(float(softmax_cross_entropy(y, target)))
        check_finite(history[-1], len(history) - 1)
        readout_grads, dh = readout.backward(model.readout, h, softmax_cross_entropy_gradient(y, target))
        cell_grads, _, _ = cell.backward(model.cell, tape, dh)
        model, memory = update(model, Model(cell_grads, readout_grads), memory)
    return Session(model, memory, state, tuple(history))


def train(
    session: Session,
    advance: Callable[[Session], Session],
    updates: int,
    on_update: Callable[[int, float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Session:
    """Advance a session until it has made `updates` more updates, is told to stop, or is interrupted.

    An interrupt (Kernel, Interrupt; or Ctrl-C) ends it after the last whole update.  The returned session can
    be saved and continued; only the unfinished update is lost.

    Parameters
    ----------
    session : Session
    advance : callable
        ``advance(session) -> session`` with at least one update more.
    updates : int
        At least 1.
    on_update : callable, optional
        Called as ``on_update(updates_done, loss)`` after every step.
    stopped : callable, optional
        Asked before every step; training ends when it says True.

    Returns
    -------
    Session

    Raises
    ------
    ValueError
        If `advance` makes no update.
    """
    updates = check_train(session, advance, updates, on_update, stopped)
    last = len(session.losses) + updates
    try:
        while len(session.losses) < last and not (stopped is not None and stopped()):
            advanced = advance(session)
            check_advanced(advanced, session)
            session = advanced
            if on_update is not None:
                on_update(len(session.losses), session.losses[-1])
    except KeyboardInterrupt:
        pass
    return session


def bits_per_symbol(cell: Any, model: Model, symbols: Array, k: int = 1000) -> float:
    """Return the mean of -log₂ of what the model gives to each next symbol of streams, read from a zero state.

    Parameters
    ----------
    cell : module or the like
    model : Model
    symbols : integer array (T + 1, N)
    k : int, optional
        Steps read at a time; it bounds the memory and changes nothing else.
    """
    K = check_stream(cell, model, symbols, k)
    one_hot, state, total = np.eye(K, dtype=model.readout.W_hy.dtype), None, 0.0
    for start, stop in windows(len(symbols) - 1, k):
        h, state, _ = cell.forward(model.cell, one_hot[symbols[start:stop]], state)
        y = readout.forward(model.readout, h)
        total += (stop - start) * float(softmax_cross_entropy(y, symbols[start + 1 : stop + 1]))
    return total / (len(symbols) - 1) / float(np.log(2))


def reader(cell: Any, model: Model) -> Callable[[Array, Any], tuple[Array, Any]]:
    """Return ``read(symbols, state) -> y, state``: the logits (1, K) that a model says after reading symbols (L,).

    Parameters
    ----------
    cell : module or the like
    model : Model
        It reads K symbols as one-hot rows and says K logits.
    """
    check_model(cell, model)
    readout.check_parameters(model.readout)
    K = len(model.readout.b_y)
    one_hot = np.eye(K, dtype=model.readout.W_hy.dtype)

    def read(symbols: Array, state: Any) -> tuple[Array, Any]:
        check_symbols(symbols, K, "(L,), L at least 1", least=(1,))
        h, state, _ = cell.forward(model.cell, one_hot[symbols[:, None]], state)
        return readout.forward(model.readout, h[-1:])[0], state

    return read


def check_finite(loss: float, updates: int) -> None:
    """Raise ValueError if the loss is no number, or no longer a finite one."""
    if not is_real(_one_number(loss, "gradient must return loss, grads: the loss")):
        raise ValueError(
            f"the loss is {loss} at update {updates + 1}: training diverged; lower lr or clip the gradient"
        )


def check_model(cell: Any, model: Model) -> None:
    """Raise ValueError unless `cell` runs forward and `model` is a Model."""
    check_has("cell", cell, "forward")
    check_kind("model", model, Model)
    check_params(model.cell, "model.cell")
    check_kind("model.readout", model.readout, readout.Readout)


def _one_number(value: Any, name: str = "loss") -> float:
    """Return a real number, or array of one and no axis, as a float, else raise ValueError."""
    array = isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iuf"
    if not array and (not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool)):
        complex_too = " (x, target or model is complex)" if np.iscomplexobj(value) else ""
        raise ValueError(f"{name} must be one real number, got {kind_of(value)}{complex_too}")
    try:
        return float(value)
    except OverflowError:  # a whole number beyond the floats
        return float("inf")


def _returning_pairs(name: str, function: Callable[..., Any], expected: str) -> Callable[..., Any]:
    """Wrap a function so that it raises ValueError unless it returns a pair."""

    def checked(*arguments: Any) -> Any:
        pair = function(*arguments)
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"{name} must return {expected}, got {type(pair).__name__}")
        return pair

    return checked


def check_training(
    session: object, batches: object, gradient: Any, update: Any, on_update: object
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return `gradient` and `update`, wrapped so that they must return pairs, or raise ValueError."""
    check_session(session)
    if not isinstance(batches, Iterable) or (isinstance(batches, np.ndarray) and batches.ndim == 0):
        raise ValueError(f"batches must be something to loop over, such as a list, got {kind_of(batches)}")
    check_callable("gradient", gradient)
    check_callable("update", update)
    if on_update is not None:
        check_callable("on_update", on_update)
    return _returning_pairs("gradient", gradient, "loss, grads"), _returning_pairs("update", update, "model, memory")


def check_train(session: object, advance: object, updates: object, on_update: object, stopped: object) -> int:
    """Return `updates` as an int if `train` can take these, else raise ValueError."""
    check_session(session)
    check_callable("advance", advance)
    for name, function in {"on_update": on_update, "stopped": stopped}.items():
        if function is not None:
            check_callable(name, function)
    return check_size("updates", updates)


def check_advanced(advanced: object, session: Session) -> None:
    """Raise ValueError unless `advanced` is a session with at least one update more."""
    if not isinstance(advanced, Session):
        expected = "advance must return a loop.Session with at least one update more than it was given"
        raise ValueError(f"{expected}, got {type(advanced).__name__}")
    check_session(advanced, "what advance returns")
    if len(advanced.losses) <= len(session.losses):
        raise ValueError("advance must return a loop.Session with at least one update more than it was given")


def check_session(session: object, name: str = "session") -> None:
    """Raise ValueError unless `session` is a Session."""
    check_kind(name, session, Session)
    assert isinstance(session, Session)
    if not isinstance(session.losses, (tuple, list)):
        raise ValueError(f"{name}.losses must be a tuple of numbers, got {type(session.losses).__name__}")


def check_truncated(cell: Any, session: Session, symbols: Array, k: int, update: Any) -> tuple[int, Callable[..., Any]]:
    """Return K, and `update` wrapped so that it must return a pair, or raise ValueError."""
    check_session(session)
    check_has("cell", cell, "backward")
    check_callable("update", update)
    K = check_stream(cell, session.model, symbols, k)
    if session.state is not None:
        params = session.model.cell
        check_state("session.state", cell, params, symbols.shape[1], session.state)
        check_start("session.state", session.state, params)
    return K, _returning_pairs("update", update, "model, memory")


def check_stream(cell: Any, model: Model, symbols: Array, k: int) -> int:
    """Return K if the model can read the symbols in windows of k steps, else raise ValueError."""
    check_model(cell, model)
    check_size("k", k)
    readout.check_parameters(model.readout)
    K = len(model.readout.b_y)
    for name, array in named_arrays(model, "model"):
        if isinstance(array, np.ndarray):
            check_real(name, array)
    check_symbols(symbols, K, "(T + 1, N), T and N at least 1", least=(2, 1))
    return K


def check_symbols(symbols: object, K: int, shape: str, least: tuple[int, ...]) -> None:
    """Raise ValueError unless `symbols` are integers from 0 to K - 1 in an array with at least these sizes."""
    if not isinstance(symbols, np.ndarray) or symbols.ndim != len(least) or symbols.dtype.kind not in "iu":
        found = kind_of(symbols) if isinstance(symbols, np.ndarray) else shown(symbols)
        raise ValueError(f"symbols has {found}, expected integers of shape {shape}")
    check_plain("symbols", symbols)
    if any(size < n for size, n in zip(symbols.shape, least, strict=True)):
        raise ValueError(f"symbols has shape {symbols.shape}, expected {shape}")
    if not 0 <= symbols.min() <= symbols.max() < K:
        raise ValueError(f"symbols must be from 0 to K - 1 = {K - 1}, got {symbols.min()} to {symbols.max()}")
