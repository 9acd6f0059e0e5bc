"""Interactive figures without a browser: their markup, their numbers, and their words."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from svg_reader import SVG, sentence, words

from bptt_lessons.cells import lstm, rnn
from bptt_lessons.gradients import gradcheck
from bptt_lessons.training import losses, optim, readout
from bptt_lessons.views import (
    gate_explorer,
    surface,
    svg,
    training_bar,
    truncation_matrix,
    two_roads,
    unrolled_graph,
    widgets,
)  # fmt: skip
from bptt_lessons.views.frame import Interactive


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def bits() -> np.ndarray[Any, Any]:
    return np.array([1, 0, 1, 1, 0, 1, 0, 0.0])[:, None, None]


def make_unroller() -> Interactive:
    return widgets.unroller(rnn.init(rng(), 1, 3), bits())


def player_arguments(T: int = 4, H: int = 2) -> tuple[Any, ...]:
    r = rng()
    return rnn.init(r, 1, H), readout.init(r, H, 1), r.normal(size=(T, 1, 1)), r.normal(size=(T, 1, 1))


def make_player() -> Interactive:
    return widgets.bptt_player(*player_arguments())


def make_lstm_player() -> Interactive:
    _, *others = player_arguments()
    return widgets.bptt_player(lstm.init(rng(), 1, 2), *others)


def surface_data() -> tuple[Any, Any]:
    x = rng().normal(size=(6, 5, 1))
    h, _, _ = rnn.forward(surface.params(surface.Point(1.0, 0.8)), x)
    return x, h.copy()


def make_surface() -> Interactive:
    return widgets.loss_surface(*surface_data(), start=(-1.5, -1.0))


MAKERS = [
    make_unroller,
    make_player,
    make_lstm_player,
    make_surface,
    widgets.gradient_flow,
    widgets.gate_explorer,
    widgets.checkpoint_schedule,
    widgets.truncation_matrix,
]


@pytest.mark.parametrize("make", MAKERS)
def test_the_picture_is_whole_and_described(make: Any) -> None:
    figure = make()
    root = ElementTree.fromstring(figure.picture.value)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert len(root.get("aria-label")) > 100
    ground = next(iter(root))
    assert ground.get("style", "").startswith("fill: var(--jp-layout-color0, #ffffff)")
    status = ElementTree.fromstring(figure.status.value)
    assert status.get("role") == "status"
    assert status.get("aria-live") == "polite"
    assert len(figure.picture.value) < 60_000, "a picture that is sent at every key has to be small"


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_is_drawn_outside_of_the_picture(make: Any) -> None:
    for markup in (make().picture.value, make().static.svg):
        root = ElementTree.fromstring(markup)
        width, height = map(float, root.get("viewBox").split()[2:])
        for node in root.iter():
            if node.tag in (f"{SVG}text", f"{SVG}rect"):
                assert 0 <= float(node.get("x")) <= width
                assert 0 <= float(node.get("y")) <= height
                assert float(node.get("x")) + float(node.get("width", 0)) <= width
                assert float(node.get("y")) + float(node.get("height", 0)) <= height


@pytest.mark.parametrize("make", MAKERS)
def test_the_static_picture_without_a_kernel(make: Any) -> None:
    bundle = make()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"].startswith("Interactive figure: run this cell to play")
    assert len(bundle["text/plain"]) <= 110
    alt, data = re.fullmatch(
        r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)">', bundle["text/html"]
    ).groups()
    picture = base64.b64decode(data).decode()
    assert len(alt) > 100
    assert "var(" not in picture
    assert words(picture)
    again = make()._repr_mimebundle_()
    assert {k: again[k] for k in ("text/plain", "text/html")} == {k: bundle[k] for k in ("text/plain", "text/html")}


CHANGES: dict[Any, list[tuple[str, Any]]] = {  # each changes something where those before it have been made
    widgets.gradient_flow: [
        ("spectral radius", 1.4), ("non-normality", 0.0), ("input scale", 3.0), ("activation", "relu"),
        ("loss step t", 6),
    ],
    widgets.gate_explorer: [
        ("input", gate_explorer.STEP), ("key line", gate_explorer.WRITE), ("b_i (input gate)", -1.0),
        ("b_f (forget gate)", 1.0), ("b_o (output gate)", -2.0), ("pulse at step p", 9), ("steps T", 30),
    ],
    widgets.checkpoint_schedule: [("steps T", 14), ("slots", 4), ("a slot holds a", "step"), ("actions done", 5)],
    widgets.truncation_matrix: [
        ("algorithm", truncation_matrix.RESET), ("k (sliding: k2)", 6), ("algorithm", truncation_matrix.SLIDING),
        ("k1 (sliding)", 3), ("algorithm", truncation_matrix.RANDOMISED), ("p (randomised)", 0.4),
        ("draw (randomised)", 2),
    ],
}  # fmt: skip


@pytest.mark.parametrize("make", CHANGES, ids=lambda make: make.__name__)
def test_every_control_changes_picture_and_words(make: Any) -> None:
    figure = make()
    assert {name for name, _ in CHANGES[make]} == set(figure.controls) - {"Start", "Previous", "Next", "End"}
    for name, value in CHANGES[make]:
        before = figure.picture.value, sentence(figure)
        assert not figure.controls[name].disabled, name
        figure.controls[name].value = value
        assert figure.picture.value != before[0], name
        assert sentence(figure) != before[1], name


def test_unroller_shows_the_states_of_the_package() -> None:
    figure = make_unroller()
    figure.controls["copies T"].value = 5
    figure.controls["step t"].value = 4
    h, _, _ = rnn.forward(rnn.init(rng(), 1, 3), bits())
    shown = words(figure.picture.value)
    for value in h[:4, 0].ravel():
        assert svg.number(value) in shown
    numbers = [word for word in shown if re.fullmatch(r"[+\N{MINUS SIGN}]\d\.\d\d", word)]
    assert len(numbers) == 3 * (1 + 4), "h_0 and four states, and no state that has not run"
    for name in ("Wxh", "Whh", "Why"):
        assert shown.count(name) == 1 + 5, "the loop and each copy carry the same weight"
    assert "T = 5: 5 copies of the step, parameters of the cell: 15 (the same for every T)." in sentence(figure)


def test_unroller_flips_the_first_input() -> None:
    np.testing.assert_array_equal(unrolled_graph.flip(bits())[:, 0, 0], [0, 0, 1, 1, 0, 1, 0, 0])
    np.testing.assert_array_equal(unrolled_graph.flip(bits() - 3.0)[:2, 0, 0], [2, -3])
    figure = make_unroller()
    figure.controls["copies T"].value = 8
    figure.controls["step t"].value = 8
    figure.controls["flip x_1"].value = True
    params = rnn.init(rng(), 1, 3)
    change = np.abs(rnn.forward(params, bits())[0] - rnn.forward(params, unrolled_graph.flip(bits()))[0])
    assert f"h_8 differs by up to {change[-1].max():.2g}" in sentence(figure)
    assert f"{change[-1].max():.2g}" in words(figure.picture.value)


def test_unroller_pulls_the_step_back_and_stays_within_its_ends() -> None:
    figure = make_unroller()
    for _ in range(20):
        figure.controls["Next"].click()
    assert figure.controls["step t"].value == 6
    figure.controls["copies T"].value = 2
    assert figure.controls["step t"].value == 2
    assert "2 of 2 have run" in figure.picture.value
    for _ in range(20):
        figure.controls["Previous"].click()
    assert "No step has run" in sentence(figure)


def test_player_plays_the_package() -> None:
    params, linear, x, target = player_arguments()
    played = two_roads.play(params, linear, x, target)
    h, _, tape = rnn.forward(params, x)
    y = readout.forward(linear, h)
    _, own = readout.backward(linear, h, losses.mse_gradient(y, target))
    grads, _, _ = rnn.backward(params, tape, own)
    np.testing.assert_allclose(played.h[1:], h[:, 0], rtol=1e-14)
    np.testing.assert_allclose(played.losses.sum(), losses.mse(y, target), rtol=1e-13)
    np.testing.assert_allclose(played.total[0], grads.W_hh, rtol=1e-12)
    np.testing.assert_allclose(played.dW_hh.sum(axis=0), grads.W_hh, rtol=1e-12)
    np.testing.assert_allclose(played.dh, played.own + played.future)
    np.testing.assert_array_equal(played.future[-1], 0)
    assert np.abs(played.future[:-1]).min() > 0


def test_player_fills_in_forward_and_then_back() -> None:
    figure = make_player()
    played = two_roads.play(*player_arguments())
    assert words(figure.picture.value).count("?") == 3 * 4
    position = figure.controls["position"]
    position.value = 4
    shown = words(figure.picture.value)
    assert "?" not in shown
    assert all(svg.vector(h) in shown for h in played.h[1:])
    assert not any(svg.vector(own) in shown for own in played.own)
    for step, t in enumerate((4, 3, 2, 1)):
        position.value = 5 + step
        shown = words(figure.picture.value)
        for values in (played.own, played.future, played.dh, played.dz):
            assert svg.vector(values[t - 1]) in shown
        for row in range(2):
            assert svg.vector(played.total[t - 1, row]) in shown
        assert shown.count("own loss") == 5 - t
        assert shown.count("future") == 5 - t
        assert sentence(figure).startswith(f"Backward, t = {t}: into h_{t} come {svg.vector(played.own[t - 1])}")
    assert "this is the gradient of W_hh" in sentence(figure)
    figure.controls["Start"].click()
    assert sentence(figure).startswith("Nothing has run yet")


def test_surface_grid_agrees_with_the_package() -> None:
    x, target = surface_data()
    w_xh, w_hh = np.array([-1.0, 0.3, 1.0]), np.array([-0.5, 0.8])
    grid = surface.loss_on_grid(x, target, w_xh, w_hh)
    for row, b in enumerate(w_hh):
        for column, a in enumerate(w_xh):
            h, _, _ = rnn.forward(surface.params(surface.Point(a, b)), x)
            assert grid[row, column] == pytest.approx(losses.mse(h, target), rel=1e-12)


def test_surface_gradient_is_that_of_its_loss() -> None:
    ground = surface.Surface(*surface_data(), (-2, 2), (-2, 2), "")
    point = surface.Point(0.4, -0.7)
    _, gradient = surface.loss_and_gradient(ground, point)
    numeric = gradcheck.central_difference(
        lambda p: surface.loss_and_gradient(ground, surface.Point(p.item(0), p.item(1)))[0], np.array(point)
    )
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6)


def test_surface_takes_the_steps_of_gradient_descent() -> None:
    x, target = surface_data()
    ground = surface.Surface(x, target, (-2, 2), (-2, 2), "")
    cell = surface.params(surface.Point(-1.5, -1.0))
    for point in surface.descend(ground, surface.Point(-1.5, -1.0), 0.3, 5):
        h, _, tape = rnn.forward(cell, x)
        grads, _, _ = rnn.backward(cell, tape, losses.mse_gradient(h, target))
        cell = optim.sgd(cell, grads._replace(b_h=np.zeros(1)), 0.3)
        np.testing.assert_allclose(point, (cell.W_xh.item(), cell.W_hh.item()), rtol=1e-12)


def test_surface_descends() -> None:
    figure = make_surface()
    ground = surface.Surface(*surface_data(), (-2, 2), (-2, 2), "")
    path = surface.descend(ground, surface.Point(-1.5, -1.0), 0.3, 11)
    figure.controls["Take 1 step"].click()
    figure.controls["Take 10 steps"].click()
    loss, gradient = surface.loss_and_gradient(ground, path[-1])
    said = sentence(figure)
    assert f"the loss is {loss:.4f}" in said
    assert svg.number(gradient.w_hh, 4) in said
    assert "put the point: 11." in said
    assert loss < surface.loss_and_gradient(ground, surface.Point(-1.5, -1.0))[0]
    assert figure.controls["w_xh"].value == round(path[-1].w_xh, 4)
    figure.controls["w_hh"].value = 5.0
    assert "outside of the picture" in sentence(figure)
    figure.controls["Back to the start"].click()
    assert "w_xh = \N{MINUS SIGN}1.500" in sentence(figure)


def test_texts_are_escaped() -> None:
    figure = widgets.unroller(rnn.init(rng(), 1, 3), bits(), labels=["<b>&"] * 8)
    assert "<b>&" in words(figure.picture.value)


def test_training_progress_writes_seldom_and_clears_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[dict[str, str]] = []
    clock = [100.0]

    class Display:
        def update(self, bundle: dict[str, str], raw: bool) -> None:
            written.append(bundle)

    monkeypatch.setattr(training_bar, "_open_display", Display)
    monkeypatch.setattr(training_bar.time, "monotonic", lambda: clock[0])
    report = widgets.training_progress(1000, "fitting")
    for done in range(1, 1001):
        clock[0] += 0.001
        report(done, 0.5)
    assert 9 <= len(written) <= 12, "ten times a second, and once at the end"
    assert 'max="1000"' in written[0]["text/html"]
    assert 'aria-label="fitting"' in written[0]["text/html"]
    assert written[-1] == {"text/html": "", "text/plain": ""}
    assert capsys.readouterr().out == "fitting: 1000 updates\n"
