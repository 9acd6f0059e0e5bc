"""Run the tests with other versions than the pinned ones: the lowest that pyproject.toml allows, or the newest.

    python tests/versions.py lowest        on Python 3.11, the oldest that the course supports
    python tests/versions.py newest        on any supported Python

Further arguments go to pytest, such as --all.  Each run makes a fresh environment, ``.venv-lowest`` or
``.venv-newest``.  Ruff and mypy are left out: their complaints depend on their version.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNWANTED = ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


def lowest() -> list[str]:
    """Return the requirements in pyproject.toml, each at its lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["test"]]
    return sorted({requirement.replace(">=", "==") for requirement in [*named, *project["build-system"]["requires"]]})


def environment_of(which: str) -> Path:
    """Make a fresh environment; return its Python."""
    folder = ROOT / f".venv-{which}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, env=environment())
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
    if which == "lowest":
        constraints = folder / "lowest.txt"
        constraints.write_text("\n".join(lowest()) + "\n", encoding="utf-8")
        command += ["--constraint", str(constraints)]
    subprocess.run([*command, "--editable", f"{ROOT}[test]"], check=True, env=environment())
    return python


def environment() -> dict[str, str]:
    """Return the user's environment without variables that mislead another Python."""
    return {name: value for name, value in os.environ.items() if name not in UNWANTED}


def main() -> int:
    """Run the tests; return pytest's exit code."""
    which, *arguments = sys.argv[1:] or [""]
    if which not in ("lowest", "newest"):
        print(__doc__)
        return 2
    if which == "lowest" and sys.version_info[:2] != (3, 11):
        print("The lowest versions are meant for Python 3.11, the oldest that the course supports.")
        return 2
    python = environment_of(which)
    subprocess.run([str(python), "-m", "pip", "list", "--disable-pip-version-check"], check=True, env=environment())
    command = [str(python), "-m", "pytest", "--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", "-ra"]
    command += arguments
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
