"""The names that the edits on the pages may use, beside those of the solution's own module."""

from __future__ import annotations

import functools
import math
from collections import deque
from itertools import pairwise
from typing import Any

import numpy as np

from bptt_lessons import nested
from bptt_lessons.cells import lstm, rnn, unrolled
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
from bptt_lessons.gradients import bptt
from bptt_lessons.gradients.bptt import Gradient, add_extra
from bptt_lessons.gradients.tbptt import windows
from bptt_lessons.nested import add, map_arrays, named_arrays, zeros_like
from bptt_lessons.tasks.batch import Batch
from bptt_lessons.training import losses, optim, readout
from bptt_lessons.training.optim import AdamState, adam, adam_start, sgd
from bptt_lessons.training.readout import Readout

NAMES: dict[str, Any] = {
    name: value for name, value in globals().items() if not name.startswith("_") and name not in ("Any", "annotations")
}

__all__ = [
    "NAMES", "AdamState", "Batch", "Gradient", "Readout", "adam", "adam_start", "add", "add_extra", "add_to_hidden",
    "bptt", "deque", "functools", "hidden", "losses", "lstm", "map_arrays", "math", "named_arrays", "nested", "np",
    "optim", "pairwise", "readout", "rnn", "sgd", "sigmoid", "unrolled", "windows", "zeros_like",
]  # fmt: skip
