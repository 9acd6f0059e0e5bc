"""The doctor: checks for everything that the course needs, and advice for what is missing.

``bptt-lessons doctor`` runs every check.  ``environment_report()`` runs the quick ones in a
notebook; while all is well its text has no versions and no paths.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bptt_lessons.course import learner_folder, progress

OLDEST_PYTHON = (3, 11)
NEEDED = {"numpy": ("NumPy", "2.0"), "matplotlib": ("Matplotlib", "3.10.7")}
NEEDED |= {"jupyterlab": ("JupyterLab", "4.2"), "ipywidgets": ("ipywidgets", "8.1.2")}
FRONT_END = "@jupyter-widgets/jupyterlab-manager"
LEAST_SPACE = 100_000_000  # bytes


class Check(NamedTuple):
    """The result of one check."""

    name: str
    problem: str = ""  # empty if all is well
    mend: str = ""
    detail: str = ""  # versions and paths, for the terminal


class EnvironmentReport:
    """The result of several checks, as plain text."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self.checks = tuple(checks)

    @property
    def ok(self) -> bool:
        """Whether no check found a problem."""
        return not any(check.problem for check in self.checks)

    def __str__(self) -> str:
        return "\n".join(line(check) for check in self.checks)

    __repr__ = __str__


def line(check: Check, *, detail: bool = False) -> str:
    """Return the result in one line, with versions and paths if `detail`."""
    if check.problem:
        return f"{check.name}: problem: {check.problem}. To mend it: {check.mend}"
    return f"{check.name}: ok" + (f" ({check.detail})" if detail and check.detail else "")


def environment_report() -> EnvironmentReport:
    """Check the environment of a notebook, in well under a second; the report shows a line for each check."""
    try:
        folder = progress.home()
    except OSError as error:
        return EnvironmentReport([Check("Your folder", str(error), "open the course again")])
    return EnvironmentReport([*quick_checks(folder)])


def quick_checks(folder: Path) -> Iterator[Check]:
    """Run the checks that neither start nor write anything; `folder` holds the learner's lessons and progress."""
    yield python_version()
    in_browser = sys.platform == "emscripten"  # JupyterLab runs outside this Python
    yield from (installed(*names) for names in NEEDED.items() if not (in_browser and names[0] == "jupyterlab"))
    if not in_browser:
        yield widgets_front_end()
    yield can_write(folder)
    yield free_space(folder)


def all_checks(folder: Path) -> Iterator[Check]:
    """Run every check; the learner's folder need not exist yet."""
    yield from quick_checks(folder)
    yield writing(folder)
    yield lessons()
    yield imports()
    yield kernel()


def reinstall() -> str:
    """Say how to install everything anew, in a clone or from a package."""
    if root := learner_folder.clone():
        return f'delete the folder "{root / ".venv"}" and run: python start.py'
    return f'install the wheel of the course anew: "{sys.executable}" -m pip install --force-reinstall FILE.whl'


def python_version() -> Check:
    """Check that Python is new enough."""
    oldest = ".".join(map(str, OLDEST_PYTHON))
    found = platform.python_version()
    problem = f"this is Python {found}, and {oldest} is needed" if sys.version_info < OLDEST_PYTHON else ""
    return Check("Python", problem, f"install Python {oldest} or newer", f"{found}, {sys.executable}")


def installed(package: str, named: tuple[str, str]) -> Check:
    """Check that a package is installed and new enough; `named` is its usual name and the oldest version."""
    name, oldest = named
    mend = f'run: "{sys.executable}" -m pip install --upgrade "{package}>={oldest}"'
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "it is not installed", mend)
    if release(found) < release(oldest):
        return Check(name, f"version {found} is older than {oldest}", mend)
    return Check(name, detail=found)


