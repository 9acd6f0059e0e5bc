"""The doctor: calm when all is well, and of use when it is not."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest

from bptt_lessons.course import doctor
from bptt_lessons.course.doctor import Check, environment_report

ROOT = Path(__file__).parents[2]
WELL = ["Python", "NumPy", "Matplotlib", "JupyterLab", "ipywidgets"]
WELL += ["Widgets in JupyterLab", "Your folder", "Disk space"]


def test_the_notebooks_report_has_no_versions_and_no_paths() -> None:
    report = environment_report()
    assert str(report).splitlines() == [f"{name}: ok" for name in WELL]
    assert repr(report) == str(report)
    assert report.ok


def test_the_terminals_lines_have_them() -> None:
    lines = [doctor.line(check, detail=True) for check in doctor.quick_checks(Path.cwd())]
    assert lines[0] == f"Python: ok ({sys.version.split()[0]}, {sys.executable})"
    assert f"NumPy: ok ({importlib.metadata.version('numpy')})" in lines


def test_what_the_doctor_needs_is_what_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = dict(requirement.split(">=") for requirement in project["dependencies"])
    assert declared == {package: oldest for package, (_, oldest) in doctor.NEEDED.items()}
    assert project["requires-python"] == ">=" + ".".join(map(str, doctor.OLDEST_PYTHON))


def test_a_missing_package_is_a_problem_with_a_remedy() -> None:
    check = doctor.installed("no-such-package-at-all", ("Nothing", "1.0"))
    assert check.problem == "it is not installed"
    assert doctor.line(check) == f"Nothing: problem: it is not installed. To mend it: {check.mend}"
    assert 'pip install --upgrade "no-such-package-at-all>=1.0"' in check.mend


def test_an_old_package_is_a_problem() -> None:
    check = doctor.installed("numpy", ("NumPy", "99.0"))
    assert re.fullmatch(r"version \S+ is older than 99\.0", check.problem)


def test_an_old_python_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 1))
    assert doctor.python_version().problem.endswith("99.1 is needed")
    assert not environment_report().ok


@pytest.mark.parametrize(
    ("older", "newer"), [("8.1.2", "8.1.10"), ("2.0", "2.0.1"), ("3.9", "3.10.0rc1"), ("4.2.0b1", "4.2.1"), ("x", "1")]
)
def test_versions_are_ordered_as_numbers(older: str, newer: str) -> None:
    assert doctor.release(older) < doctor.release(newer)


def test_missing_widgets_are_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda name: [str(tmp_path)])
    assert "is not installed" in doctor.widgets_front_end().problem
    (tmp_path / doctor.FRONT_END).mkdir(parents=True)
    (tmp_path / doctor.FRONT_END / "package.json").touch()
    assert doctor.widgets_front_end() == Check("Widgets in JupyterLab", detail=str(tmp_path))


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor.can_write(tmp_path / "not" / "yet").problem == ""
    assert doctor.can_write(tmp_path / "file" / "mine").problem == f"{tmp_path / 'file'} cannot be written"
    assert "failed" in doctor.writing(tmp_path / "file" / "mine").problem
    assert doctor.writing(tmp_path / "not" / "yet").problem == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_nearly_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 5, 5_000_000))
    assert doctor.free_space(tmp_path).problem == "only 5 MB are free"


def test_packages_that_do_not_load_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "NEEDED", {"no_such_module": ("Nothing", "1.0")})
    assert doctor.imports().problem == "ModuleNotFoundError: No module named 'no_such_module'"


def test_a_kernel_starts_and_knows_the_course() -> None:
    assert doctor.kernel() == Check("Starting a kernel", "", doctor.reinstall(), sys.executable)


def test_a_kernel_that_does_not_start_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("the kernel died")

    monkeypatch.setattr("jupyter_client.manager.KernelManager.start_kernel", fail)
    assert doctor.kernel().problem == "RuntimeError: the kernel died"
