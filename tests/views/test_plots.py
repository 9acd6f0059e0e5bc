"""Plots: one picture with a text in its place, small, and it shows what it was given."""

import base64
import io
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from bptt_lessons.views import plots

TEXTS = {"xlabel": "step t", "ylabel": "h_t", "title": "States"}
MASK = np.array([False, False, True])


class ImageParser(HTMLParser):
    """Collects the attributes of all elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the helpers display: bundles by MIME type; the figures themselves are kept beside them."""
    bundles: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures, in place of their display."""
    kept: list[Figure] = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: kept.append(figure))
    return kept


def call_all(alt: str) -> list[Any]:
    rng = np.random.default_rng(0)
    return [
        plots.lines({"a": rng.normal(size=50), "b": ([0, 1], [1, 2])}, **TEXTS, alt=alt, level={"zero": 0.0}),
        plots.heatmap(rng.normal(size=(3, 5)), **TEXTS, alt=alt, value_label="h", annotate=True),
        plots.heatmap(rng.random((20, 30)), **TEXTS, alt=alt),
        plots.masks({"many-to-one": MASK, "many-to-many": ~MASK[:, None]}, title="Masks", alt=alt),
        plots.bars({"RNN": [0.1, 0.2], "persistence": [0.3]}, ylabel="error", title="Errors", alt=alt),
        plots.heatmap(np.tril(rng.random((24, 24))), **TEXTS, alt=alt, log=True, outline=np.eye(24, dtype=bool)),
        plots.surface(*hills(), **TEXTS, alt=alt, value_label="loss", trails={"a": [(0, 0), (1, 1)], "b": [(2, 1)]}),
        plots.eigenvalues({"a": rng.normal(size=(9, 9)), "b": np.eye(2)}, title="Eigenvalues", alt=alt),
    ]


def hills() -> tuple[Any, Any, Any]:
    """A surface of 7 rows and 9 columns, from 1e-10 to 10."""
    x, y = np.linspace(0, 3, 9), np.linspace(-1, 2, 7)
    return x, y, np.geomspace(1e-10, 10, 63).reshape(7, 9)


def test_each_helper_shows_one_small_picture_and_returns_none(shown: list[Any]) -> None:
    alt = 'A curve that rises, "then" falls & ends'
    assert call_all(alt) == [None] * 8
    assert len(shown) == 8
    for bundle in shown:
        parser = ImageParser()
        parser.feed(bundle["text/html"])
        ((tag, attributes),) = parser.found
        assert tag == "img"
        assert attributes["alt"] == alt
        data = base64.b64decode(attributes["src"].removeprefix("data:image/png;base64,"), validate=True)
        assert len(data) < 40_000
        image = Image.open(io.BytesIO(data)).convert("RGBA")
        assert image.size == (640, 320)
        assert image.getpixel((1, 1)) == (255, 255, 255, 255), "the ground is light and opaque"


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_alternative_text_is_required(alt: Any) -> None:
    with pytest.raises(ValueError, match="alt must say"):
        plots.show(Figure(), alt)


def test_curves_differ_by_more_than_colour(figures: list[Figure]) -> None:
    plots.lines({name: np.arange(9.0) for name in "abcdefg"}, **TEXTS, alt="x")
    drawn = figures[0].axes[0].get_lines()
    styles = [(str(line._dash_pattern), line.get_marker()) for line in drawn]  # type: ignore[attr-defined]
    assert len(set(styles)) == 7
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == list("abcdefg")


def test_lines_draws_what_it_was_given(figures: list[Figure]) -> None:
    plots.lines({"a": [3, 1, 2], "b": ([5, 6], [7, 8])}, x=[10, 20, 30], **TEXTS, alt="x", log="y", level={"best": 1.5})
    axes = figures[0].axes[0]
    first, second, level = axes.get_lines()
    np.testing.assert_array_equal(first.get_xydata(), [[10, 3], [20, 1], [30, 2]])
    np.testing.assert_array_equal(second.get_xydata(), [[5, 7], [6, 8]])
    assert list(level.get_ydata()) == [1.5, 1.5]
    assert "best" in [text.get_text() for text in axes.texts]
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")


def test_heatmap_on_a_log_scale_leaves_zeros_white_and_says_so(figures: list[Figure]) -> None:
    plots.heatmap([[1e-4, 0.0], [1e-2, 1.0]], **TEXTS, alt="x", log=True, annotate=True)
    plots.heatmap([[1e-4, 0.1], [1e-2, 1.0]], **TEXTS, alt="x", log=True)
    image = figures[0].axes[0].get_images()[0]
    assert image.get_clim() == (1e-4, 1)
    np.testing.assert_allclose(image.norm(np.array([1e-4, 1e-2, 1.0])), [0, 0.5, 1])
    np.testing.assert_array_equal(np.ma.getmaskarray(image.get_array()), [[False, True], [False, False]])
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["white: zero"]
    assert figures[1].legends == []


def test_eigenvalues_are_those_of_the_matrices(figures: list[Figure]) -> None:
    turn = 0.9 * np.array([[0, 1], [-1, 0]])
    plots.eigenvalues({"turn": turn, "shrink": np.diag([0.5, -0.5])}, title="Eigenvalues", alt="x")
    circle, first, second = figures[0].axes[0].get_lines()[:3]
    np.testing.assert_allclose(np.hypot(*np.array(circle.get_xydata()).T), 1)
    np.testing.assert_allclose(sorted(map(tuple, first.get_xydata())), [(0, -0.9), (0, 0.9)], atol=1e-15)
    np.testing.assert_allclose(sorted(map(tuple, second.get_xydata())), [(-0.5, 0), (0.5, 0)], atol=1e-15)
    assert first.get_marker() != second.get_marker()
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["unit circle", "turn", "shrink"]
    assert figures[0].axes[0].get_aspect() == 1
