"""Exercises on the training loop: a batch at a time (lesson 08), along a stream, and in bits (lesson 09)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import lstm, rnn
from bptt_lessons.course.catalogue.draws import Formula, Seeded, draw, draw_readout, draw_rnn, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.nested import map_arrays
from bptt_lessons.tasks import adding
from bptt_lessons.training import loop
from bptt_lessons.training.loop import Model, Session, loss_and_gradient
from bptt_lessons.training.optim import adam, adam_start, sgd


class Diary:
    """An optimiser whose memory is a diary: each update takes a fresh page, on which `on_update` adds what it is told.

    So the memory that comes back shows when `on_update` was called, and with what.
    """

    page: Array | None = None

    def update(self, w: Array, dw: Array, memory: Array) -> tuple[Array, Array]:
        """Take a step of gradient descent."""
        self.page = np.array(memory)
        return w - 0.25 * dw, self.page

    def on_update(self, updates: int, loss: float) -> None:
        """Write into the memory that the last update returned."""
        if self.page is not None:
            self.page += [updates, loss]


@dataclass(frozen=True)
class Stream:
    """Batches that can only be run through, as from a generator, though as often as one likes; shown as Python text."""

    text: str
    batches: tuple[Any, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)

    def __repr__(self) -> str:
        return self.text


class OneByOne:
    """Batches that are drawn one by one: each is ready when the update with the one before it has been made."""

    def __init__(self, *batches: Array) -> None:
        self.batches = batches
        self.updates = 0

    def __iter__(self) -> Iterator[Array]:
        self.updates = 0
        for number, batch in enumerate(self.batches):
            if self.updates < number:
                raise RuntimeError(f"batch {number + 1} was drawn before the update with batch {number}")
            yield batch.copy()  # who writes into one spoils no other run

    def update(self, w: Array, dw: Array, memory: Any) -> tuple[Array, Any]:
        """Take a step of gradient descent."""
        self.updates += 1
        return w - 0.25 * dw, memory

    def __repr__(self) -> str:
        return "a generator, whose next batch is ready after each update"


_SQUARES = Formula(
    "lambda w, batch: (np.mean((w - batch) ** 2), 2 * (w - batch) / len(w))",
    lambda w, batch: (np.mean((w - batch) ** 2), 2 * (w - batch) / len(w)),
)
_MOMENTUM = Formula(
    "lambda w, dw, memory: (w - 0.25 * (dw + 0.5 * memory), dw + 0.5 * memory)",
    lambda w, dw, memory: (w - 0.25 * (dw + 0.5 * memory), dw + 0.5 * memory),
)
_RNN_GRADIENT = Formula(
    "lambda model, batch: loss_and_gradient(rnn, model, *batch)",
    lambda model, batch: loss_and_gradient(rnn, model, *batch),
)
_ADAM = Formula(
    "lambda model, grads, memory: adam(model, grads, memory, lr=0.01)",
    lambda model, grads, memory: adam(model, grads, memory, lr=0.01),
)


def _vector_case(seed: int, batches: int, size: int, losses: tuple[float, ...] = (), carried: bool = False) -> Case:
    rng = np.random.default_rng(seed)
    session = Session(draw(rng, size), draw(rng, size), draw(rng, 2) if carried else None, losses)
    arguments = {"session": session, "batches": [draw(rng, size) for _ in range(batches)]}
    label = f"{batches} batches, {len(losses)} updates before"
    return Case(label, {**arguments, "gradient": _SQUARES, "update": _MOMENTUM, "on_update": None})


def _diary_case(seed: int, batches: int, size: int, losses: tuple[float, ...]) -> Case:
    rng, diary = np.random.default_rng(seed), Diary()
    arguments = {
        "session": Session(draw(rng, size), np.zeros(2), None, losses),
        "batches": [draw(rng, size) for _ in range(batches)],
        "gradient": _SQUARES,
        "update": Formula("diary.update", diary.update),
        "on_update": Formula("diary.on_update", diary.on_update),
    }
    return Case(f"{batches} batches, {len(losses)} updates before, on_update adds what it gets to memory", arguments)


def _one_by_one_case(seed: int, batches: int, size: int) -> Case:
    rng = np.random.default_rng(seed)
    drawn = OneByOne(*(draw(rng, size) for _ in range(batches)))
    arguments = {"session": Session(draw(rng, size)), "batches": drawn, "gradient": _SQUARES}
    label = f"{batches} batches, drawn one by one"
    return Case(label, {**arguments, "update": Formula("batches.update", drawn.update), "on_update": None})


def _diverging_case(seed: int, size: int, batch: float, last: Any, why: str) -> Case:
    rng = np.random.default_rng(seed)
    arguments = {
        "session": Session(draw(rng, size), draw(rng, size), None, (1.5,)),
        "batches": [draw(rng, size), np.full(size, batch), last],
        "gradient": _SQUARES,
        "update": _MOMENTUM,
        "on_update": None,
    }
    return Case("3 batches, training diverges", arguments, refused=why)


def _net_case(seed: int, batches: int, T: int, N: int, H: int, losses: tuple[float, ...] = ()) -> Case:
    rng = np.random.default_rng(seed)
    model = Model(draw_rnn(rng, 2, H), draw_readout(rng, H, 1))
    drawn = tuple(adding.sequences(Seeded(seed + i), T, N) for i in range(batches))
    text = f"(adding.sequences(np.random.default_rng({seed} + i), {T}, {N}) for i in range({batches}))"
    arguments = {"session": Session(model, adam_start(model), None, losses), "batches": Stream(text, drawn)}
    label = f"{batches} batches of adding, {sizes(T=T, N=N, D=2, H=H)}"
    return Case(label, {**arguments, "gradient": _RNN_GRADIENT, "update": _ADAM, "on_update": None})


def fit_cases() -> tuple[Case, ...]:
    """A vector that follows its batches, fresh and gone on with; a net with Adam, and batches that can only be run
    through; one batch; an `on_update` whose calls show; a source that is drawn from one by one; and a loss that is not
    finite, once with a batch after it that can no longer be used."""
    return (
        _vector_case(840, batches=3, size=2),
        _vector_case(841, batches=4, size=3, losses=(2.5, 1.25), carried=True),
        _net_case(842, batches=3, T=5, N=3, H=4),
        _vector_case(843, batches=1, size=4, losses=(0.5,)),
        _diary_case(845, batches=3, size=3, losses=(4.0, 2.0)),
        _one_by_one_case(846, batches=3, size=2),
        _diverging_case(847, size=2, batch=1e200, last=np.zeros(2), why="the loss of the second batch is infinite"),
        _diverging_case(848, size=2, batch=np.nan, last=None, why="the loss of the second batch is not a number"),
    )


def fit_lesson_case() -> Case:
    """A few updates of the lesson's size."""
    return _net_case(844, batches=5, T=100, N=32, H=20)


