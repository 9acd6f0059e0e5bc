"""What every test runs in: no trace of the user's own settings, and no trace left in the repository."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    """Set what notebooks run with, before their kernels start."""
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "nbval_sanitize.cfg")  # nbval would look in the cwd
    home = tempfile.TemporaryDirectory(prefix="bptt-lessons-")  # executed lessons must not write progress here
    config.add_cleanup(home.cleanup)
    os.environ["BPTT_LESSONS_HOME"] = home.name
    os.environ.pop("MPLBACKEND", None)  # would change what a figure's cell shows
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
