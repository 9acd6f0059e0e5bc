"""What every test runs in: no trace of the user's own settings, and no trace left in the repository."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Set what notebooks run with, before their kernels start."""
    home = tempfile.TemporaryDirectory(prefix="bptt-lessons-")
    config.add_cleanup(home.cleanup)
    config.stash[HOME] = Path(home.name)
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "nbval_sanitize.cfg")  # nbval would look in the cwd
    os.environ.pop("MPLBACKEND", None)  # would change what a figure's cell shows
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two ways to ask for more than the short run."""
    group = parser.getgroup("how much is run")
    group.addoption("--all", action="store_true", help="run everything: the long tests too, and the others in full")
    group.addoption("--rest", action="store_true", help="run only what --all adds to the short run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the short run, everything, or the difference between the two."""
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


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Say whether a test that has a small form and a whole one is to run the whole one."""
    return bool(pytestconfig.getoption("--all") or pytestconfig.getoption("--rest"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Give each file a place of its own for progress: no lesson sees another's, whatever the order."""
    os.environ["BPTT_LESSONS_HOME"] = str(item.config.stash[HOME] / f"{item.path.parent.name}-{item.path.stem}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file on one worker, as a notebook's cells need; but spread the runs of whole notebooks."""
    from xdist.scheduler import LoadFileScheduling

    class Spread(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if "test_run_all.py" in nodeid else super()._split_scope(nodeid)

    return Spread(config, log) if config.getoption("dist", "no") == "loadfile" else None
