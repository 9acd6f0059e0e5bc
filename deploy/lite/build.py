"""Build the course as a folder of files for any web server: Python runs in each learner's own browser.

    python deploy/lite/build.py                        into build/lite
    python deploy/lite/build.py --to FOLDER            into a folder that is new, empty, or an earlier build
    python deploy/lite/build.py --pyodide FILE         with Python itself inside: see README.md

The first build makes an environment, ``deploy/lite/.venv``, for which it needs a package index; later builds need
no network.  Nothing else in the clone is changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHEELS = VENV / "wheels"
STAMP = VENV / "stamp"  # written last: without it the environment is incomplete
PINNED = ("requirements.txt", "wheels.txt")
UNWANTED = ("PYTHONHOME", "PYTHONPATH", "JUPYTERLITE_PYODIDE_URL")
MOMENT = 1_767_225_600  # every file's time, 2026-01-01, so that two builds are identical

KERNEL = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}
FROM_PYODIDE = ("numpy", "matplotlib", "pydoc_data")  # pydoc_data has the text that lesson 09 reads
FROM_SITE = ("ipywidgets", "bptt-lessons")
SET_UP = (
    "# In the browser: run this cell first. It fetches the course and what it needs, once for each notebook.\n"
    f"%pip install -q {' '.join(FROM_PYODIDE)}\n"
    f"%pip install -q --no-deps {' '.join(FROM_SITE)}"
)
CORE, LIBRARY = (".mjs", ".wasm", ".json"), "python_stdlib.zip"  # Pyodide's files besides packages
KERNEL_NEEDS = ("micropip", "ipython", "jedi", "packaging")  # loaded before the first cell


def main() -> int:
    """Build the site; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "lite", metavar="FOLDER")
    parser.add_argument("--pyodide", type=Path, metavar="FILE", help="Pyodide's distribution: its archive, or a folder")
    given = parser.parse_args()
    try:
        site = build(given.to.resolve(), given.pyodide)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd[:5]))} ... failed; its message is above.", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"The site is in {site}, {size / 1e6:.0f} MB. Look at it:\n  {serve_command(site)}")
    return 0


def build(site: Path, pyodide: Path | None = None) -> Path:
    """Build the site into a folder, and return the folder.

    Raises
    ------
    ValueError
        If the folder holds anything but a site, or `pyodide` is no distribution for this kernel.
    """
    if site.exists() and any(site.iterdir()) and not (site / "jupyter-lite.json").is_file():
        raise ValueError(f"{site} holds something that is not a site: name a new or empty folder")
    make_environment()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        source, built = work / "source", work / "site"
        put_source(source)
        if pyodide is not None:
            put_pyodide(pyodide, source / "static" / "pyodide")
        for path in source.rglob("*"):
            os.utime(path, (MOMENT, MOMENT))
        command = [PYTHON, "-m", "jupyterlite_core", "build", "--lite-dir", source, "--output-dir", built]
        command += ["--contents", source / "lessons", "--apps", "lab", "--apps", "notebooks", "--no-sourcemaps"]
        run([*command, "--source-date-epoch", str(MOMENT), "--log-level", "WARN"], cwd=source)
        if site.exists():
            shutil.rmtree(site)
        shutil.copytree(built, site, ignore=shutil.ignore_patterns(".jupyterlite.doit.db*"))
    return site


def make_environment() -> None:
    """Make the environment and download the wheels, unless both are there as pinned."""
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINNED)).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted and PYTHON.exists():
        return
    run([sys.executable, "-m", "venv", "--clear", VENV])
    pip("install", "--requirement", HERE / "requirements.txt")
    pip("wheel", "--no-deps", "--only-binary", ":all:", "--wheel-dir", WHEELS, "--requirement", HERE / "wheels.txt")
    STAMP.write_text(wanted)


def put_source(source: Path) -> None:
    """Write what JupyterLite builds from: settings, wheels and lessons."""
    (source / "lessons").mkdir(parents=True)
    for name in ("jupyter-lite.json", "overrides.json"):
        shutil.copyfile(HERE / name, source / name)
    shutil.copytree(WHEELS, source / "pypi")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", source / "pypi", ROOT)
    for path in lessons():
        text = json.dumps(for_browser(json.loads(path.read_text(encoding="utf-8"))), indent=1, ensure_ascii=False)
        (source / "lessons" / path.name).write_text(text + "\n", encoding="utf-8")


