"""Copying: ten symbols, a long pause, a sign, and then the ten symbols must be repeated
(Arjovsky, Shah and Bengio 2016, after the long time lags of Hochreiter and Schmidhuber 1997).
"""

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import check_rng, check_size
from bptt_lessons.tasks.batch import Batch

SYMBOLS = 8  # that carry the message; one for nothing and one for the sign come on top
LENGTH = 10  # of the message
BLANK, SIGN = SYMBOLS, SYMBOLS + 1


def sequences(rng: np.random.Generator, gap: int, N: int) -> Batch:
    """Draw N sequences: ten symbols, `gap` - 1 times nothing, the sign, ten times nothing.

    Parameters
    ----------
    rng : numpy.random.Generator
    gap, N : int
        The message's last symbol and the sign are `gap` steps apart; a sequence has gap + 20 steps.

    Returns
    -------
    Batch
        x (gap + 20, N, 10): one of the ten is 1.0; target (gap + 20, N): "nothing" (8), and at the last
        ten steps the message (0 to 7); mask: True everywhere.
    """
    check_rng(rng)
    gap, N = check_size("gap", gap), check_size("N", N)
    T = gap + 2 * LENGTH
    message = rng.integers(0, SYMBOLS, (LENGTH, N))
    symbol = np.full((T, N), BLANK)
    symbol[:LENGTH] = message
    symbol[LENGTH + gap - 1] = SIGN
    target = np.full((T, N), BLANK)
    target[-LENGTH:] = message
    return Batch(np.eye(SYMBOLS + 2)[symbol], target, np.ones((T, N), dtype=bool))


def baseline(gap: int) -> float:
    """Return the cross-entropy, in nats and over all steps, of a net that knows the timing and forgot the message.

    It predicts the blank with certainty until the sign, then guesses among eight: 10 ln 8 / (gap + 20).
    """
    return float(LENGTH * np.log(SYMBOLS) / (check_size("gap", gap) + 2 * LENGTH))
