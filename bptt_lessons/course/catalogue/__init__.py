"""The catalogue: every exercise of the course, in the order of the lessons.

One file per module of solutions holds its exercises as data: stub, hints, cases and
the mistakes that people make.  To add a mistake, write it as a function there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bptt_lessons.course.catalogue import (
    activations_exercises,
    adding_exercises,
    checkpointing_exercises,
    copying_exercises,
    flow_exercises,
    gradcheck_exercises,
    gru_exercises,
    init_exercises,
    loop_exercises,
    losses_exercises,
    lstm_exercises,
    optim_exercises,
    readout_exercises,
    rnn_exercises,
    tbptt_exercises,
    text_exercises,
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
    "flow.step_jacobian",
    "flow.gradient_norms",
    "flow.spectral_radius",
    "optim.clip_by_global_norm",
    "init.orthogonal",
    "checkpointing.tape_bytes",
    "checkpointing.backward_sqrt",
    "checkpointing.forward_cost",
    "checkpointing.backward",
    "tbptt.contributions",
    "tbptt.windows",
    "tbptt.windowed_gradient",
    "tbptt.sliding_gradient",
    "tbptt.stream_batches",
    "tbptt.randomised_gradient",
    "lstm.step",
    "lstm.memory_half_life",
    "lstm.init",
    "lstm.step_backward",
    "gru.step",
    "gru.step_backward",
    "adding.sequences",
    "loop.fit",
    "optim.adam",
    "copying.sequences",
    "text.encode",
    "loop.bits_per_symbol",
    "loop.truncated_epoch",
    "text.sample",
)

_MODULES = (
    activations_exercises,
    rnn_exercises,
    unrolled_exercises,
    readout_exercises,
    losses_exercises,
    gradcheck_exercises,
    optim_exercises,
    flow_exercises,
    init_exercises,
    checkpointing_exercises,
    tbptt_exercises,
    lstm_exercises,
    gru_exercises,
    adding_exercises,
    copying_exercises,
    loop_exercises,
    text_exercises,
)
_BY_NAME = {exercise.name: exercise for module in _MODULES for exercise in module.EXERCISES}

EXERCISES: Mapping[str, Exercise] = MappingProxyType({name: _BY_NAME[name] for name in ORDER})
