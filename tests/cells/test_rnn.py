"""The plain RNN's own: its equation, the sum over all paths, its one buffer, and other activations."""

from __future__ import annotations

import numpy as np
from any_cell import CELLS, Inputs, draw
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import gradcheck, path_sum

ACTIVATIONS = {"rnn": TANH, "rnn_sigmoid": SIGMOID, "rnn_relu": RELU, "rnn_linear": LINEAR}
size = st.integers(1, 4)


@given(
    st.tuples(size, st.integers(1, 2), size, st.integers(1, 3)),
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(ACTIVATIONS)),
)
@example((4, 2, 1, 3), 0, "rnn")
def test_backward_agrees_with_the_sum_over_all_paths(shape, seed, name):
    params, x, h0, dh, _ = draw(CELLS[name], seed, *shape)
    _, _, tape = CELLS[name].forward(params, x, h0)
    grads, _, _ = CELLS[name].backward(params, tape, dh)
    worst, error = gradcheck.worst_error(grads, path_sum.gradient(params, tape, dh, ACTIVATIONS[name]))
    assert error <= 1e-13, worst


def test_one_step_is_the_equation():
    params = rnn.Params(np.array([[2.0, 0.5]]), np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.01, -0.02]))
    x, h_prev = np.array([[0.5]]), np.array([[0.25, -0.5]])
    z = np.array([[2 * 0.5 + 0.1 * 0.25 - 0.3 * 0.5 + 0.01, 0.5 * 0.5 + 0.2 * 0.25 - 0.4 * 0.5 - 0.02]])
    h, cache = rnn.step(params, x, h_prev)
    assert gradcheck.relative_error(h, np.tanh(z)) <= 1e-15
    assert cache == (x, h_prev, h)


def test_the_bias_is_drawn_within_its_bound():
    b_h = rnn.init(np.random.default_rng(0), 30, 40).b_h
    assert 0.1 < np.abs(b_h).max() <= 1 / np.sqrt(40)


def test_the_tape_shares_one_buffer():
    params, x, h0, _, _ = draw(rnn, 8, 4, 3, 2, 5)
    _, _, tape = rnn.forward(params, x, h0)
    assert np.shares_memory(tape.h_prev, tape.h)


def test_a_bound_cell_is_the_cell_with_its_activation():
    params, x, h0, dh, dh_T = draw(rnn, 10, 4, 3, 2, 5)
    cell = rnn.with_activation(SIGMOID)
    h, _, tape = cell.forward(params, x, h0)
    assert np.array_equal(h, rnn.forward(params, x, h0, SIGMOID)[0])
    assert not np.array_equal(h, rnn.forward(params, x, h0)[0])
    ours = Inputs(*cell.backward(params, tape, dh, dh_T))
    assert gradcheck.worst_error(ours, Inputs(*rnn.backward(params, tape, dh, dh_T, SIGMOID)))[1] == 0
