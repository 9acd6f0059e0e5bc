"""The training loop, and the gradient of a whole model."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from any_cell import assert_gradient, fast_cells
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.gradients import gradcheck, tbptt
from bptt_lessons.tasks import temporal_xor
from bptt_lessons.training import loop, losses, optim, readout


def draw(
    seed: int, T: int, N: int, D: int, H: int, K: int, dtype: Any = np.float64, cell: Any = rnn
) -> tuple[loop.Model, Any, Any]:
    """Draw a model, inputs and a mask."""
    rng = np.random.default_rng(seed)
    model = loop.Model(cell.init(rng, D, H, dtype=dtype), readout.init(rng, H, K, dtype))
    mask = rng.random((T, N)) < 0.6
    mask[-1, -1] = True
    return model, rng.normal(size=(T, N, D)).astype(dtype), mask


@pytest.mark.parametrize("masked", [False, True])
@fast_cells
@pytest.mark.parametrize("kind", ["mse", "softmax_cross_entropy"])
def test_the_gradient_of_a_whole_model_agrees_with_complex_step(kind, cell, masked, whole):
    T, N, D, H, K = 5, 3, 2, 4, 3
    model, x, mask = draw(0, T, N, D, H, K, cell=cell)
    rng = np.random.default_rng(1)
    target = rng.normal(size=(T, N, K)) if kind == "mse" else rng.integers(0, K, (T, N))
    mask = mask if masked else None
    value, gradient = getattr(losses, kind), getattr(losses, f"{kind}_gradient")
    number, grads = loop.loss_and_gradient(cell, model, x, target, mask, value, gradient)

    def loss(m: loop.Model) -> Any:
        return value(loop.predict(cell, m, x), target, mask)

    assert type(number) is float
    assert number == pytest.approx(loss(model), rel=1e-14)
    assert type(grads) is loop.Model
    assert_gradient(grads, loss, model, whole)


def parabola(model: Any, batch: float) -> tuple[float, Any]:
    """The loss (w - batch)² of a model of one number."""
    return float(((model - batch) ** 2).sum()), 2 * (model - batch)


def descend(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
    """One step of gradient descent."""
    return optim.sgd(model, grads, 0.25), memory


def test_fit_makes_one_update_for_every_batch():
    fitted = loop.fit(loop.Session(np.array([1.0])), [0.0, 0.0, 2.0], parabola, descend)
    assert fitted.losses == (1.0, 0.25, 1.75**2)  # each before its update
    assert fitted.model == 0.25 - 0.5 * (0.25 - 2)


def test_fit_reports_every_update_after_it_is_done():
    events: list[Any] = []

    def update(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
        events.append("update")
        return descend(model, grads, memory)

    start = loop.Session(np.array([1.0]))
    loop.fit(start, iter([0.0, 0.0]), parabola, update, lambda done, loss: events.append((done, loss)))
    assert events == ["update", (1, 1.0), "update", (2, 0.25)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_fit_stops_when_training_has_diverged(bad):
    updates: list[int] = []
    with pytest.raises(ValueError, match=r"at update 2: training diverged.*lr"):
        loop.fit(
            loop.Session(np.array([1.0])),
            [0.0, bad, 0.0],
            lambda model, batch: (1.0 + batch, model),
            lambda model, grads, memory: (updates.append(1) or model, memory),
        )
    assert len(updates) == 1


def adam(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
    """One step of Adam."""
    return optim.adam(model, grads, memory, 0.02)


def same(one: loop.Session, two: loop.Session) -> bool:
    """Whether two sessions are equal to the last bit."""
    parts = [[a for part in (s.model, s.memory, s.state) for _, a in nested.named_arrays(part)] for s in (one, two)]
    return one.losses == two.losses and all(np.array_equal(a, b) for a, b in zip(*parts, strict=True))


@fast_cells
def test_fit_continues_where_it_stopped(cell):
    """Two parts are the whole, with the optimiser's memory and the losses carried; none of them is written into."""
    model, _, _ = draw(3, 1, 1, 1, 4, 1, cell=cell)
    rng = np.random.default_rng(0)
    batches = [temporal_xor.sequences(rng, 6, 3) for _ in range(7)]

    def gradient(m: Any, b: Any) -> Any:
        return loop.loss_and_gradient(cell, m, b.x, b.target)

    start = loop.Session(model, optim.adam_start(model))
    whole = loop.fit(start, batches, gradient, adam)
    seen: list[int] = []
    half = loop.fit(start, batches[:3], gradient, adam)
    both = loop.fit(half, batches[3:], gradient, adam, lambda done, loss: seen.append(done))
    assert same(both, whole)
    assert (len(half.losses), len(both.losses), both.memory.updates) == (3, 7, 7)
    assert seen == [4, 5, 6, 7]
    assert start.losses == ()
    assert start.memory.updates == 0


