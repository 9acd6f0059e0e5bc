"""All experiments, by name, in the order of the lessons that show them."""

from __future__ import annotations

from collections.abc import Mapping

from bptt_lessons.experiments import (
    adding_cells,
    cliff_step,
    copying_linear,
    delayed_echo_windows,
    forget_bias_adding,
    gradient_bound,
    influence_balancing_truncated,
    language_model,
    language_model_long,
    long_sequence,
    lstm_variants,
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
        forget_bias_adding.EXPERIMENT,
        lstm_variants.EXPERIMENT,
        adding_cells.EXPERIMENT,
        copying_linear.EXPERIMENT,
        reber_cells.EXPERIMENT,
        temporal_order_cells.EXPERIMENT,
        language_model.EXPERIMENT,
        language_model_long.EXPERIMENT,
        units_that_know.EXPERIMENT,
    )
}
