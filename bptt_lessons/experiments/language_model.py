"""A language model of Python's own manual: bits per character on text that it has not read.

Lesson 09's live training uses `data`, `start`, `decaying` and `next_window` too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import lstm
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.gradients.tbptt import stream_batches
from bptt_lessons.tasks import compression, text
from bptt_lessons.training import loop, optim, readout

WARM_UP = 50  # updates in which the learning rate rises
EXAM_ROWS = 8  # streams that the held-out text is cut into for a curve: faster, and 0.002 bits off


class Data(NamedTuple):
    """Python's manual as numbers."""

    alphabet: str
    training: Array  # integer (T, N): N streams side by side
    held_out: Array  # integer (L,)


def data(N: int) -> Data:
    """Return the manual with its training text in N streams."""
    manual = text.python_manual()
    alphabet = text.alphabet(manual.training + manual.held_out)
    training = stream_batches(text.encode(manual.training, alphabet), N)
    return Data(alphabet, training, text.encode(manual.held_out, alphabet))


def start(seed: int, K: int, H: int) -> loop.Session:
    """Return an untrained LSTM of H units over K characters, in float32, with Adam's memory."""
    rng = np.random.default_rng(seed)
    cell = lstm.init(rng, K, H, dtype=np.float32)
    model = loop.Model(cell, readout.init(rng, H, K, dtype=np.float32))
    return loop.Session(model, optim.adam_start(model))


def decaying(lr: float, updates: int, max_norm: float = 1.0) -> loop.Update:
    """Return Adam with clipping; its learning rate rises to `lr`, then falls linearly to 0 after `updates`."""

    def update(model: Any, grads: Any, memory: optim.AdamState) -> tuple[Any, optim.AdamState]:
        done = memory.updates
        share = min((done + 1) / WARM_UP, 1) * max(1 - done / updates, 1e-3)
        return optim.adam(model, optim.clip_by_global_norm(grads, max_norm), memory, lr * share)

    return update


def next_window(training: Array, k: int, update: loop.Update) -> Callable[[loop.Session], loop.Session]:
    """Return ``advance(session)``: one update, on the window that follows the session's last.

    The number of updates gives the window, so a saved session continues at its place.
    After the last whole window comes the first again, with a state of zeros.
    """
    per_pass = (len(training) - 1) // k

    def advance(session: loop.Session) -> loop.Session:
        first = len(session.losses) % per_pass * k
        session = session if first else session._replace(state=None)
        return loop.truncated_epoch(lstm, session, training[first : first + k + 1], k, update)

    return advance


def run(seed: int, *, H: int, N: int, k: int, lr: float, updates: int, points: int) -> Values:
    """Train a character LSTM by truncated BPTT with a carried state, and read the held-out text with it.

    Parameters
    ----------
    seed : int
    H : int
        Units.
    N, k : int
        Streams side by side, and steps in a window.
    lr : float
        Largest learning rate of Adam, see `decaying`; gradients are clipped to length 1.
    updates : int
        One for every window.
    points : int
        Of the curve: the held-out text is read after each of so many equal parts of the training.

    Returns
    -------
    dict
        Bits per character of the held-out text for the LSTM and its baselines, whether it is below them, numbers
        of characters, processor seconds of the training, and the curve. For the curve the held-out text is read in
        eight streams; the bits in training are the mean since the previous point.
    """
    manual, found = text.python_manual(), data(N)
    K, training = len(found.alphabet), text.encode(manual.training, found.alphabet)
    exam = stream_batches(found.held_out, EXAM_ROWS)
    session, advance = start(seed, K, H), next_window(found.training, k, decaying(lr, updates))
    seconds, curve = 0.0, []
    for point in range(1, points + 1):
        begin = time.process_time()
        while len(session.losses) < updates * point // points:  # loop.train would swallow an interrupt
            session = advance(session)
        seconds += time.process_time() - begin
        latest = float(np.mean(session.losses[-updates // points :]) / np.log(2))
        curve.append((len(session.losses), seconds, loop.bits_per_symbol(lstm, session.model, exam), latest))
    bits = loop.bits_per_symbol(lstm, session.model, found.held_out[:, None])
    trigram, xz = compression.trigram_bits(training, found.held_out, K), compression.xz_bits(manual.held_out)
    return {
        "bits, unigram": compression.unigram_bits(training, found.held_out, K),
        "bits, trigram": trigram,
        "bits, xz alone": xz,
        "bits, xz after the training text": compression.xz_bits(manual.held_out, manual.training),
        "bits, LSTM": bits,
        "LSTM below the trigram": bits < trigram,
        "LSTM below xz alone": bits < xz,
        "characters, training": len(manual.training),
        "characters, held out": len(manual.held_out),
        "characters, different": K,
        "characters read in training": len(session.losses) * N * k,
        "seconds of training": seconds,
        "curve, updates": [float(done) for done, _, _, _ in curve],
        "curve, seconds": [spent for _, spent, _, _ in curve],
        "curve, bits": [held_out for _, _, held_out, _ in curve],
        "curve, bits in training": [latest for _, _, _, latest in curve],
    }


EXPERIMENT = Experiment(
    name="language_model",
    question="How many bits for a character of Python's manual, after half a minute of training?",
    run=run,
    seeds=tuple(range(3)),
    full={"H": 128, "N": 16, "k": 64, "lr": 0.04, "updates": 1200, "points": 6},
    lesson={"H": 128, "N": 16, "k": 64, "lr": 0.04, "updates": 1200, "points": 6},
    published={},
    note="Seconds are those of the processor, one thread. The text differs a little between releases of Python.",
)

LONG_EXPERIMENT = EXPERIMENT._replace(
    name="language_model_long",
    question="How many bits for a character of Python's manual, after 5,000 updates of a larger LSTM?",
    seeds=(0,),
    full={"H": 192, "N": 32, "k": 64, "lr": 0.02, "updates": 5000, "points": 25},
)
