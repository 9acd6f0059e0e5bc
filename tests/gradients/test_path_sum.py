"""The sum over all paths, against gradients worked out by hand.  (Against rnn.backward: see cells/test_rnn.py.)"""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import LINEAR
from bptt_lessons.gradients import gradcheck, path_sum


def test_three_steps_of_a_linear_scalar_net_by_hand():
    u, w, b = 0.5, 0.3, 0.1
    params = rnn.Params(np.array([[u]]), np.array([[w]]), np.array([b]))
    x, h0 = np.array([2.0, -1.0, 3.0]).reshape(3, 1, 1), np.array([[0.7]])
    _, _, tape = rnn.forward(params, x, h0, LINEAR)
    dh = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1)  # the loss is h_3
    h1 = w * 0.7 + u * 2 + b
    h2 = w * h1 - u + b
    right = rnn.Params(
        np.array([[w * w * 2 - w + 3]]), np.array([[w * w * 0.7 + w * h1 + h2]]), np.array([w * w + w + 1])
    )
    grads = path_sum.gradient(params, tape, dh, LINEAR)
    assert gradcheck.worst_error(grads, right)[1] <= 1e-15


def test_a_loss_at_the_first_step_knows_nothing_of_the_recurrent_weights():
    rng = np.random.default_rng(0)
    params = rnn.init(rng, 2, 3)
    _, _, tape = rnn.forward(params, rng.normal(size=(3, 2, 2)))
    dh = np.zeros((3, 2, 3))
    dh[0] = 1
    grads = path_sum.gradient(params, tape, dh)
    assert not grads.W_hh.any()
    assert grads.W_xh.all()