K = 5


def stream(cell: Any, seed: int = 0, T: int = 23, N: int = 2, dtype: Any = np.float64) -> tuple[loop.Session, Any]:
    """A session before its training on a stream of symbols, and the stream."""
    model, _, _ = draw(seed, 1, 1, K, 4, K, dtype, cell)
    start = loop.Session(model, optim.adam_start(model))
    return start, np.random.default_rng(seed).integers(0, K, (T + 1, N))


def loss_of_window(model: loop.Model, symbols: Any) -> Any:
    """The loss that `truncated_epoch` takes of a window, for ``gradients``."""

    def loss_gradient(h: Any, start: int) -> Any:
        target = symbols[start + 1 : start + len(h) + 1]
        y = readout.forward(model.readout, h)
        of_readout, dh = readout.backward(model.readout, h, losses.softmax_cross_entropy_gradient(y, target))
        return float(losses.softmax_cross_entropy(y, target)), dh, of_readout

    return loss_gradient


@fast_cells
@pytest.mark.parametrize("k", [1, 4, 50])
def test_an_epoch_whose_updates_do_nothing_has_the_gradient_of_windows_with_carry(cell, k):
    session, symbols = stream(cell)
    total = None
    calls: list[int] = []

    def update(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
        nonlocal total
        total = grads if total is None else nested.add(total, grads)
        calls.append(len(calls))
        return model, ("memory", len(calls))

    done = loop.truncated_epoch(cell, session, symbols, k, update)
    model, x = session.model, np.eye(K)[symbols[:-1]]
    right = tbptt.windowed_gradient(cell, model.cell, x, None, loss_of_window(model, symbols), k)
    assert gradcheck.worst_error(total, loop.Model(right.grads, right.extra))[1] <= 1e-14
    assert sum(done.losses) == pytest.approx(right.loss, rel=1e-14)
    assert len(done.losses) == len(calls) == len(tbptt.windows(23, k))
    assert done.memory == ("memory", len(calls))
    _, state_T, _ = cell.forward(model.cell, x)
    assert gradcheck.worst_error(done.state, state_T)[1] <= 1e-14


@fast_cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_epochs_on_two_parts_of_a_stream_are_one_on_the_whole(cell, dtype):
    """The state, the optimiser's memory and the parameters are carried; the parts share the symbol that is a target."""
    start, symbols = stream(cell, T=24, dtype=dtype)
    whole = loop.truncated_epoch(cell, start, symbols, 6, adam)
    half = loop.truncated_epoch(cell, start, symbols[:13], 6, adam)
    both = loop.truncated_epoch(cell, half, symbols[12:], 6, adam)
    assert same(both, whole)
    assert {a.dtype for part in (both.model, both.state) for _, a in nested.named_arrays(part)} == {np.dtype(dtype)}
    forgetful = loop.truncated_epoch(cell, half._replace(state=None), symbols[12:], 6, adam)
    assert forgetful.losses[:2] == both.losses[:2]
    assert forgetful.losses[2] != both.losses[2]


def test_an_epoch_that_diverges_says_so():
    session, symbols = stream(rnn)

    def spoil(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
        return nested.map_arrays(lambda p: p * np.inf, model)._replace(cell=model.cell), memory

    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="at update 2: training diverged"):
        loop.truncated_epoch(rnn, session, symbols, 5, spoil)


@fast_cells
def test_a_stream_with_an_order_is_learnt(cell):
    """0 1 2 3 4 0 1 ...: after a few dozen windows the next symbol is nearly sure."""
    start, _ = stream(cell)
    symbols = (np.arange(401)[:, None] + np.array([0, 2])) % K
    done = loop.train(start, lambda s: loop.truncated_epoch(cell, s, symbols, 10, adam), 160)
    assert loop.bits_per_symbol(cell, start.model, symbols) > 2
    assert loop.bits_per_symbol(cell, done.model, symbols) < 0.5


@fast_cells
@given(st.integers(1, 30), st.integers(1, 3), st.integers(0, 99))
def test_bits_are_those_by_hand_and_the_windows_length_does_not_matter(cell, T, N, seed):
    session, symbols = stream(cell, seed, T, N)
    model, state, bits = session.model, cell.zero_state(session.model.cell, N), []
    for now, following in pairwise(symbols):
        state, _ = cell.step(model.cell, np.eye(K)[now], state)
        p = np.exp(getattr(state, "h", state) @ model.readout.W_hy + model.readout.b_y)
        bits += [-np.log2(p[n, following[n]] / p[n].sum()) for n in range(N)]
    for k in (1, 2, 7, T, 1000):
        assert loop.bits_per_symbol(cell, model, symbols, k) == pytest.approx(np.mean(bits), rel=1e-12)


@fast_cells
def test_a_reader_reads_in_parts_what_it_reads_in_one(cell):
    session, symbols = stream(cell, N=1)
    read = loop.reader(cell, session.model)
    y, state = read(symbols[:, 0], None)
    assert y.shape == (1, K)
    h, state_T, _ = cell.forward(session.model.cell, np.eye(K)[symbols])
    assert gradcheck.relative_error(y, readout.forward(session.model.readout, h)[-1]) <= 1e-14
    assert gradcheck.worst_error(state, state_T)[1] <= 1e-14
    carried = None
    for symbol in symbols[:, 0]:
        y_1, carried = read(np.array([symbol]), carried)
    assert gradcheck.relative_error(y_1, y) <= 1e-13


def one_more(session: loop.Session) -> loop.Session:
    """One update: the model counts them."""
    return session._replace(model=session.model + 1, losses=(*session.losses, float(len(session.losses))))


BEFORE = loop.Session(np.array([0.0]))


def whole_session(session: loop.Session) -> bool:
    """Whether the model and the losses are of the same update."""
    return session.model == len(session.losses)


def test_train_makes_so_many_updates_and_reports_each():
    seen: list[Any] = []
    done = loop.train(BEFORE, one_more, 4, lambda updates, loss: seen.append((updates, loss)))
    assert done.losses == (0.0, 1.0, 2.0, 3.0)
    assert seen == [(1, 0.0), (2, 1.0), (3, 2.0), (4, 3.0)]
    further = loop.train(done, one_more, 2)
    assert len(further.losses) == 6
    assert BEFORE.losses == ()


def test_an_advance_of_several_updates_is_not_cut():
    def three(session: loop.Session) -> loop.Session:
        return one_more(one_more(one_more(session)))

    assert len(loop.train(BEFORE, three, 4).losses) == 6


@pytest.mark.parametrize("after", [0, 1, 3])
def test_train_stops_when_it_is_told_to(after):
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > after

    done = loop.train(BEFORE, one_more, 10, stopped=stopped)
    assert len(done.losses) == after
    assert whole_session(done)
    assert len(asked) == after + 1  # before every step, and no more after that


def interrupted_at(event: int) -> tuple[Any, int]:
    """Train for three updates, interrupted at this event (a line, a call or a return in any frame); what came of it."""
    count = 0

    def trace(frame: Any, kind: str, argument: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename in (loop.__file__, __file__):
            count += 1
            if count == event:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return loop.train(BEFORE, one_more, 3, lambda updates, loss: None, lambda: False), count
    except KeyboardInterrupt:
        return None, count
    finally:
        sys.settrace(before)


def test_an_interrupt_at_any_line_leaves_a_whole_session():
    """Every line that runs, in turn.  Before the first and after the last of the loop it is still an interrupt."""
    _, events = interrupted_at(0)
    outcomes = [interrupted_at(event)[0] for event in range(1, events + 1)]
    came_back = [session for session in outcomes if session is not None]
    assert all(whole_session(session) for session in came_back)
    assert {len(session.losses) for session in came_back} == {0, 1, 2, 3}
    assert len(came_back) > 0.6 * len(outcomes)
    lengths = [len(session.losses) for session in came_back]
    assert lengths == sorted(lengths)
    first = outcomes.index(came_back[0])
    last = len(outcomes) - 1 - outcomes[::-1].index(came_back[-1])
    assert all(session is not None for session in outcomes[first : last + 1])


@pytest.mark.parametrize("bad", [lambda s: s, lambda s: None, lambda s: s._replace(losses=()), lambda s: s.model])
def test_an_advance_that_makes_no_update_is_refused_rather_than_run_for_ever(bad):
    with pytest.raises(ValueError, match=r"advance must return a loop\.Session with at least one update more"):
        loop.train(one_more(BEFORE), bad, 3)
