"""What one learner may use: memory, processor and processes, and where these figures come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).resolve().parents[1] / "limits.json"  # the one that the hosting files are made from


class Limits(NamedTuple):
    """What one learner's server, with all its kernels, may use."""

    memory: int = 2**30  # bytes
    cpu: float = 1.0  # cores
    processes: int = 512  # and threads; systemd's own limit is far higher
    source: str = "the load test's own"


def read(path: Path = FILE) -> Limits:
    """Return the limits in a file; the load test's own where there is no such file."""
    if not path.is_file():
        return Limits()
    found = json.loads(path.read_text(encoding="utf-8"))
    return Limits(
        memory=int(found["memory_limit_mib"]) * 2**20, cpu=float(found["cpu_limit"]), source=f"deploy/{path.name}"
    )
