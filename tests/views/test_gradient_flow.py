"""The figure of gradient flow: its norms are those of BPTT, and it says what they do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from svg_reader import sentence, styled, words

from bptt_lessons.cells import init, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH, Activation
from bptt_lessons.gradients import flow
from bptt_lessons.views import gradient_flow, panel, svg, widgets


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


def test_the_matrix_stays_the_same_draw_when_a_control_moves() -> None:
    one, other = (gradient_flow.measure(6, 4, 0, 0.9, 0.0, scale, LINEAR) for scale in (0.1, 5.0))
    np.testing.assert_array_equal(one.W_hh, other.W_hh)
    np.testing.assert_allclose(one.norms, other.norms, rtol=1e-12)


def test_every_control_changes_picture_and_words() -> None:
    figure = widgets.gradient_flow(H=4, T=12)
    changes = {"spectral radius": 1.4, "non-normality": 0.0, "input scale": 3.0, "activation": "relu", "loss step t": 6}
    assert set(figure.controls) == set(changes)
    for name, value in changes.items():
        before = figure.picture.value, sentence(figure)
        figure.controls[name].value = value
        assert figure.picture.value != before[0], name
        assert sentence(figure) != before[1], name


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


def test_curves_differ_by_dash_and_marker_and_are_named() -> None:
    figure = widgets.gradient_flow()
    curves = (gradient_flow.NORM, gradient_flow.BOUND, gradient_flow.RATE)
    assert len({curve.dash for curve in curves}) == len({curve.marker for curve in curves}) == 3
    shown = words(figure.picture.value)
    for curve in curves:
        assert curve.name in shown
        drawn = styled(figure.picture.value, "polyline", f"stroke: {curve.colour}")
        assert len(drawn) >= 2, "the curve and its legend"
        assert all(("dasharray" in node.get("style")) == bool(curve.dash) for node in drawn)


def test_eigenvalues_stand_where_they_are() -> None:
    W = gradient_flow.measure(12, 40, 0, 0.9, 2.0, 0.05, TANH).W_hh
    dots = max(
        styled(widgets.gradient_flow().picture.value, "path", f"fill: {svg.SKY}"), key=lambda node: len(node.get("d"))
    )
    places = np.array(
        [[float(number) for number in place] for place in re.findall(r"M([\d.]+) ([\d.]+)", dots.get("d"))]
    )
    unit, sigma = (
        node
        for node in styled(widgets.gradient_flow().picture.value, "circle", "fill: none")
        if float(node.get("r")) > 9
    )
    middle, scale = np.array([float(unit.get("cx")), float(unit.get("cy"))]), float(unit.get("r"))
    values = (places - middle) / scale
    expected = np.linalg.eigvals(W)
    np.testing.assert_allclose(
        sorted(map(tuple, values.round(2))), sorted((v.real, -v.imag) for v in expected), atol=0.02
    )
    assert float(sigma.get("r")) / scale == pytest.approx(flow.largest_singular_value(W), abs=0.01)
    assert "dasharray" in sigma.get("style")


def test_rounding_does_not_change_the_shade_of_one() -> None:
    pictures = [gradient_flow._map(np.tri(3) * (1 + rounding), 3) for rounding in (-4e-16, 0, 4e-16)]
    assert pictures[0] == pictures[1] == pictures[2]


def test_a_panel_places_points() -> None:
    place = panel.Panel(10, 20, 100, 50, (0, 10), (-1, 1))
    assert place.at(0, -1) == (10, 70)
    assert place.at(10, 1) == (110, 20)


def test_powers_of_ten() -> None:
    assert [panel.power(e) for e in (-12, -3, 0, 3, 4)] == ["10⁻¹²", "0.001", "1", "1000", "10⁴"]
    assert panel.decades(-2, 2) == {-2.0: "0.01", -1.0: "0.1", 0.0: "1", 1.0: "10", 2.0: "100"}
    assert list(panel.decades(-16, 1)) == [-15, -12, -9, -6, -3, 0]


def test_cells_of_one_colour_are_one_path() -> None:
    place = panel.Panel(0, 0, 30, 20, (0, 3), (0, 2))
    drawn = panel.cells(place, [[0, 0, 1], [None, 1]], ["#000000", "#ffffff"])
    assert re.findall(r'd="([^"]+)"', drawn) == [
        "M0.0 0.0h20.6v10.6h-20.6z",
        "M20.0 0.0h10.6v10.6h-10.6zM10.0 10.0h10.6v10.6h-10.6z",
    ]


def test_shades_go_from_dark_to_light() -> None:
    light = [sum(int(colour[k : k + 2], 16) for k in (1, 3, 5)) for colour in panel.shades(18)]
    assert light == sorted(light)
    assert len(set(light)) == 18


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: widgets.gradient_flow(H=1), "H must be a whole number from 2 to 32, got 1"),
        (lambda: widgets.gradient_flow(T=41), "T must be a whole number from 2 to 40, got 41"),
        (lambda: widgets.gradient_flow(T=4.0), "T must be a whole number"),  # type: ignore[arg-type]
        (lambda: widgets.gradient_flow(seed=-1), "seed must be a whole number of at least 0, got -1"),
        (lambda: widgets.gradient_flow(seed=None), "seed must be"),  # type: ignore[arg-type]
    ],
)
def test_bad_input(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()