_SGD = Formula(
    "lambda model, grads, memory: (sgd(model, grads, 0.5 / (1 + memory)), memory + 1)",
    lambda model, grads, memory: (sgd(model, grads, 0.5 / (1 + memory)), memory + 1),
)


_TOO_LARGE_AND_TWICE_ONLY = Formula(
    "lambda model, grads, memory: (map_arrays(lambda w: (5e307, 0.5)[memory] * np.sign(w), model), memory + 1)",
    lambda model, grads, memory: (map_arrays(lambda w: (5e307, 0.5)[memory] * np.sign(w), model), memory + 1),
)


def _language_model(rng: np.random.Generator, cell: Any, H: int, K: int, decimals: int) -> Model:
    if cell is rnn:
        return Model(draw_rnn(rng, K, H, decimals=decimals), draw_readout(rng, H, K, decimals=decimals))
    params = lstm.Params(*(draw(rng, *s, decimals=decimals) for s in ((K, 4 * H), (H, 4 * H), (4 * H,))))
    return Model(params, draw_readout(rng, H, K, decimals=decimals))


def _symbols(rng: np.random.Generator, T: int, N: int, K: int) -> Array:
    return rng.integers(0, K, (T + 1, N))


def _single(tree: Any) -> Any:
    return map_arrays(lambda array: array.astype(np.float32), tree)


