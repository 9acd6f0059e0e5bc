"""The task viewer: it shows the task's own numbers and the model's own words, and nothing of what is to come."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from svg_reader import SVG, sentence

from bptt_lessons.cells import lstm, rnn
from bptt_lessons.tasks import adding, reber
from bptt_lessons.training import loop, readout
from bptt_lessons.views import svg, task_viewer, widgets
from bptt_lessons.views.frame import Interactive

MINUS = "\N{MINUS SIGN}"


def model_of(cell: Any, D: int, H: int, K: int, seed: int = 0) -> loop.Model:
    rng = np.random.default_rng(seed)
    linear = readout.init(rng, H, K)
    return loop.Model(cell.init(rng, D, H), linear._replace(W_hy=8 * linear.W_hy))


def adding_batch(T: int = 30) -> adding.Batch:
    return adding.sequences(np.random.default_rng(1), T, 3)


def adding_viewer(T: int = 30, seed: int = 0) -> Interactive:
    batch = adding_batch(T)
    return widgets.task_viewer(lstm, model_of(lstm, 2, 5, 1, seed), batch.x, batch.target, batch.mask)


def reber_viewer(seed: int = 0) -> Interactive:
    batch = reber.sequences(np.random.default_rng(3), 4)
    model = model_of(lstm, 7, 6, 7, seed)
    return widgets.task_viewer(lstm, model, batch.x, batch.target, batch.mask, reber.SYMBOLS)


def table(figure: Interactive) -> dict[str, dict[int, str]]:
    """Read the table: for each row the texts by step; a square or tick is "yes", a cross "no"."""
    root = ElementTree.fromstring(figure.picture.value)
    names = {
        round((float(n.get("y")) - 17 - task_viewer.TOP) / task_viewer.ROW): "".join(n.itertext())
        for n in root.findall(f"{SVG}text")
        if n.get("text-anchor") == "end" and float(n.get("x")) == task_viewer.LEFT - 8
    }
    cells: dict[str, dict[int, str]] = {name: {} for name in names.values()}
    for group in root.iter(f"{SVG}g"):
        x, y = map(float, re.findall(r"[\d.]+", group.get("transform")))
        column = round((x - task_viewer.LEFT - task_viewer.COLUMN / 2) / task_viewer.COLUMN)
        row = names[round((y - 17 - task_viewer.TOP) / task_viewer.ROW)]
        crossed = any(svg.VERMILLION in node.get("style", "") for node in group)
        cells[row][column] = "".join(group.itertext()) or ("no" if crossed else "yes")
    steps = cells.pop("step t")
    return {row: {int(steps[c]): text for c, text in line.items()} for row, line in cells.items()}


def test_adding_shows_numbers_marks_target_and_error() -> None:
    figure, batch = adding_viewer(), adding_batch()
    y = loop.predict(lstm, model_of(lstm, 2, 5, 1), batch.x)
    figure.controls["sequence n"].value = 2
    shown = table(figure)
    assert set(shown) == {"input 1", "input 2", "target", "prediction", "off by"}
    assert set(shown["input 1"]) == set(range(12, 31)), "a window at the end"
    for t, text in shown["input 1"].items():
        assert text == f"{batch.x[t - 1, 1, 0]:.2f}"
    assert set(shown["input 2"]) == {t for t in range(12, 31) if batch.x[t - 1, 1, 1]}
    assert shown["target"] == {30: f"{batch.target[-1, 1, 0]:.2f}"}, "the target counts at the last step only"
    assert shown["prediction"][17] == f"{y[16, 1, 0]:.2f}".replace("-", MINUS)
    assert shown["off by"] == {30: svg.number(y[-1, 1, 0] - batch.target[-1, 1, 0])}
    assert f"off by {svg.number(y[-1, 1, 0] - batch.target[-1, 1, 0], 3)}." in sentence(figure)
    figure.controls["step t"].value = 3
    shown = table(figure)
    assert set(shown["input 1"]) == set(range(1, 20))
    assert set(shown["prediction"]) == {1, 2, 3}, "nothing that has not been said yet"
    assert "which does not count here" in sentence(figure)


def test_symbols_by_name_with_verdict_and_probability() -> None:
    figure = reber_viewer()
    batch = reber.sequences(np.random.default_rng(3), 4)
    y = loop.predict(lstm, model_of(lstm, 7, 6, 7), batch.x)
    p = np.exp(y) / np.exp(y).sum(axis=2, keepdims=True)
    verdicts = []
    for n in range(4):
        figure.controls["sequence n"].value = n + 1
        T = int(batch.mask[:, n].sum())
        figure.controls["step t"].value = T
        shown = table(figure)
        for s in range(max(shown["target"]) - len(shown["target"]), T):
            best, wanted = int(p[s, n].argmax()), int(batch.target[s, n])
            assert shown["input"][s + 1] == reber.SYMBOLS[int(batch.x[s, n].argmax())]
            assert shown["target"][s + 1] == reber.SYMBOLS[wanted]
            assert shown["prediction"][s + 1] == reber.SYMBOLS[best]
            assert shown["probability"][s + 1] == f"{p[s, n, best]:.2f}"
            assert shown["right?"][s + 1] == ("yes" if best == wanted else "no")
            verdicts.append(best == wanted)
        right = int((p[:T, n].argmax(axis=1) == batch.target[:T, n]).sum())
        assert f"Right so far: {right} of the {T} steps that count." in sentence(figure)
    assert True in verdicts
    assert False in verdicts


def test_what_is_after_the_end_is_empty() -> None:
    figure = reber_viewer()
    batch = reber.sequences(np.random.default_rng(3), 4)
    n = int(batch.mask.sum(axis=0).argmin())
    figure.controls["sequence n"].value = n + 1
    shown = table(figure)
    last = len(batch.x)
    assert not batch.mask[-1, n]
    assert last not in shown["input"]
    assert last not in shown["target"]
    assert last not in shown["right?"]
    assert "no input; prediction" in sentence(figure)


@pytest.mark.parametrize("make", [adding_viewer, reber_viewer])
def test_the_static_words_hold_whatever_the_model_has_learnt(make: Any) -> None:
    alts = {make(seed=seed)._repr_mimebundle_()["text/html"].split('"')[1] for seed in (0, 1)}
    assert len(alts) == 1
    figure = make()
    assert figure.static.description in figure.static.svg.replace("&#x27;", "'")
    assert sentence(figure) not in figure.static.svg
    assert repr(figure) == "Interactive figure: run this cell to play with the task viewer"


def test_names_default_to_numbers_and_fit_the_output_if_they_can() -> None:
    x = np.eye(5)[np.random.default_rng(0).integers(0, 5, (8, 2))]
    target = np.random.default_rng(0).integers(0, 3, (8, 2))
    figure = widgets.task_viewer(rnn, model_of(rnn, 5, 4, 3), x, target, names="vwxyz")
    assert set(table(figure)["input"].values()) <= set("vwxyz")
    assert set(table(figure)["target"].values()) <= set("012")
    figure = widgets.task_viewer(rnn, model_of(rnn, 1, 4, 3), x[:, :, :1], target, names=["no", "yes", "<&>"])
    assert set(table(figure)["target"].values()) <= {"no", "yes", "<&>"}


def test_a_target_that_does_not_count_may_be_nan_or_out_of_range() -> None:
    batch = adding_batch()
    target = np.where(batch.mask[:, :, None], batch.target, np.nan)
    figure = widgets.task_viewer(lstm, model_of(lstm, 2, 5, 1), batch.x, target, batch.mask)
    assert "nan" not in figure.picture.value
    strings = reber.sequences(np.random.default_rng(3), 4)
    wild = np.where(strings.mask, strings.target, 99)
    widgets.task_viewer(lstm, model_of(lstm, 7, 6, 7), strings.x, wild, strings.mask).controls["step t"].value = 2


X, Y = np.zeros((4, 2, 1)), np.zeros((4, 2, 1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda m: widgets.task_viewer(rnn, m, X[0], Y), r"x has shape \(2, 1\), expected \(T, N, D\)"),
        (lambda m: widgets.task_viewer(rnn, m, X, Y, np.ones((2, 4), bool)), "mask has shape"),
        (lambda m: widgets.task_viewer(rnn, m, X, Y, names="a"), "names are for symbols"),
        (lambda m: widgets.task_viewer(rnn, m.cell, X, Y), r"model must be loop.Model"),
        (lambda m: widgets.task_viewer(None, m, X, Y), "cell must have the function forward"),
        (
            lambda m: widgets.task_viewer(rnn, model_of(rnn, 5, 2, 1), np.full((4, 2, 5), 0.5), Y),
            "x has 5 numbers at each step, expected at most 4",
        ),
    ],
)
def test_bad_input(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong(model_of(rnn, 1, 2, 1))
