"""A first start that is interrupted or killed at any step is finished by the next; nothing hangs.

The steps are real processes that need no network (`start_in_steps.py`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("start_in_steps.py")
STEPS = ("venv", "build tool", "course")
EVERYTHING = [f"step: {step}" for step in STEPS] + ["handed over to: -m bptt_lessons doctor"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends the signals of POSIX")


def make_clone(folder: Path) -> Path:
    """Make a folder with what start.py needs of a clone."""
    folder.mkdir(parents=True)
    for name in ("start.py", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / '-Élodie\'s "clone" 100% e\N{COMBINING ACUTE ACCENT}')


@contextmanager
def started(clone: Path) -> Iterator[subprocess.Popen[str]]:
    """Start it in a group of its own, as in a terminal of its own."""
    command = [sys.executable, "-IS", str(DRIVER), str(clone), "doctor"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, start_new_session=True, cwd="/", **pipes) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def steps_of(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("step", "handed over"))]


def finishes(clone: Path) -> list[str]:
    """Start once more; return the steps that were taken."""
    with started(clone) as process:
        output, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    return steps_of(output)


def wait_for_step(process: subprocess.Popen[str], step: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line == f"step: {step}\n":
            return
    raise AssertionError(f"{step} was never begun")


def test_left_alone_it_finishes_once(clone: Path) -> None:
    assert finishes(clone) == EVERYTHING
    assert finishes(clone) == EVERYTHING[-1:]


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_at_any_step(clone: Path, step: str) -> None:
    (clone / "hold").write_text(step)
    with started(clone) as process:
        wait_for_step(process, step)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.endswith("Interrupted. Run this again to finish.\n")
    assert "start.py" not in error, "a traceback"
    (clone / "hold").unlink()
    assert finishes(clone) == EVERYTHING


@pytest.mark.parametrize("step", STEPS)
def test_everything_killed_at_any_step(clone: Path, step: str) -> None:
    (clone / "hold").write_text(step)
    with started(clone) as process:
        wait_for_step(process, step)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    (clone / "hold").unlink()
    assert finishes(clone) == EVERYTHING


@pytest.mark.parametrize("step", ["venv", "course"])
def test_start_killed_while_its_step_lives_on_is_waited_for(clone: Path, step: str) -> None:
    (clone / "hold").write_text(step)
    with started(clone) as first:
        wait_for_step(first, step)
        first.kill()  # not its group: the step goes on
        with started(clone) as second:
            assert second.stdout is not None
            assert "waiting for it" in second.stdout.readline()
            assert not (clone / ".venv" / f"{step} done").exists()
            (clone / "hold").unlink()
            output, error = second.communicate(timeout=60)
    assert (second.returncode, error) == (0, "")
    assert steps_of(output) == EVERYTHING


def test_a_step_that_is_killed_is_said_to_have_failed(clone: Path) -> None:
    (clone / "hold").write_text("course")
    with started(clone) as process:
        wait_for_step(process, "course")
        os.kill(int((clone / ".venv" / "pid").read_text()), signal.SIGKILL)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "This step failed" in error
    assert "run this again: it carries on by itself" in error
    (clone / "hold").unlink()
    assert finishes(clone) == EVERYTHING
