"""The load test's own environment: ``.venv-load`` with the course's wheel, JupyterHub, and the proxy from npm.

Nothing but Python's standard library is needed to make it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".venv-load"
PYTHON = FOLDER / "bin" / "python"
PROXY_VERSION = "5.3.0"
PROXY = FOLDER / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"
STAMP = FOLDER / "load.json"
UNWANTED = ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


def stamp() -> dict[str, str]:
    """Say what the environment is made from."""
    digest = hashlib.sha256()
    for path in (ROOT / "requirements.lock", HERE / "requirements.txt"):
        digest.update(path.read_bytes())
    return {"folder": str(FOLDER), "python": sys.version, "requirements": digest.hexdigest(), "proxy": PROXY_VERSION}


def make() -> None:
    """Make the environment if it is missing or out of date, and install the course as it is now.

    Raises
    ------
    SystemExit
        With advice, where something is missing.
    """
    if os.name != "posix":
        raise SystemExit("The load test runs on Linux (and perhaps on macOS): JupyterHub does not run on Windows.")
    if not shutil.which("npm") or not shutil.which("node"):
        raise SystemExit("The hub's proxy comes from npm: install Node.js with npm, then run this again.")
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
    if not STAMP.exists() or json.loads(STAMP.read_text(encoding="utf-8")) != stamp():
        print("Making .venv-load: two or three minutes the first time ...", flush=True)
        STAMP.unlink(missing_ok=True)
        run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], environment)
        run([*install, "--constraint", str(ROOT / "requirements.lock"), "--requirement",
             str(HERE / "requirements.txt")], environment)  # fmt: skip
        run(["npm", "install", "--prefix", str(FOLDER / "proxy"), "--no-fund", "--no-audit", "--loglevel=error",
             f"configurable-http-proxy@{PROXY_VERSION}"], environment)  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bptt-wheel-") as folder:
        run([str(PYTHON), "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-build-isolation", "--wheel-dir", folder, str(ROOT)], environment)  # fmt: skip
        wheel = str(next(Path(folder).glob("bptt_lessons-*.whl")))
        if not STAMP.exists():
            run([*install, "--constraint", str(ROOT / "requirements.lock"), wheel], environment)
        run([*install, "--no-deps", "--force-reinstall", wheel], environment)
    STAMP.write_text(json.dumps(stamp(), indent=1), encoding="utf-8")


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run a step; stop where it fails."""
    if subprocess.run(command, env=environment, cwd=FOLDER if FOLDER.exists() else ROOT, check=False).returncode:
        raise SystemExit(f"This step failed; its own message stands above: {' '.join(command[:4])} ...")
