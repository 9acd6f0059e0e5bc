"""The BPTT player of an LSTM: every number is the package's, and every path is drawn and named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from svg_reader import sentence, words

from bptt_lessons.cells import lstm, unrolled
from bptt_lessons.gradients import gradcheck
from bptt_lessons.training import losses, readout
from bptt_lessons.views import svg, two_states, widgets
from bptt_lessons.views.frame import Interactive


def arguments(T: int = 4, H: int = 2) -> tuple[Any, ...]:
    rng = np.random.default_rng(2)
    return lstm.init(rng, 1, H), readout.init(rng, H, 1), rng.normal(size=(T, 1, 1)), rng.normal(size=(T, 1, 1))


def make_player(T: int = 4, H: int = 2) -> Interactive:
    return widgets.bptt_player(*arguments(T, H))


def gradient(values: Any) -> str:
    return svg.vector(values, 4)


def test_the_play_is_that_of_the_package() -> None:
    params, linear, x, target = arguments()
    p = two_states.play(params, linear, x, target)
    h, state_T, tape = lstm.forward(params, x)
    y = readout.forward(linear, h)
    _, own = readout.backward(linear, h, losses.mse_gradient(y, target))
    grads, _, _ = lstm.backward(params, tape, own)
    np.testing.assert_allclose(p.h[1:], h[:, 0], rtol=1e-12)
    np.testing.assert_allclose(p.c[1:-1], tape.c_prev[1:, 0], rtol=1e-12)
    np.testing.assert_allclose(p.c[-1:], state_T.c, rtol=1e-12)
    for k, name in enumerate("ifgo"):
        np.testing.assert_allclose(p.gates[:, k], getattr(tape, name)[:, 0], rtol=1e-12)
    np.testing.assert_allclose(p.losses.sum(), losses.mse(y, target), rtol=1e-12)
    np.testing.assert_allclose(p.dz.sum(axis=0).ravel(), grads.b_h, rtol=1e-11)
    assert p.norms[0] == pytest.approx(np.linalg.norm(grads.W_hh))
    W_hh_parts = [np.outer(p.h[t], p.dz[t].ravel()) for t in range(4)]
    np.testing.assert_allclose(p.norms, [np.linalg.norm(sum(W_hh_parts[t:])) for t in range(4)], rtol=1e-11)


def test_the_gradients_of_both_states_are_those_of_finite_differences() -> None:
    """dL/dh_t and dL/dc_t: what the loss of step t and of all later ones changes by, if one of them is moved."""
    params, linear, x, target = arguments()
    p = two_states.play(params, linear, x, target)
    for t in (1, 2, 4):

        def loss_from(h: Any, c: Any, t: int = t) -> Any:
            states = [h]
            if t < 4:
                later, _, _ = unrolled.forward(lstm, params, x[t:], lstm.State(h, c))
                states += list(later)
            y = readout.forward(linear, np.stack(states))
            return losses.mse(y, target[t - 1 :]) * (4 - t + 1) / 4

        h, c = p.h[t : t + 1], p.c[t : t + 1]
        dh = gradcheck.central_difference(lambda moved, c=c, f=loss_from: f(moved, c), h)
        np.testing.assert_allclose(p.dh[t - 1], dh[0], rtol=1e-6, atol=1e-9)
        along = gradcheck.central_difference(lambda moved, h=h, f=loss_from: f(h, moved), c)  # h_t held fast
        np.testing.assert_allclose(p.through_c[t - 1], along[0], rtol=1e-6, atol=1e-9)
        o = p.gates[t - 1, 3]
        both = gradcheck.central_difference(lambda moved, o=o, f=loss_from: f(o * np.tanh(moved), moved), c)
        np.testing.assert_allclose(p.dc[t - 1], both[0], rtol=1e-6, atol=1e-9)


def test_forward_fills_in_step_by_step() -> None:
    figure, p = make_player(), two_states.play(*arguments())
    for t in range(5):
        figure.controls["position"].value = t
        shown = words(figure.picture.value)
        assert shown.count("?") == 4 * (4 - t), "x, y, h and c of every step that has not run"
        assert shown.count("f ?") == 4 - t
        for done in range(1, t + 1):
            assert {svg.vector(p.h[done]), svg.vector(p.c[done])} <= set(shown)
            for name, gate in zip("ifgo", p.gates[done - 1], strict=True):
                assert f"{name} {svg.vector(gate)}" in shown
        assert "own loss" not in shown
        assert shown.count("·") == 4 * 11, "no gradient is known before the backward pass"
    assert sentence(figure).endswith("The forward pass is done; the next step goes back.")
    assert f"now {p.losses.sum():.4f}" in sentence(figure)


def test_backward_shows_every_path_and_its_gradient() -> None:
    figure, p = make_player(), two_states.play(*arguments())
    for step, t in enumerate((4, 3, 2, 1)):
        figure.controls["position"].value = 5 + step
        shown = words(figure.picture.value)
        for values in (p.own, p.through_h, p.dh, p.down, p.through_c, p.dc, *np.moveaxis(p.dz, 1, 0)):
            assert gradient(values[t - 1]) in shown
            if t > 1 and np.abs(values[t - 2]).max() > 1e-3:
                assert gradient(values[t - 2]) not in shown, "what has not been reached yet"
        for name in ("own loss", "into c", "into h", "along c"):
            assert shown.count(name) == 5 - t
        said = sentence(figure)
        assert said.startswith(f"Backward, t = {t}: ")
        parts = (p.own, p.down) if t == 4 else (p.own, p.through_h, p.dh, p.down, p.through_c, p.dc)
        for values in parts:
            assert gradient(values[t - 1]) in said
        if t > 1:
            assert f"dz_{t} W_hhᵀ = {gradient(p.through_h[t - 2])} into h_{t - 1}" in said
            assert f"dL/dc_{t} f_{t} = {gradient(p.through_c[t - 2])} into c_{t - 1}" in said
        assert said in figure.picture.value.replace("&#x27;", "'")
    assert f"its norm is {svg.short(p.norms[0], 3)}." in sentence(figure)
    figure.controls["Start"].click()
    assert sentence(figure).startswith("Nothing has run yet: h_0 and c_0 are zero.")
