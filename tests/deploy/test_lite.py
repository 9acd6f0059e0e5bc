"""The site for browsers: every lesson is in it, and it asks no outside server."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
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


def test_settings_ask_nobody_for_news_or_packages() -> None:
    overrides = json.loads((LITE / "overrides.json").read_text(encoding="utf-8"))
    notification = overrides["@jupyterlab/apputils-extension:notification"]
    assert notification == {"checkForUpdates": False, "fetchNews": "false"}
    config = json.loads((LITE / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]
    assert config["defaultKernelName"] == build.KERNEL["name"]
    kernel = config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["disablePyPIFallback"] is True


def test_a_folder_that_is_not_a_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="something that is not a site"):
        build.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
