"""A first start that is interrupted or killed at any step is finished by the next; nothing hangs.

The steps are real processes that need no network (`start_in_steps.py`).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
LONG = pytest.mark.long


@pytest.fixture
def clone(make_clone: Any, tmp_path: Path) -> Any:
    return make_clone(tmp_path / '-Élodie\'s "clone" 100% #1?\n e\N{COMBINING ACUTE ACCENT}')


def wait_for_step(process: Any, step: str) -> None:
    for line in process.stdout:
        if line == f"step: {step}\n":
            return
    raise AssertionError(f"{step} was never begun")


def test_left_alone_it_finishes_once(clone: Any) -> None:
    assert clone.finishes() == clone.EVERYTHING
    assert clone.finishes() == clone.EVERYTHING[-1:]


@pytest.mark.parametrize("step", [pytest.param("venv", marks=LONG), "build tool", pytest.param("course", marks=LONG)])
def test_ctrl_c_at_any_step(clone: Any, step: str) -> None:
    (clone.folder / "hold").write_text(step)
    with clone.started() as process:
        wait_for_step(process, step)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.endswith("Interrupted. Run this again to finish.\n")
    assert "start.py" not in error, "a traceback"
    (clone.folder / "hold").unlink()
    assert clone.finishes() == clone.EVERYTHING


@pytest.mark.parametrize("step", [pytest.param("venv", marks=LONG), pytest.param("build tool", marks=LONG), "course"])
def test_everything_killed_at_any_step(clone: Any, step: str) -> None:
    (clone.folder / "hold").write_text(step)
    with clone.started() as process:
        wait_for_step(process, step)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    (clone.folder / "hold").unlink()
    assert clone.finishes() == clone.EVERYTHING


@pytest.mark.parametrize("step", ["venv", pytest.param("course", marks=LONG)])
def test_start_killed_while_its_step_lives_on_is_waited_for(clone: Any, step: str) -> None:
    (clone.folder / "hold").write_text(step)
    with clone.started() as first:
        wait_for_step(first, step)
        first.kill()  # not its group: the step goes on
        with clone.started() as second:
            assert "waiting for it" in second.stdout.readline()
            assert not (clone.folder / ".venv" / f"{step} done").exists()
            (clone.folder / "hold").unlink()
            output, error = second.communicate(timeout=60)
    assert (second.returncode, error) == (0, "")
    assert clone.steps_of(output) == clone.EVERYTHING


def test_on_a_full_disk(disks: Any, make_clone: Any, tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk é", 128) as disk:
        clone = make_clone(disk / "clone")
        filling = disks.fill(disk)
        with clone.started() as process:
            _, error = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "No space left on device" in error
        assert "full disk" in error
        assert "run this again" in error
        filling.unlink()
        assert clone.finishes() == clone.EVERYTHING
