"""The unrolled loop: the hidden part of a state, and whole-sequence cells made of steps.

Its numbers are held by ``test_cells.py``, where every variant runs by these loops.
"""

from __future__ import annotations

import numpy as np
from any_cell import draw

from bptt_lessons.cells import lstm, lstm_coupled, rnn, unrolled


def test_forward_is_one_step_after_another():
    params, x, h0, _, _ = draw(rnn, 0, 3, 2, 4, 5)
    h, h_T, caches = unrolled.forward(rnn, params, x, h0)
    state = h0
    for x_t, h_t in zip(x, h, strict=True):
        state, _ = rnn.step(params, x_t, state)
        assert np.array_equal(state, h_t)
    assert np.array_equal(h_T, state)
    assert len(caches) == 3


def test_a_tuple_of_caches_is_as_good_as_a_list():
    params, x, h0, dh, _ = draw(rnn, 1, 3, 2, 4, 5)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    one, two = unrolled.backward(rnn, params, caches, dh), unrolled.backward(rnn, params, tuple(caches), dh)
    assert np.array_equal(one[1], two[1])


def test_the_hidden_part_of_a_state():
    h, c, dh = np.ones((2, 3)), np.zeros((2, 3)), np.full((2, 3), 0.5)
    assert unrolled.hidden(h) is h
    assert unrolled.hidden(lstm.State(h, c)) is h
    assert np.array_equal(unrolled.add_to_hidden(h, dh), h + dh)
    added = unrolled.add_to_hidden(lstm.State(h, c), dh)
    assert np.array_equal(added.h, h + dh)
    assert added.c is c
    assert np.array_equal(h, np.ones((2, 3)))


def test_looped_keeps_the_cells_own_steps_and_can_be_looped_again():
    cell = unrolled.looped(unrolled.looped(lstm_coupled))
    assert cell.step is lstm_coupled.step
    assert cell.step_backward is lstm_coupled.step_backward
    assert cell.zero_state is lstm_coupled.zero_state
    params, x, _, _, _ = draw(lstm_coupled, 2, 3, 2, 4, 5)
    right = unrolled.forward(lstm_coupled, params, x, lstm_coupled.zero_state(params, 2))
    assert np.array_equal(cell.forward(params, x)[0], right[0])