def release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (8, 1, 2) for 8.1.2rc1."""
    leading = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in leading.group().split(".")) if leading else ()


def widgets_front_end() -> Check:
    """Check that JupyterLab finds the extension that draws the sliders."""
    name, mend = "Widgets in JupyterLab", f'run: "{sys.executable}" -m pip install --force-reinstall jupyterlab_widgets'
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:
        return Check(name, "Jupyter is not installed", reinstall())
    for folder in jupyter_path("labextensions"):
        if Path(folder, FRONT_END, "package.json").is_file():
            return Check(name, detail=folder)
    return Check(name, f"{FRONT_END} is not installed", mend)


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    folder = Path(os.path.abspath(folder))
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))


def can_write(folder: Path) -> Check:
    """Check the permissions of a folder, or of the one it would be made in, without writing."""
    existing = nearest_existing(folder)
    well = existing.is_dir() and os.access(existing, os.W_OK)
    problem = "" if well else f"{existing} cannot be written"
    return Check("Your folder", problem, "choose another folder, or change the rights of this one", str(folder))


def writing(folder: Path) -> Check:
    """Check that files can be written in the learner's folder, and in the one where progress is kept."""
    name = "Writing progress"
    named = os.environ.get("BPTT_LESSONS_HOME")
    mend = "let BPTT_LESSONS_HOME name a folder that can be written, or unset it" if named else "choose another folder"
    try:
        home = progress.home() if named else folder
    except OSError as error:
        return Check(name, str(error), mend)
    try:
        damaged = progress.report_on(home).damaged
    except OSError as error:
        problem = f"{home / progress.FILE} cannot be read ({error.strerror or 'it is not a file'})"
        return Check(name, problem, f"rename it, or {mend}")
    for place in {nearest_existing(folder), nearest_existing(home)}:
        if problem := writing_problem(place):
            return Check(name, problem, f"make room on the disk, or {mend}")
    return Check(name, detail=f"{home}, with damaged parts in the file that are ignored" if damaged else str(home))


def writing_problem(folder: Path) -> str:
    """Write a file into an existing folder and remove it; return what went wrong, if anything."""
    path = folder / f".bptt-lessons-{uuid.uuid4().hex}.tmp"
    try:
        path.write_bytes(b"0" * 10_000)
    except OSError as error:
        return f"writing into {folder} failed ({error.strerror})"
    finally:
        with suppress(OSError):
            path.unlink()
    return ""


def free_space(folder: Path) -> Check:
    """Check that the disk is not nearly full."""
    free = shutil.disk_usage(nearest_existing(folder)).free
    problem = "" if free >= LEAST_SPACE else f"only {free / 1e6:.0f} MB are free"
    return Check("Disk space", problem, f"make room for {LEAST_SPACE / 1e6:.0f} MB", f"{free / 1e9:.1f} GB free")


def lessons() -> Check:
    """Check that the lessons are there to be copied."""
    folder = learner_folder.shipped_folder()
    count = len(learner_folder.shipped_lessons(folder))
    return Check("Lessons", "" if count else f"there are none in {folder}", reinstall(), f"{count} in {folder}")


def imports() -> Check:
    """Check that the packages load, in a Python of their own."""
    command = [sys.executable, "-c", "import " + ", ".join(NEEDED)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("Loading the packages", str(error), reinstall())
    last = (result.stderr.strip().splitlines() or ["no message"])[-1]
    return Check("Loading the packages", last if result.returncode else "", reinstall())


def kernel() -> Check:
    """Check that a notebook's kernel starts, is this Python and knows the course."""
    name = "Starting a kernel"
    try:
        from jupyter_client.manager import KernelManager

        from bptt_lessons.course.kernels import ThisPython

        manager = KernelManager(kernel_spec_manager=ThisPython())
        manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            client = manager.client()
            client.start_channels()
            client.wait_for_ready(timeout=60)
            reply = client.execute_interactive(
                "import bptt_lessons.course", timeout=60, output_hook=lambda message: None
            )
            content = reply["content"]
            client.stop_channels()
        finally:
            manager.shutdown_kernel(now=True)
    except Exception as error:  # whatever goes wrong here is what the doctor is asked for
        return Check(name, f"{type(error).__name__}: {error}", reinstall())
    problem = "" if content["status"] == "ok" else f"{content['ename']}: {content['evalue']}"
    return Check(name, problem, reinstall(), sys.executable)
