"""The benchmarks start, count and write their page; what they time is no business of a test."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
MODULES = {"page", "__main__"}  # of the others each is a part


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that writes the page, as the scripts import it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "page", raising=False)
    found = importlib.import_module("page")
    monkeypatch.setitem(sys.modules, "page", found)  # taken out again afterwards
    return found


@pytest.fixture
def command(page: Any) -> Any:
    """The module behind ``python benchmarks``."""
    spec = importlib.util.spec_from_file_location("benchmarks_command", BENCHMARKS / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", check=False)


def made_up(page: Any) -> Any:
    rows = [["rnn", "1.5", page.yes(True)], ["lstm", "0.9", page.yes(False)]]
    return page.Result(["cell", "ratio", "met"], rows, "a ratio of at least 1", False, "One run.", ["No JAX here."])


def test_every_script_is_a_part_of_the_page_and_named_in_the_readme(command: Any) -> None:
    scripts = {path.name for path in BENCHMARKS.glob("*.py") if path.stem not in MODULES}
    assert {part.script for part in command.PARTS.values()} == scripts
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert [name for name, part in command.PARTS.items() if f"| `{name}` | `{part.script}` |" not in readme] == []


@pytest.mark.parametrize(
    "name", ["", *sorted(path.name for path in BENCHMARKS.glob("*.py") if path.stem not in MODULES)]
)
def test_every_script_says_how_it_is_used(name: str) -> None:
    found = run(str(BENCHMARKS / name), "--help")
    assert found.returncode == 0, found.stderr
    assert f"python benchmarks{'/' * bool(name)}{name}" in found.stdout


def test_memory_counts_tapes_exactly_and_sees_what_grows_too_fast(tmp_path: Path) -> None:
    """From T = 20 to 40 a window of 100 steps grows as the whole does."""
    found = run(str(BENCHMARKS / "memory.py"), "--steps", "20", "40", "--cell", "rnn", f"--json={tmp_path / 'found'}")
    assert found.returncode == 0, found.stderr
    result = json.loads((tmp_path / "found").read_text(encoding="utf-8"))
    rows = {row[1]: row[2:] for row in result["rows"]}
    assert {row[0] for row in result["rows"]} == {"rnn"}
    state = 8 * 8 * 64  # bytes of h (N, H)
    assert rows["tape, its arrays"] == [f"{21 * state / 1e6:.3g}", f"{41 * state / 1e6:.3g}", "0.97", "1", "yes"]
    assert rows["windows of 100, peak"][-2:] == ["0", "NO"]
    assert result["held"] is False


def test_a_section_says_what_is_asked_what_was_found_and_how(page: Any) -> None:
    assert page.body(made_up(page)).split("\n\n") == [
        "Asked: a ratio of at least 1. Met: **NO**.",
        "| cell | ratio | met |\n| --- | --- | --- |\n| rnn | 1.5 | yes |\n| lstm | 0.9 | NO |",
        "No JAX here.",
        "One run.",
    ]
    assert page.body(page.Result(notes=["Left out: no Chromium."])) == "Left out: no Chromium."
    assert "Met" not in page.body(made_up(page)._replace(held=None))


def test_a_page_is_read_back_only_on_the_machine_that_it_names(page: Any) -> None:
    sections = {"Kernels": page.body(made_up(page)), "Memory": "Left out.\n\n*Then.*"}
    text = page.whole("A processor.", sections)
    assert {heading: found.strip() for heading, found in page.sections_of(text, "A processor.").items()} == sections
    assert page.whole("A processor.", page.sections_of(text, "A processor.")) == text
    assert page.sections_of(text, "Another.") == {}


def test_the_machine_is_named_with_its_versions(page: Any) -> None:
    assert all(f"{name} " in page.machine() or f"no {name}" in page.machine() for name in page.LIBRARIES)
    assert "cores" in page.machine()
    assert "BLAS in NumPy: " in page.machine()


def test_alone_a_script_exits_with_1_if_something_is_not_met(
    page: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def left_out(options: argparse.Namespace) -> Any:
        raise page.LeftOut("no Chromium")

    monkeypatch.setattr(sys, "argv", ["script"])
    assert page.run(lambda options: made_up(page), page.parser("")) == 1
    assert page.run(lambda options: made_up(page)._replace(held=True), page.parser("")) == 0
    assert page.run(left_out, page.parser("")) == 0
    assert "Left out: no Chromium." in capsys.readouterr().out


SCRIPT = f"""
import sys, time
sys.path.insert(0, {str(BENCHMARKS)!r})
import page

def measure(options):
    BODY

raise SystemExit(page.run(measure, page.parser("")))
"""


def test_a_part_that_fails_says_why_and_loses_no_other(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies = {
        "met": "return page.Result(['n'], [['1']], 'one', True)",
        "missing": "raise page.LeftOut('no PyTorch')",
        "broken": "raise RuntimeError('the reason')",
        "endless": "time.sleep(1000)",
    }
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(SCRIPT.replace("BODY", body), encoding="utf-8")
    parts = {name: command.Part(f"{name}.py", name.title(), 0.05 if name == "endless" else 5) for name in bodies}
    monkeypatch.setattr(command, "HERE", tmp_path)
    monkeypatch.setattr(command, "PARTS", parts)
    output = tmp_path / "RESULTS.md"

    def exit_code(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["benchmarks", f"--output={output}", *arguments])
        return int(command.main())

    assert exit_code("met", "missing", "broken") == 1
    assert "Failed: broken." in capsys.readouterr().err
    text = output.read_text(encoding="utf-8")
    assert text.startswith("# Results\n")
    assert text.index("## Met\n\nAsked: one. Met: **yes**.\n\n| n |") < text.index(
        "## Missing\n\nLeft out: no PyTorch."
    )
    assert "## Broken\n\n**Failed**: broken.py ended with exit code 1.\n\n    " in text
    assert "    RuntimeError: the reason\n" in text
    assert text.count(" UTC, commit ") == 3

    (tmp_path / "broken.py").write_text(SCRIPT.replace("BODY", bodies["met"]), encoding="utf-8")
    assert exit_code("broken") == 0
    assert "**Failed**" not in output.read_text(encoding="utf-8")
    assert [*command.earlier(output, command.page.machine())] == ["Met", "Missing", "Broken"]

    assert exit_code("endless") == 1
    assert "endless.py did not end within 0.05 minutes" in output.read_text(encoding="utf-8")
