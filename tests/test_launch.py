"""How the course is installed, tested and released: start.py, the pinned versions, and files that must agree.

`tests/hostile/test_first_start.py` interrupts and kills real starts.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import bptt_lessons

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKED = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked() -> list[Path]:
    """Return the files of the repository; none where there is no git."""
    result = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = result.stdout.decode().split("\0")[:-1] if result.returncode == 0 else []
    return [ROOT / name for name in names if (ROOT / name).is_file()]


# start.py


class Setup:
    """start.py in a folder of its own, with its steps recorded instead of taken."""

    def __init__(self, start: ModuleType, root: Path) -> None:
        self.start, self.root = start, root
        self.steps: list[str] = []
        self.fail_at: str | None = None

    def run(self, lock: Any, *command: object) -> None:
        step = "venv" if "venv" in command else "build tool" if "hatchling" in command else str(command[-1])
        self.steps.append(step)
        if step == self.fail_at:
            raise SystemExit(1)
        if step == "venv":
            self.start.PYTHON.parent.mkdir(exist_ok=True)
            self.start.PYTHON.touch()

    def steps_of(self, *, tests: bool = False) -> list[str]:
        self.steps = []
        self.start.set_up(tests)
        return self.steps


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    start = load_start()
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    venv = tmp_path / ".venv"
    paths = {"ROOT": tmp_path, "VENV": venv, "LOCK": venv / start.LOCK.name, "STAMP": venv / start.STAMP.name}
    for name, path in (paths | {"PYTHON": venv / "bin" / "python"}).items():
        monkeypatch.setattr(start, name, path)
    made = Setup(start, tmp_path)
    monkeypatch.setattr(start, "run", made.run)
    return made


def load_start() -> Any:
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EVERYTHING = ["venv", "build tool", "."]


def test_a_cold_start_takes_every_step_and_a_warm_one_none(setup: Setup) -> None:
    assert setup.steps_of() == EVERYTHING
    assert setup.steps_of() == []


def test_an_update_that_failed_starts_again_from_nothing(setup: Setup) -> None:
    setup.steps_of()
    (setup.root / ".venv" / "left over").mkdir()
    (setup.root / "requirements.lock").write_text("newer")
    setup.fail_at = "."
    with pytest.raises(SystemExit):
        setup.steps_of()
    setup.fail_at = None
    assert setup.steps_of() == EVERYTHING
    assert not (setup.root / ".venv" / "left over").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_change_in_what_is_needed_updates_the_environment(setup: Setup, name: str) -> None:
    setup.steps_of()
    (setup.root / name).write_text("changed")
    assert setup.steps_of() == ["build tool", "."]
    assert setup.steps_of() == []


def test_the_test_tools_are_added_once_and_do_not_go_again(setup: Setup) -> None:
    setup.steps_of()
    assert setup.steps_of(tests=True) == ["build tool", ".[test]"]
    assert setup.steps_of(tests=True) == []
    assert setup.steps_of() == []
    (setup.root / "requirements.lock").write_text("newer")
    assert setup.steps_of() == ["build tool", ".[test]"]


def test_another_python_or_a_moved_folder_starts_again(setup: Setup) -> None:
    for key in ("python", "folder"):
        setup.steps_of()
        stamp = json.loads(setup.start.STAMP.read_text())
        setup.start.STAMP.write_text(json.dumps(stamp | {key: "another"}))
        assert setup.steps_of() == EVERYTHING
    setup.start.PYTHON.unlink()  # the system's Python was removed
    assert setup.steps_of() == EVERYTHING


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}"])
def test_a_damaged_stamp_starts_again(setup: Setup, damage: str) -> None:
    setup.steps_of()
    setup.start.STAMP.write_text(damage)
    assert setup.steps_of() == EVERYTHING


def test_an_environment_of_the_users_is_left_alone(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    (setup.root / ".venv").mkdir()
    (setup.root / ".venv" / "mine").touch()
    with pytest.raises(SystemExit):
        setup.steps_of()
    assert "was not made by start.py" in capsys.readouterr().err
    assert [path.name for path in (setup.root / ".venv").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["plain", 'Élodie\'s "cours" 100%', "a\nb"])
@pytest.mark.parametrize("version", [(3, 11), (3, 13)])
def test_an_environment_finds_its_clone_whatever_letters_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: tuple[int, int]
) -> None:
    start = load_start()
    root = tmp_path / name
    packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "another.pth").write_text("/somewhere/else\n")
    file = packages / "_bptt_lessons.pth"
    file.write_text(str(root), encoding="utf-8")  # as hatchling does
    monkeypatch.setattr(start, "ROOT", root)
    monkeypatch.setattr(start, "VENV", root / ".venv")
    monkeypatch.setattr(start.sys, "version_info", (*version, 0))
    start.write_path_in_ascii()
    monkeypatch.undo()
    rewritten = file.read_bytes() != str(root).encode()
    assert rewritten == (name == "a\nb" or (name != "plain" and version < (3, 13)))
    assert (packages / "another.pth").read_text() == "/somewhere/else\n"
    if rewritten:
        assert file.read_bytes().isascii()
        code = "import site, sys; site.addsitedir(sys.argv[1]); print(ascii(sys.path))"
        command = [sys.executable, "-IS", "-c", code, str(packages)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert str(root) in ast.literal_eval(result.stdout)


def test_an_old_python_can_read_start_and_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ast.parse(read("start.py"), feature_version=(3, 6))
    start = load_start()
    monkeypatch.setattr(start, "OLDEST", (99,))
    with pytest.raises(SystemExit):
        start.check_python()
    assert "needs Python 3.11 or newer, and this is Python 3." in capsys.readouterr().err


# what is installed


def names_in(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}


def test_the_lock_pins_every_requirement_and_nothing_but_versions() -> None:
    line = re.compile(r"[a-z0-9._-]+==[0-9][\w.]*( ; .+)?")
    assert [text for text in LOCKED if not line.fullmatch(text)] == []
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]
    assert names_in(wanted + PROJECT["build-system"]["requires"]) <= names_in(LOCKED)
    names = [text.split("==")[0] for text in LOCKED]
    assert names == sorted(set(names)), "one version of each, for every Python"


# In two parts, so that this file does not name them.
REGISTRIES = [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "com"), ("npmjs", "org"), ("debian", "org")]
REGISTRIES += [("anaconda", "org"), ("anaconda", "com"), ("prefix", "dev"), ("crates", "io"), ("jsdelivr", "net")]


def registries_in(content: bytes) -> list[str]:
    return [".".join(host) for host in REGISTRIES if ".".join(host).encode() in content.lower()]


def test_no_file_names_the_host_of_a_registry() -> None:
    files = tracked()
    if not files:
        pytest.skip("not in a git repository")
    assert registries_in(b"https://files.Python" + b"Hosted.org/x") == [".".join(REGISTRIES[1])]
    found = {str(path.relative_to(ROOT)): registries_in(path.read_bytes()) for path in files}
    assert {name: hosts for name, hosts in found.items() if hosts} == {}


def test_the_wheel_holds_the_lessons_the_data_and_the_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    lessons = {f"bptt_lessons/notebooks/{path.name}" for path in ROOT.glob("notebooks/[0-9][0-9]_*.ipynb")}
    package = ROOT / "bptt_lessons"
    modules = {path.relative_to(ROOT).as_posix() for suffix in ("py", "json") for path in package.rglob(f"*.{suffix}")}
    assert lessons
    assert lessons | modules | {"bptt_lessons/tasks/sunspots.txt", "bptt_lessons/py.typed"} <= names
    top = {name.split("/")[0] for name in names}
    assert top == {"bptt_lessons", f"bptt_lessons-{bptt_lessons.__version__}.dist-info"}
    assert not [name for name in names if ".ipynb_checkpoints" in name or name.endswith(".pyc")]


# files that must agree


def test_version_and_licence_agree() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == bptt_lessons.__version__
    assert f"## {bptt_lessons.__version__}" in read("CHANGELOG.md")
    assert citation["license"] == PROJECT["project"]["license"] == "MIT"
    assert read("LICENSE").startswith("MIT License")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_pages_link_to_what_exists(name: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", read(name))
    assert [link for link in links if not (ROOT / link).exists()] == []
