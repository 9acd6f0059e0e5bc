"""The benchmarks start, count and write their report; their timings are not tested."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PARTS = {"kernels": "kernels.py", "memory": "memory.py", "start": "start_up.py"}


def run(*arguments: str) -> str:
    """Run ``python benchmarks`` and return what it prints."""
    command = [sys.executable, str(BENCHMARKS), *arguments]
    found = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports one of the benchmarks' modules."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def module(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(name.strip("_"), BENCHMARKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, found)
        spec.loader.exec_module(found)
        return found

    return module


@pytest.mark.parametrize("part", PARTS)
def test_every_part_starts_and_is_in_the_readme(part: str) -> None:
    assert f"usage: python benchmarks {part}" in run(part, "--help")
    assert f"| `{part}` | `{PARTS[part]}` |" in (BENCHMARKS / "README.md").read_text(encoding="utf-8")


def test_memory_counts_tapes_exactly_and_sees_what_grows_too_fast() -> None:
    """From T = 20 to 40 a window of 100 steps grows as the whole does."""
    lines = run("memory", "--steps", "20", "40", "--cell", "rnn").splitlines()
    state = 8 * 8 * 64  # bytes of h (N, H)
    assert f"| rnn | tape, its arrays | {21 * state / 1e6:.3g} | {41 * state / 1e6:.3g} | 0.97 | 1 | yes |" in lines
    assert next(line for line in lines if "windows of 100" in line).endswith("| 0 | **NO** |")


def test_no_blas_kernel_is_forced(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    environment = load("report").environment(2)
    assert not environment.keys() & {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}
    assert environment["OPENBLAS_NUM_THREADS"] == "2"


def test_a_part_that_fails_says_why_and_loses_no_other(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = {"broken": "raise RuntimeError('the reason')", "fine": "print('## Fine')"}
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(body, encoding="utf-8")
    load("report")
    command = load("__main__")
    monkeypatch.setattr(command, "HERE", tmp_path)
    monkeypatch.setattr(command, "PARTS", {name: f"{name}.py" for name in bodies})
    monkeypatch.setattr(sys, "argv", ["benchmarks", f"--output={tmp_path / 'RESULTS.md'}"])
    assert command.main() == 1
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert text.startswith("# Results\n")
    assert "## Broken\n\n**Failed**: broken.py, exit code 1.\n\n" in text
    assert "    RuntimeError: the reason\n\n## Fine\n" in text
