"""The task viewer: it shows the task's own numbers and the model's own words, and nothing of what is to come."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
from svg_reader import SVG, sentence

from bptt_lessons.cells import lstm
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


def test_a_target_that_does_not_count_may_be_nan_or_out_of_range() -> None:
    batch = adding_batch()
    target = np.where(batch.mask[:, :, None], batch.target, np.nan)
    figure = widgets.task_viewer(lstm, model_of(lstm, 2, 5, 1), batch.x, target, batch.mask)
    assert "nan" not in figure.picture.value
    strings = reber.sequences(np.random.default_rng(3), 4)
    wild = np.where(strings.mask, strings.target, 99)
    widgets.task_viewer(lstm, model_of(lstm, 7, 6, 7), strings.x, wild, strings.mask).controls["step t"].value = 2