def _truncated_case(
    seed: int, cell: Any, T: int, N: int, H: int, K: int, k: int, losses: tuple[float, ...] = (), carried: bool = True,
    decimals: int = 2, single: bool = False, last_occurs: bool = True, sure: float = 1.0,
) -> Case:  # fmt: skip
    rng = np.random.default_rng(seed)
    model = _language_model(rng, cell, H, K, decimals)
    model = model._replace(readout=model.readout._replace(W_hy=sure * model.readout.W_hy))
    state = None
    if carried:
        state = draw(rng, N, H, decimals=decimals) if cell is rnn else lstm.State(draw(rng, N, H), draw(rng, N, H))
    if single:
        model, state = _single(model), _single(state) if carried else None
    symbols = _symbols(rng, T, N, K if last_occurs else K - 1)
    session = Session(model, len(losses), state, losses)
    arguments = {"cell": cell, "session": session, "symbols": symbols, "k": k, "update": _SGD}
    return Case(_label(cell, T, N, H, K, k, single, last_occurs), arguments)


def _label(cell: Any, T: int, N: int, H: int, K: int, k: int, single: bool, last_occurs: bool) -> str:
    missing = "" if last_occurs else f", symbol {K - 1} does not occur"
    name = cell.__name__.rpartition(".")[2]
    return f"{sizes(T=T, N=N, H=H, K=K)}, k = {k}, {name}{missing}{', float32' if single else ''}"


def truncated_cases() -> tuple[Case, ...]:
    """Windows with a tail of one, of none, of several steps, longer than all, and of one; the plain cell and LSTM; a
    symbol that does not occur; a readout so sure of itself that gradients go beyond ±5; float32, after these, so that a
    one-hot in float64 hides no other mistake; and a loss that is not finite, in the last window or with one after it,
    whose update would fail."""
    return (
        _truncated_case(900, rnn, T=7, N=2, H=3, K=4, k=6, decimals=1),
        _truncated_case(901, lstm, T=9, N=2, H=5, K=4, k=3, losses=(1.5, 1.25)),
        _truncated_case(902, rnn, T=8, N=1, H=4, K=6, k=5, losses=(1.75,), carried=False, last_occurs=False),
        _truncated_case(903, lstm, T=4, N=3, H=2, K=5, k=7, losses=(0.5,)),
        _truncated_case(904, lstm, T=5, N=2, H=4, K=3, k=1, carried=False),
        _truncated_case(907, rnn, T=8, N=2, H=4, K=5, k=3, sure=100.0),
        _truncated_case(906, lstm, T=6, N=2, H=3, K=5, k=4, single=True),
        _truncated_diverging_case(920, T=9, why="the loss of the second window is infinite"),
        _truncated_diverging_case(925, T=12, why="the loss of the second window is not a number"),
    )


def _truncated_diverging_case(seed: int, T: int, why: str) -> Case:
    case = _truncated_case(seed, rnn, T=T, N=2, H=3, K=4, k=5)
    arguments = {**case.arguments, "update": _TOO_LARGE_AND_TWICE_ONLY}
    return Case(f"{case.label}, training diverges", arguments, refused=why)


def truncated_lesson_case() -> Case:
    """A small piece of the lesson's stream."""
    return _truncated_case(905, lstm, T=60, N=32, H=40, K=50, k=20, single=True)


def _bits_case(
    seed: int, cell: Any, T: int, N: int, H: int, K: int, k: int, decimals: int = 2,
    single: bool = False, last_occurs: bool = True,
) -> Case:  # fmt: skip
    rng = np.random.default_rng(seed)
    model = _language_model(rng, cell, H, K, decimals)
    symbols = _symbols(rng, T, N, K if last_occurs else K - 1)
    arguments = {"cell": cell, "model": _single(model) if single else model, "symbols": symbols, "k": k}
    return Case(_label(cell, T, N, H, K, k, single, last_occurs), arguments)


def bits_cases() -> tuple[Case, ...]:
    """Windows with a tail of one, of none, of several steps, and longer than all; the plain cell and the LSTM; a symbol
    that does not occur; and float32, last, so that a one-hot in float64 hides no other mistake."""
    return (
        _bits_case(910, rnn, T=7, N=2, H=3, K=4, k=6, decimals=1),
        _bits_case(911, lstm, T=6, N=2, H=4, K=5, k=3, last_occurs=False),
        _bits_case(912, rnn, T=8, N=1, H=4, K=3, k=5),
        _bits_case(913, lstm, T=4, N=3, H=2, K=5, k=1000),
        _bits_case(915, lstm, T=7, N=2, H=3, K=5, k=4, single=True),
    )


def bits_lesson_case() -> Case:
    """A small piece of the held-out text."""
    return _bits_case(914, lstm, T=300, N=8, H=40, K=50, k=100, single=True)


