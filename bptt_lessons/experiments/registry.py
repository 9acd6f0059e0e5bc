"""All experiments, by name, in the order of the lessons that show them."""

from __future__ import annotations

from collections.abc import Mapping

from bptt_lessons.experiments import (
    adding_contests,
    cliff_step,
    copying_linear,
    delayed_echo_windows,
    gradient_bound,
    influence_balancing_truncated,
    language_model,
    long_sequence,
    orthogonal_gain,
    reber_cells,
    sunspots_longer,
    temporal_order_cells,
    temporal_order_clipping,
    temporal_xor_windows,
    truncation_bias,
    units_that_know,
)
from bptt_lessons.experiments.recording import Experiment

EXPERIMENTS: Mapping[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        sunspots_longer.EXPERIMENT,
        gradient_bound.EXPERIMENT,
        orthogonal_gain.EXPERIMENT,
        cliff_step.EXPERIMENT,
        temporal_order_clipping.EXPERIMENT,
        long_sequence.EXPERIMENT,
        temporal_xor_windows.EXPERIMENT,
        delayed_echo_windows.EXPERIMENT,
        truncation_bias.EXPERIMENT,
        influence_balancing_truncated.EXPERIMENT,
        adding_contests.FORGET_BIASES,
        adding_contests.VARIANTS,
        adding_contests.CELLS,
        copying_linear.EXPERIMENT,
        reber_cells.EXPERIMENT,
        temporal_order_cells.EXPERIMENT,
        language_model.EXPERIMENT,
        language_model.LONG_EXPERIMENT,
        units_that_know.EXPERIMENT,
    )
}
