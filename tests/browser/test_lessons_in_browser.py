"""Each lesson as a learner meets it: opened, run, solved by typing, and found again after a restart."""

import json
from pathlib import Path
from typing import Any

import pytest
from browser import jupyter_driver as lab_driver
from browser.jupyter_driver import NOTEBOOKS, Server

LESSONS = [path.name for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
SHORT = ("00", "03", "07")  # the first lesson, and two with figures of each kind and exercises; 01 is solved below

RIGHT = """\
def my_rnn_step(params, x, h_prev):
    z = x @ params.W_xh + h_prev @ params.W_hh + params.b_h
    h = np.tanh(z)
    return h, rnn.Cache(x, h_prev, h)
"""


def test_there_are_lessons() -> None:
    assert len(LESSONS) >= 3


@pytest.mark.parametrize(
    "lesson", [pytest.param(name, marks=() if name.startswith(SHORT) else pytest.mark.long) for name in LESSONS]
)
def test_lesson_runs_to_its_end(page: Any, lab: Server, screenshots: Path, lesson: str) -> None:
    lab_driver.open_notebook(page, lab, lesson)
    lab_driver.run_all(page)
    assert lab_driver.errors(page) == []
    for dark in (False, True):
        lab_driver.set_theme(page, dark)
        page.screenshot(path=screenshots / f"{Path(lesson).stem}-{'dark' if dark else 'light'}.png")
    lab_driver.set_theme(page, False)


def test_an_exercise_is_solved_by_typing_and_stays_solved(page: Any, lab: Server, progress_folder: Path) -> None:
    lesson = next(name for name in LESSONS if name.startswith("01_"))
    lab_driver.open_notebook(page, lab, lesson)
    lab_driver.run_all(page)
    stub = lab_driver.find_cell(page, "def my_rnn_step(")
    check = lab_driver.find_cell(page, 'check("rnn.step")')
    assert "rnn.step: not attempted" in lab_driver.outputs(page, check).lower()

    lab_driver.type_into_cell(page, stub, RIGHT)
    lab_driver.run_cell(page, stub)
    lab_driver.run_cell(page, check)
    assert "rnn.step: correct" in lab_driver.outputs(page, check).lower()
    assert lab_driver.show_cell(page, check).get_by_text("correct").first.is_visible()
    lab_driver.save(page)
    assert solved(progress_folder)

    lab_driver.restart_kernel(page)
    assert solved(progress_folder)
    lab_driver.open_notebook(page, lab, lesson)  # a reload, in a fresh workspace
    assert "".join(lab_driver.cells(page)[stub]["source"]) == RIGHT
    lab_driver.run_all(page)
    assert lab_driver.errors(page) == []
    assert "rnn.step: correct" in lab_driver.outputs(page, check).lower()
    assert solved(progress_folder)


def solved(folder: Path) -> bool:
    """Say whether the progress file has ``rnn.step`` as solved."""
    entries = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    return any(entry["exercise"] == "rnn.step" and entry["status"] == "correct" for entry in entries)