_MODEL = (
    "cell.forward(params, x, state) returns h, the state after the window, and the tape; readout.forward(readout, h) "
    "returns the logits. "
)

EXERCISES = (
    Exercise(
        name="loop.fit",
        lesson="08_long_range_tasks",
        minutes=8,
        solution=loop.fit,
        returns=("session",),
        stub='''def my_loop_fit(session, batches, gradient, update, on_update=None):
    """One update for every batch; batches may be a generator. session is Session(model, memory, state, losses).
    gradient(model, batch) returns loss, grads; update(model, grads, memory) returns model, memory. After each update
    call on_update(updates, loss), if there is one: updates is the number of all losses, those that the session came
    with included. Return the new Session, with each loss before its update."""
    ...
''',
        hints=(
            "Three things change from batch to batch: the model, the optimiser's memory, and the list of losses. "
            "The session's state is only passed on.",
            "A Session is a tuple of four, which one line can take apart. losses is a tuple too: list(losses) can "
            "grow, and (*losses, loss) is a longer tuple. What you were given stays as it is.",
            "For each batch: loss and grads from gradient, which gets the model as it is now; then model and memory "
            "from update, which gets these and the memory of the last update; then the loss goes to the others. "
            "Then on_update, if it is not None, with the number of all losses. Behind the loop, build a Session.",
        ),
        make_cases=fit_cases,
        make_lesson_case=fit_lesson_case,
    ),
    Exercise(
        name="loop.truncated_epoch",
        lesson="09_language_model",
        minutes=12,
        solution=loop.truncated_epoch,
        returns=("session",),
        stub='''def my_loop_truncated_epoch(cell, session, symbols, k, update):
    """Windows of k steps along symbols (T + 1, N), integers 0 ... K - 1: read each as a one-hot row, say the next one.
    One update(model, grads, memory) -> model, memory after every window; the state is carried on, the gradient is not.
    Return the new Session(model, memory, state, losses): the last state, one loss (before the update) per window."""
    ...
''',
        hints=(
            "It is fit with windows for batches: each is a short sequence with a forward pass, a loss, a backward pass "
            "and an update. What makes them one stream is the state, which goes on from window to window.",
            _MODEL
            + "windows(T, k) gives pairs start, stop. The model is Model(cell, readout), and so is its gradient. "
            "np.eye(K, dtype=model.readout.W_hy.dtype)[symbols[start:stop]] is x (steps, N, K), in the precision of "
            "the parameters, with K = len(model.readout.b_y). "
            "readout.backward(readout, h, dy) returns its gradient and dh.",
            "There are len(symbols) - 1 steps. In each window: h, state, tape from cell.forward; y from the readout; "
            "the target is the same slice one later. Loss and dy from softmax_cross_entropy and its gradient; "
            "readout.backward, then cell.backward(params, tape, dh), whose first result counts; then update.",
        ),
        make_cases=truncated_cases,
        make_lesson_case=truncated_lesson_case,
    ),
    Exercise(
        name="loop.bits_per_symbol",
        lesson="09_language_model",
        minutes=8,
        solution=loop.bits_per_symbol,
        returns=("bits",),
        stub='''def my_loop_bits_per_symbol(cell, model, symbols, k=1000):
    """Mean over all steps and streams of -log2 of the probability that the model gives to the next symbol. symbols is
    (T + 1, N), integers 0 ... K - 1. Read from a zero state (None), k steps at a time with the state carried on, so
    that k changes nothing but the memory. Return one number."""
    ...
''',
        hints=(
            "softmax_cross_entropy is what you need, but for two things: it is in nats, and it is the mean of one "
            "window. A mean over all steps comes from sums.",
            _MODEL + "windows(T, k) gives pairs start, stop, with T = len(symbols) - 1; the last one may be shorter. "
            "np.eye(K, dtype=model.readout.W_hy.dtype)[symbols[start:stop]] is x (steps, N, K), in the precision of "
            "the parameters, with K = len(model.readout.b_y).",
            "Add up each window's cross-entropy times its stop - start; at the end divide by all steps, and by "
            "np.log(2). The state is None before the first window, and then what cell.forward returned.",
        ),
        make_cases=bits_cases,
        make_lesson_case=bits_lesson_case,
    ),
)
