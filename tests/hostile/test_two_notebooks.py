"""Notebooks that run at the same time with one record of progress: all of it is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bptt_lessons.course import progress

TESTS = Path(__file__).resolve().parents[1]

# A process of its own for each notebook, as each has in JupyterLab a kernel of its own.
RUN = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import lesson_files
path = lesson_files.NOTEBOOKS[int(sys.argv[2])]
read = lesson_files.read
def up_to_the_last_check(path):
    notebook = read(path)
    last = lesson_files.exercises_in(notebook)[-1][2]
    del notebook.cells[notebook.cells.index(last) + 1 :]
    return notebook
lesson_files.read = up_to_the_last_check
answer = getattr(lesson_files, sys.argv[3])
answers = {name: answer(name) for name, _, _ in lesson_files.exercises_in(lesson_files.read(path))}
checks, _ = lesson_files.run(path, answers, Path.cwd())
print(json.dumps(checks))
"""
RUNS = [("0", "solved"), ("0", "mistaken"), ("1", "solved")]


@pytest.mark.long
def test_two_lessons_at_once_and_one_of_them_twice(tmp_path: Path) -> None:
    home = tmp_path / "my lessons é"
    running = []
    for number, words in enumerate(RUNS):
        (tmp_path / str(number)).mkdir()
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", RUN, str(TESTS / "lessons"), *words],
                cwd=tmp_path / str(number),
                env=os.environ | {"BPTT_LESSONS_HOME": str(home)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    ends = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], [error for _, error in ends]
    shown = [check for out, _ in ends for check in json.loads(out).items()]
    assert len(shown) == 1 + 1 + 5
    assert not any("could not be written" in text for _, text in shown)
    # on a very busy machine a right answer may run into the time limit: what was said is what must be there
    said = {(name, "correct" if f"{name}: correct, in all" in text else "wrong") for name, text in shown}
    assert {entry[2:4] for entry in progress.read(home)} == said
    assert len({name for name, _ in said}) == 1 + 5
    report = progress.report_on(home)
    assert not report.damaged
    solved = {standing.exercise for standing in report.standings if standing.state == "solved"}
    assert solved == {name for name, status in said if status == "correct"}
