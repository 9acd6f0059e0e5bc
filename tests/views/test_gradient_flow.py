"""The figure of gradient flow: its norms are those of BPTT, and it says what they do."""

from __future__ import annotations

import numpy as np
import pytest
from svg_reader import sentence

from bptt_lessons.cells import init, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH, Activation
from bptt_lessons.gradients import flow
from bptt_lessons.views import gradient_flow, widgets


@pytest.mark.parametrize("activation", [TANH, SIGMOID, RELU, LINEAR], ids=lambda a: a.name)
def test_norms_are_those_of_backpropagation(activation: Activation) -> None:
    H, T, seed, radius, shear, scale = 5, 7, 3, 1.1, 0.7, 0.9
    found = gradient_flow.measure(H, T, seed, radius, shear, scale, activation)
    rng = np.random.default_rng(seed)
    x = scale * rng.normal(size=(T, 1, H))
    W = init.non_normal(rng, H, radius, shear)
    np.testing.assert_array_equal(found.W_hh, W)
    cell, params = rnn.with_activation(activation), rnn.Params(np.eye(H), W, np.zeros(H))
    h, _, caches = unrolled.forward(cell, params, x, np.zeros((1, H)))
    direction = np.linalg.svd(W)[2][:1]
    assert np.linalg.norm(direction @ W.T) == pytest.approx(flow.largest_singular_value(W))
    for t in range(1, T + 1):
        expected = flow.gradient_norms(cell, params, caches[:t], direction)[:, 0]
        np.testing.assert_allclose(found.norms[t - 1, :t], expected, rtol=1e-12, atol=1e-300)
        np.testing.assert_array_equal(found.norms[t - 1, t:], 0)
    assert found.slope == pytest.approx(activation.derivative(h).mean())


def test_growth_and_decay_in_words() -> None:
    figure = widgets.gradient_flow()
    found = gradient_flow.measure(12, 40, 0, 0.9, 2.0, 0.05, TANH)
    norms = found.norms[-1, ::-1]
    sigma = flow.largest_singular_value(found.W_hh)
    assert norms.max() > 2, "the first picture shows a net that grows before it dies"
    assert norms[-1] < 0.1
    assert sentence(figure).startswith(
        f"Radius 0.90, largest singular value {sigma:.2f}: the norm grows to {norms.max():.2g} "
        f"at lag {norms.argmax()}, then falls to {norms[-1]:.2g} at lag 39"
    )
    said = figure.controls
    said["loss step t"].value = 1
    assert "nothing comes before step 1" in sentence(figure)
    said["loss step t"].value, said["non-normality"].value, said["activation"].value = 40, 0.0, "linear"
    assert "the norm falls from 1 to 0.016 at lag 39, where the bound is 0.016" in sentence(figure)
    said["spectral radius"].value = 1.0
    assert "the norm stays 1 up to lag 39" in sentence(figure)
    said["spectral radius"].value = 1.1
    assert "the norm grows to 41 at lag 39" in sentence(figure)
    said["activation"].value, said["input scale"].value = "relu", 0.0
    assert "the norm is exactly 0, which a logarithmic axis cannot show, from lag 1 to 39" in sentence(figure)
