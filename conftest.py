"""What every test runs in: no trace of the user's own settings, and no trace left in the repository."""

import os
import tempfile
from pathlib import Path

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
