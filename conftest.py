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
