"""The catalogue: every exercise of the course, in the order of the lessons.

One file per module of solutions holds its exercises as data: stub, hints, cases and
the mistakes that people make.  To add a mistake, write it as a function there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bptt_lessons.course.catalogue import (
    activations_exercises,
    gradcheck_exercises,
    losses_exercises,
    optim_exercises,
    readout_exercises,
    rnn_exercises,
    unrolled_exercises,
)
from bptt_lessons.course.exercises import Exercise

ORDER = (
    "activations.sigmoid",
    "rnn.step",
    "unrolled.forward",
    "readout.forward",
    "losses.mse",
    "losses.softmax_cross_entropy",
    "losses.mse_gradient",
    "losses.softmax_cross_entropy_gradient",
    "readout.backward",
    "rnn.step_backward",
    "unrolled.backward",
    "gradcheck.central_difference",
    "gradcheck.complex_step",
    "optim.sgd",
)

_MODULES = (
    activations_exercises,
    rnn_exercises,
    unrolled_exercises,
    readout_exercises,
    losses_exercises,
    gradcheck_exercises,
    optim_exercises,
)
_BY_NAME = {exercise.name: exercise for module in _MODULES for exercise in module.EXERCISES}

EXERCISES: Mapping[str, Exercise] = MappingProxyType({name: _BY_NAME[name] for name in ORDER})