def lessons() -> list[Path]:
    """Return the clone's notebooks in reading order."""
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def for_browser(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a lesson with the browser's kernel, and with a first code cell that installs the course."""
    set_up = {"cell_type": "code", "execution_count": None, "id": "in-the-browser", "metadata": {}, "outputs": []}
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "source" not in set_up:
            set_up["source"] = SET_UP
            cells.append(set_up)
        whole = {**cell, "source": joined(cell["source"])}
        if "outputs" in cell:
            whole["outputs"] = [joined_output(output) for output in cell["outputs"]]
        cells.append(whole)
    return {**notebook, "cells": cells, "metadata": {**notebook["metadata"], "kernelspec": KERNEL}}


def joined_output(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output whose texts are single strings: JupyterLite shows a list of lines with commas between them."""
    whole = dict(output)
    if "text" in output:
        whole["text"] = joined(output["text"])
    if "data" in output:
        whole["data"] = {kind: value if "json" in kind else joined(value) for kind, value in output["data"].items()}
    return whole


def joined(text: str | list[str]) -> str:
    """Return a text, or a list of lines, as one string."""
    return text if isinstance(text, str) else "".join(text)


def put_pyodide(given: Path, folder: Path) -> None:
    """Copy what the course needs from a distribution of Pyodide.

    Raises
    ------
    ValueError
        If it is no such distribution, or its Python is not the kernel's.
    """
    with tempfile.TemporaryDirectory() as name:
        if given.is_file() and tarfile.is_tarfile(given):
            with tarfile.open(given) as archive:
                archive.extractall(name, filter="data")
            given = Path(name)
        found = sorted(given.rglob("pyodide-lock.json")) if given.is_dir() else []
        if not found or not (found[0].parent / "pyodide.mjs").is_file():
            raise ValueError(f"{given} is no distribution of Pyodide: expected its archive, or a folder with its files")
        lock = json.loads(found[0].read_text(encoding="utf-8"))
        has, wants = ".".join(lock["info"]["python"].split(".")[:2]), kernel_python()
        if has != wants:
            raise ValueError(f"this Pyodide has Python {has}, and the kernel wants {wants}: see deploy/lite/README.md")
        folder.mkdir(parents=True)
        for path in sorted(found[0].parent.iterdir()):
            if path.is_file() and (path.name == LIBRARY or path.suffix in CORE):
                shutil.copyfile(path, folder / path.name)
        missing = []
        for file_name in needed(lock["packages"], (*KERNEL_NEEDS, *FROM_PYODIDE)):
            if (path := found[0].parent / file_name).is_file():
                shutil.copyfile(path, folder / file_name)
            else:
                missing.append(file_name)
    if missing:
        print("This Pyodide is not complete. Without these the site will not run lessons:", *missing, sep="\n  ")


def needed(packages: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Return the files of packages and of all they depend on, as a distribution's lock file lists them."""
    seen: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in seen and name in packages:
            seen[name] = packages[name]["file_name"]
            waiting += packages[name]["depends"]
    return sorted(seen.values())


def kernel_python() -> str:
    """Return the version of Python that the browser's kernel needs."""
    code = "from jupyterlite_pyodide_kernel.constants import PYODIDE_PYTHON_VERSION as v; print(v)"
    return subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def pip(*arguments: str | Path) -> None:
    """Run the environment's pip."""
    run([PYTHON, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:]])


def run(command: list[str | Path], cwd: Path | None = None) -> None:
    """Run a command without variables that would disturb it, and with one time for every file."""
    variables = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    variables |= {"SOURCE_DATE_EPOCH": str(MOMENT), "JUPYTER_PLATFORM_DIRS": "1"}
    subprocess.run([str(word) for word in command], check=True, cwd=cwd, env=variables)


def serve_command(site: Path) -> str:
    """Return a command that serves the site on this machine."""
    return f"{Path(sys.executable).name} -m http.server --bind 127.0.0.1 --directory {site} 8000"


if __name__ == "__main__":
    raise SystemExit(main())
