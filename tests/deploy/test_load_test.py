"""The load test without a hub: its answers, its table, and where its hub listens; a real hub where one is installed."""

from __future__ import annotations

import importlib.util
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "load_test.py"
specification = importlib.util.spec_from_file_location("load_test", SCRIPT)
assert specification is not None
assert specification.loader is not None
load_test = importlib.util.module_from_spec(specification)
specification.loader.exec_module(load_test)


@pytest.mark.parametrize("lesson", ["01", "02"])
def test_answers_are_right_and_wrong_as_claimed(lesson: str) -> None:
    for name in (name for name, exercise in EXERCISES.items() if exercise.lesson.startswith(lesson)):
        for answer in load_test.answers(name, random.Random(1)):
            names: dict[str, Any] = {}
            exec(answer.code, names)
            report = EXERCISES[name].grade(names[EXERCISES[name].learner_name])
            assert report.misconception == answer.misconception
            assert (report.status == "correct") == (answer.misconception is None)
            if answer.misconception:
                assert " ".join(answer.expected.split()) in " ".join(str(report).split())


def test_the_table_counts_and_orders_what_was_measured() -> None:
    log = load_test.Log()
    log.seconds["cell"] += [float(n) for n in range(100, 0, -1)]
    log.errors.append(("check", "wrong"))
    lines = load_test.table(log).splitlines()
    assert lines[2] == "| spawn | 0 | 0 | - | - |"
    assert "| cell | 100 | 0 | 50.00 | 95.00 |" in lines
    assert "| check | 0 | 1 | - | - |" in lines


def test_the_hub_listens_on_loopback_only() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:https?|ws)://([\w.{}]+)", source)) == {"127.0.0.1"}
    assert 'hub_ip = "127.0.0.1"' in source
    assert "DummyAuthenticator.password = {token!r}" in source


@pytest.mark.long
@pytest.mark.skipif(
    not importlib.util.find_spec("jupyterhub") or not shutil.which("configurable-http-proxy"),
    reason="needs JupyterHub and configurable-http-proxy",
)
def test_two_learners_work_on_a_real_hub() -> None:
    command = [sys.executable, SCRIPT, "--learners", "2", "--lessons", "00", "--think", "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "| spawn | 2 | 0 |" in result.stdout
