"""Weights in PyTorch's names and layout, converted both ways without loss.

``oracles/test_differential.py`` compares them with PyTorch itself.
"""

from __future__ import annotations

import numpy as np
import pytest
from any_cell import draw, fast_cells

from bptt_lessons.cells import gru, lstm, rnn, torch_weights
from bptt_lessons.gradients import gradcheck


@fast_cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_converting_both_ways_changes_nothing(cell, dtype):
    params = draw(cell, 0, 1, 1, 3, 5, dtype).params
    weights = torch_weights.to_torch(params)
    blocks = {rnn: 1, gru: 3, lstm: 4}[cell]
    assert {name: (w.shape, w.dtype) for name, w in weights.items()} == {
        "weight_ih_l0": ((blocks * 5, 3), dtype),
        "weight_hh_l0": ((blocks * 5, 5), dtype),
        "bias_ih_l0": ((blocks * 5,), dtype),
        "bias_hh_l0": ((blocks * 5,), dtype),
    }
    back = torch_weights.from_torch(cell, weights)
    assert type(back) is cell.Params
    assert gradcheck.worst_error(back, params)[1] == 0


def drawn_weights(blocks: int, D: int, H: int) -> dict[str, np.ndarray]:
    """Weights as PyTorch would have them, two biases among them."""
    rng = np.random.default_rng(1)
    shapes = {"weight_ih_l0": (blocks * H, D), "weight_hh_l0": (blocks * H, H)}
    shapes |= {"bias_ih_l0": (blocks * H,), "bias_hh_l0": (blocks * H,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(("cell", "blocks"), [(rnn, 1), (lstm, 4)], ids=["rnn", "lstm"])
def test_two_biases_become_their_sum(cell, blocks):
    weights = drawn_weights(blocks, 3, 5)
    params = cell.Params(*torch_weights.from_torch(cell, weights))
    assert np.array_equal(params.b_h, weights["bias_ih_l0"] + weights["bias_hh_l0"])
    assert np.array_equal(params.W_xh, weights["weight_ih_l0"].T)
    assert np.array_equal(params.W_hh, weights["weight_hh_l0"].T)


def test_the_grus_third_bias_stays_apart():
    weights = drawn_weights(3, 3, 5)
    params = torch_weights.from_torch(gru, weights)
    first, second = weights["bias_ih_l0"], weights["bias_hh_l0"]
    assert np.array_equal(params.b_h[:10], (first + second)[:10])
    assert np.array_equal(params.b_h[10:], first[10:])
    assert np.array_equal(params.b_hg, second[10:])


@fast_cells
def test_neither_conversion_returns_a_view(cell):
    params = draw(cell, 2, 1, 1, 3, 5).params
    weights = torch_weights.to_torch(params)
    back = torch_weights.from_torch(cell, weights)
    for array in weights.values():
        assert not any(np.shares_memory(array, p) for p in (*params, *back))
        assert array.flags.c_contiguous  # so that a framework can take it as it is
