"""What every test runs in, how much is run, and in which order."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
HOME = pytest.StashKey[Path]()
CHECKS = pytest.StashKey[dict[str, subprocess.Popen[str]]]()
TOOLS = ("ruff check", "ruff format --check", "mypy")

# What takes longest, longest first.  Started last, one of these would keep one worker busy while the others wait.
SLOWEST = (
    "tests/browser/",
    "notebooks/08",
    "notebooks/09",
    "notebooks/05",
    "notebooks/04",
    "notebooks/02",
    "tests/lessons/test_run_all.py",
    "notebooks/",
    "tests/workshop/test_slides_in_browser.py",
    "tests/hostile/",
    "tests/gradients/",
    "tests/course/",
    "tests/mutants/",
    "tests/cells/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ways to ask for more than the short run."""
    group = parser.getgroup("how much is run")
    group.addoption("--all", action="store_true", help="run everything: the long tests too, and the others in full")
    group.addoption("--rest", action="store_true", help="run only what --all adds to the short run")
    group.addoption("--checks", action="store_true", help="run ruff and mypy beside the tests, unless paths are named")


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment that notebooks run in, before their kernels start."""
    home = tempfile.TemporaryDirectory(prefix="bptt-lessons-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    config.stash[HOME] = Path(home.name)
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "nbval_sanitize.cfg")  # nbval would look in the cwd
    config.option.loadscopereorder = False  # keep the order of `place_in_order`
    os.environ.pop("MPLBACKEND", None)  # would change what a figure's cell shows
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    if not hasattr(config, "workerinput"):  # workers inherit the rest
        startup = Path(home.name, "ipython", "profile_default", "startup")
        startup.mkdir(parents=True)
        (startup / "remember.py").write_text((ROOT / "tests" / "lessons" / "remember_experiments.py").read_text())
        os.environ["IPYTHONDIR"] = str(startup.parents[1])  # and no settings of the user's


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the short run, everything, or the difference between the two; put the slowest first."""
    items.sort(key=place_in_order)
    if config.getoption("--all"):
        return
    rest = config.getoption("--rest")
    kept, left = [], []
    for item in items:
        long = item.get_closest_marker("long") is not None
        more = long or "whole" in getattr(item, "fixturenames", ())
        (kept if (more if rest else not long) else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def place_in_order(item: pytest.Item) -> int:
    """Return a test's place in SLOWEST, or the end."""
    return next((place for place, start in enumerate(SLOWEST) if item.nodeid.startswith(start)), len(SLOWEST))


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Say whether a test that has a small form and a whole one is to run the whole one."""
    return bool(pytestconfig.getoption("--all") or pytestconfig.getoption("--rest"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Give each file its own progress folder: no lesson sees another's progress, whatever the order."""
    os.environ["BPTT_LESSONS_HOME"] = str(item.config.stash[HOME] / f"{item.path.parent.name}-{item.path.stem}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests on one worker, as a notebook's cells need, and the browser's too; spread whole notebooks."""
    from xdist.scheduler import LoadFileScheduling

    class Spread(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("tests/browser/"):
                return "tests/browser"
            return nodeid if "test_run_all.py" in nodeid else super()._split_scope(nodeid)

    return Spread(config, log) if config.getoption("dist", "no") == "loadfile" else None


# ruff and mypy, beside the tests


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start them once, in the process that shows the results."""
    config = session.config
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("--rest")
    wanted = config.getoption("--checks") and everything and not hasattr(config, "workerinput")
    config.stash[CHECKS] = {
        tool: subprocess.Popen(
            [sys.executable, "-m", *tool.split()], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for tool in (TOOLS if wanted else ())
    }


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for them, and report each that complains as pytest reports a test that fails."""
    for tool, process in session.config.stash[CHECKS].items():
        said, _ = process.communicate()
        if process.returncode:
            report = pytest.TestReport(tool, (tool, None, tool), {}, outcome="failed", longrepr=said, when="call")
            session.config.pluginmanager.get_plugin("terminalreporter").stats.setdefault("failed", []).append(report)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
