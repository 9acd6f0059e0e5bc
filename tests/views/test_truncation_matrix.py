"""The figure of truncation: the package's own gradients, masks that keep what they show, and numbers in words."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from svg_reader import words

from bptt_lessons.cells import rnn
from bptt_lessons.gradients import bptt, tbptt
from bptt_lessons.views import truncation_matrix, widgets
from bptt_lessons.views.truncation_matrix import ALGORITHMS, CARRY, FULL, RANDOMISED, RESET, SLIDING, Setting

T = 7
NET = truncation_matrix.make_net(T, 3)
SETTINGS = [
    Setting(FULL, 3, 2, 0.2, 0),
    *(Setting(RESET, k, 1, 0.2, 0) for k in (1, 3, 7)),
    *(Setting(CARRY, k, 1, 0.2, 0) for k in (1, 3, 7)),
    *(Setting(SLIDING, k, k1, 0.2, 0) for k, k1 in ((3, 1), (5, 2), (4, 4))),
    *(Setting(RANDOMISED, 3, 1, 0.4, draw) for draw in (0, 1)),
]


def real_gradient(net: truncation_matrix.Net, setting: Setting, cuts: list[int]) -> rnn.Params:
    """The gradient by the package's own functions, which know nothing of contributions."""
    arguments = (rnn, net.params, net.x, rnn.zero_state(net.params, truncation_matrix.N), net.loss)
    gradient = {
        FULL: lambda: bptt.full_gradient(*arguments),
        RESET: lambda: tbptt.windowed_gradient(*arguments, setting.k, carry=False),
        CARRY: lambda: tbptt.windowed_gradient(*arguments, setting.k),
        SLIDING: lambda: tbptt.sliding_gradient(*arguments, setting.k1, setting.k),
        RANDOMISED: lambda: tbptt.randomised_gradient(*arguments, cuts, setting.probability),
    }[setting.algorithm]()
    grads: rnn.Params = gradient.grads
    return grads


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_gradients_are_those_of_the_package(setting: Setting) -> None:
    cut = truncation_matrix.truncate(NET, setting)
    expected = truncation_matrix.flat(real_gradient(NET, setting, cut.cuts))
    np.testing.assert_allclose(truncation_matrix.flat(cut.grads), expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    error = np.linalg.norm(expected - NET.full) / np.linalg.norm(NET.full)
    assert truncation_matrix.relative_error(NET, cut.grads) == pytest.approx(error, abs=1e-13)
    cosine = expected @ NET.full / np.linalg.norm(expected) / np.linalg.norm(NET.full)
    assert truncation_matrix.cosine(NET, cut.grads) == pytest.approx(cosine)


def test_the_mean_over_all_cuts_is_the_full_gradient() -> None:
    """By exact enumeration of the places of this very net, with the weights that are shown."""
    p, mean = 0.3, np.zeros_like(NET.full)
    for places in itertools.product((False, True), repeat=T - 1):
        weights = tbptt.kept_by_cuts(T, [s for s, cut in enumerate(places, 1) if cut], p)
        chance = p ** sum(places) * (1 - p) ** (T - 1 - sum(places))
        mean += chance * truncation_matrix.flat(tbptt.summed(NET.parts, weights))
    np.testing.assert_allclose(mean, NET.full, rtol=0, atol=1e-12 * np.abs(NET.full).max())


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_numbers_of_the_picture(setting: Setting) -> None:
    drawing = truncation_matrix.draw(NET, setting)
    cut = truncation_matrix.truncate(NET, setting)
    kept = cut.weights > 0
    error, cosine = truncation_matrix.relative_error(NET, cut.grads), truncation_matrix.cosine(NET, cut.grads)
    shown = words(drawing.svg)
    assert f"relative error {error:.3f}, cosine {cosine:.3f}" in shown
    bytes_held = cut.held * truncation_matrix.N * truncation_matrix.H * 8
    assert f"{bytes_held:,} of {T * 4 * 8 * 8:,} bytes (N = 4, H = 8)" in shown
    assert f"{kept.sum()} of {T * (T + 1) // 2} contributions" in drawing.sentence.replace("Full BPTT keeps every", "")
    weights = [word for word in shown if re.fullmatch(r"\d+(\.\d)?", word)]
    if setting.algorithm == RANDOMISED:
        for weight in cut.weights[kept]:
            assert f"{weight:.1f}" in weights


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_controls_are_disabled_if_and_only_if_the_algorithm_does_not_look_at_them(algorithm: str) -> None:
    figure = widgets.truncation_matrix()
    assert [name for name, control in figure.controls.items() if control.disabled] == [
        "k1 (sliding)",
        "p (randomised)",
        "draw (randomised)",
    ], "windows with a carried state come first"
    figure.controls["algorithm"].value = algorithm
    net, setting = truncation_matrix.make_net(16, 0), Setting(algorithm, 9, 2, 0.2, 0)
    other = {"k": 10, "k1": 3, "probability": 0.5, "draw": 1}
    fields = dict(zip(other, list(figure.controls)[1:], strict=True))
    for field, value in other.items():
        changed = truncation_matrix.truncate(net, setting._replace(**{field: value})).grads
        same = np.array_equal(
            truncation_matrix.flat(changed), truncation_matrix.flat(truncation_matrix.truncate(net, setting).grads)
        )
        assert figure.controls[fields[field]].disabled == same, field
    assert not figure.controls["algorithm"].disabled


def test_the_first_picture_shows_what_the_lesson_says() -> None:
    """Windows are not monotone in k, a sliding horizon (here) is, and both end at the full gradient."""
    net = truncation_matrix.make_net(16, 0)
    errors = {
        name: np.array(truncation_matrix._error_curve(net, Setting(name, 1, 1, 0.2, 0))) for name in (CARRY, SLIDING)
    }
    assert (np.diff(errors[CARRY]) > 0.01).any()
    assert (np.diff(errors[SLIDING]) < 0).all()
    assert max(errors[CARRY][-1], errors[SLIDING][-1]) < 1e-13
