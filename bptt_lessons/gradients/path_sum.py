"""The path sum: the gradient of an unrolled RNN with no recursion in it at all.

A weight reaches a loss along every path from one of its uses, at step s, through one
hidden unit per step, to the loss at some step t ≥ s.  The gradient is the sum, over
all uses and all paths, of the product of the slopes along the path.  That is slow
(H^(t-s+1) paths for one pair of steps) and too plain to be wrong, which is what an
oracle is for.  It checks the recursion; the slopes of the activation it takes as given.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells.activations import TANH, Activation
from bptt_lessons.cells.rnn import Params, Tape, check_tape


def gradient(params: Params, tape: Tape, dh: Array, activation: Activation = TANH) -> Params:
    """Gradient of the parameters as an explicit sum over all paths.

    Parameters
    ----------
    params : rnn.Params
    tape : rnn.Tape
        From `rnn.forward`.
    dh : array (T, N, H)
        The loss's own gradient at every step.
    activation : Activation, optional

    Returns
    -------
    rnn.Params
        The same as `rnn.backward` gives.
    """
    check_tape(params, tape, dh, None, activation)
    T, N, H = dh.shape
    slope = activation.derivative(tape.h)
    grads = Params(*(np.zeros(p.shape, np.result_type(*tape, dh, *params)) for p in params))
    for n in range(N):
        for s in range(T):
            for t in range(s, T):
                for path in product(range(H), repeat=t - s + 1):  # the hidden units at steps s ... t
                    influence = dh[t, n, path[-1]] * slope[s, n, path[0]]
                    for r, (i, j) in enumerate(pairwise(path), start=s + 1):
                        influence = influence * params.W_hh[i, j] * slope[r, n, j]
                    grads.W_xh[:, path[0]] += tape.x[s, n] * influence
                    grads.W_hh[:, path[0]] += tape.h_prev[s, n] * influence
                    grads.b_h[path[0]] += influence
    return grads
