"""The site for browsers: its parts fit together; where JupyterLite is installed, it is built twice."""

from __future__ import annotations

import filecmp
import importlib.util
import json
import re
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LITE = ROOT / "deploy" / "lite"
specification = importlib.util.spec_from_file_location("lite_build", LITE / "build.py")
assert specification is not None
assert specification.loader is not None
build = importlib.util.module_from_spec(specification)
specification.loader.exec_module(build)
NOTEBOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in build.lessons()}


def pinned(name: str) -> dict[str, str]:
    """Return the versions in one of the files of requirements."""
    lines = (LITE / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_a_lesson_gets_the_browsers_kernel_and_a_first_cell_and_is_otherwise_unchanged(stem: str) -> None:
    notebook = NOTEBOOKS[stem]
    made = build.for_browser(notebook)
    nbformat.validate(made)
    assert made["metadata"]["kernelspec"]["name"] == "python"
    assert made["metadata"]["language_info"] == notebook["metadata"]["language_info"]
    first = next(cell for cell in made["cells"] if cell["cell_type"] == "code")
    assert first["source"] == build.SET_UP
    others = [cell for cell in made["cells"] if cell is not first]
    assert nbformat.from_dict({**made, "cells": others})["cells"] == nbformat.reads(json.dumps(notebook), 4)["cells"]
    outputs = [output for cell in others for output in cell.get("outputs", [])]
    texts = [cell["source"] for cell in made["cells"]] + [output.get("text", "") for output in outputs]
    texts += [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert all(isinstance(text, str) for text in texts), "JupyterLite would show a list of lines with commas"


def test_the_first_cell_installs_what_the_course_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"\W*[<>=;]", requirement)[0] for requirement in project["dependencies"]}
    assert needed - {"jupyterlab"} <= {*build.FROM_PYODIDE, *build.FROM_SITE}
    assert project["name"] in build.FROM_SITE
    assert set(build.FROM_SITE) - {project["name"]} <= set(pinned("wheels.txt"))


def test_versions_are_those_of_the_course() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    course = dict(line.split(" ;")[0].split("==") for line in lock.splitlines() if "==" in line)
    here = pinned("requirements.txt") | pinned("wheels.txt")
    assert here.keys() - course.keys() == {"jupyterlite-core", "jupyterlite-pyodide-kernel"}
    assert [name for name in here.keys() & course.keys() if here[name] != course[name]] == []
    assert here["jupyterlite-core"] == here["jupyterlite-pyodide-kernel"]


def test_settings_ask_nobody_for_news_or_packages() -> None:
    overrides = json.loads((LITE / "overrides.json").read_text(encoding="utf-8"))
    notification = overrides["@jupyterlab/apputils-extension:notification"]
    assert notification == {"checkForUpdates": False, "fetchNews": "false"}
    config = json.loads((LITE / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]
    assert config["defaultKernelName"] == build.KERNEL["name"]
    kernel = config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["disablePyPIFallback"] is True


# a site with Pyodide inside

PACKAGES = {
    "matplotlib": {"file_name": "matplotlib-1.whl", "depends": ["numpy", "Pillow"]},
    "numpy": {"file_name": "numpy-1.whl", "depends": []},
    "pillow": {"file_name": "pillow-1.whl", "depends": []},
    "pydoc-data": {"file_name": "pydoc_data-1.whl", "depends": []},
    "scipy": {"file_name": "scipy-1.whl", "depends": ["numpy"]},
}


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution of empty files."""
    monkeypatch.setattr(build, "kernel_python", lambda: "3.14")
    folder = tmp_path / "pyodide"
    folder.mkdir()
    for name in ("pyodide.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "scipy-1.whl", "console.html"):
        (folder / name).touch()
    for package in PACKAGES.values():
        (folder / str(package["file_name"])).touch()
    lock = {"info": {"python": "3.14.2"}, "packages": PACKAGES}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    return folder


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_of_a_distribution_the_core_and_the_needed_packages_are_taken(
    distribution: Path, packed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (distribution / "pillow-1.whl").unlink()
    given = distribution
    if packed:
        given = tmp_path / "pyodide.tar.bz2"
        with tarfile.open(given, "w:bz2") as archive:
            archive.add(distribution, "pyodide")
    build.put_pyodide(given, tmp_path / "put")
    assert sorted(path.name for path in (tmp_path / "put").iterdir()) == [
        *("matplotlib-1.whl", "numpy-1.whl", "pydoc_data-1.whl", "pyodide-lock.json"),
        *("pyodide.asm.wasm", "pyodide.mjs", "python_stdlib.zip"),
    ]
    assert "pillow-1.whl" in capsys.readouterr().out  # missing, and said so


def test_what_is_no_distribution_or_not_the_kernels_is_refused(
    distribution: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="no distribution of Pyodide"):
        build.put_pyodide(tmp_path / "nowhere", tmp_path / "put")
    with pytest.raises(ValueError, match="no distribution of Pyodide"):
        build.put_pyodide(LITE, tmp_path / "put")
    monkeypatch.setattr(build, "kernel_python", lambda: "3.13")
    with pytest.raises(ValueError, match=r"Python 3\.14, and the kernel wants 3\.13"):
        build.put_pyodide(distribution, tmp_path / "put")


def test_a_folder_that_is_not_a_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="something that is not a site"):
        build.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.long
@pytest.mark.skipif(not build.STAMP.is_file(), reason="python deploy/lite/build.py has not been run: it needs an index")
def test_a_site_has_the_course_and_a_second_build_is_the_same(tmp_path: Path) -> None:
    def status() -> str:
        command = ["git", "status", "--porcelain", "--", "deploy/lite"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    before = status()
    one, two = build.build(tmp_path / "one"), build.build(tmp_path / "two")
    assert status() == before
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(two)) for path in two.rglob("*") if path.is_file())
    assert filecmp.cmpfiles(one, two, names, shallow=False) == (names, [], [])
    listed = json.loads((one / "api" / "contents" / "all.json").read_text(encoding="utf-8"))["content"]
    assert {entry["name"] for entry in listed} == {f"{stem}.ipynb" for stem in NOTEBOOKS}
    index = json.loads((one / "pypi" / "all.json").read_text(encoding="utf-8"))
    assert set(index) == set(build.FROM_SITE) | set(pinned("wheels.txt"))
    (wheel,) = (one / "pypi").glob("bptt_lessons-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
    assert {f"bptt_lessons/notebooks/{stem}.ipynb" for stem in NOTEBOOKS} <= set(inside)
    settings = json.loads((one / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]
    extensions = {extension["name"] for extension in settings["federated_extensions"]}
    assert extensions >= {"@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension"}
