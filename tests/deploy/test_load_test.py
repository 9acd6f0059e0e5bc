"""The load test without a hub: what its learners do is what it claims, and what it writes down is right."""

from __future__ import annotations

import importlib
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bptt_lessons.course import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "load_test"
MODULES = ("cgroups", "environment", "learner_limits", "report", "script")  # those that need nothing of the hub
LESSONS = (
    "01_unrolling_a_recurrent_network",
    "02_backpropagation_through_time",
    "03_gradient_flow",
    "04_memory_and_checkpointing",
    "05_truncated_bptt",
    "06_the_lstm",
)

each_lesson = pytest.mark.parametrize("lesson", LESSONS)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The load test's modules, as they import one another."""
    monkeypatch.syspath_prepend(str(FOLDER))
    found = {}
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
        found[name] = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, found[name])  # taken out again afterwards
    return SimpleNamespace(**found)


def notebook(load: Any, lesson: str) -> dict[str, Any]:
    found: dict[str, Any] = load.script.read(ROOT / "notebooks" / f"{lesson}.ipynb")
    return found


def names_of(load: Any, found: dict[str, Any]) -> dict[str, Any]:
    """What a learner's kernel knows after the imports cell."""
    names: dict[str, Any] = {}
    exec(load.script.source(found["cells"][load.script.imports_cell(found)]), names)
    return names


def test_its_lessons_are_there(load: Any) -> None:
    assert load.script.LESSONS == LESSONS
    assert all((ROOT / "notebooks" / f"{lesson}.ipynb").is_file() for lesson in LESSONS)


@each_lesson
def test_all_that_a_lesson_asks_is_done(load: Any, lesson: str) -> None:
    script, found = load.script, notebook(load, lesson)
    pace = script.Pace(wrong=1, hint=1, given_up=0)
    actions = list(script.lesson(found, random.Random(1), pace, whole=True))
    asked = [name for name, exercise in EXERCISES.items() if exercise.lesson == lesson]
    answers = [action for action in actions if isinstance(action, script.Answer)]
    assert [a.exercise for a in answers if a.misconception is None] == asked
    assert [a.exercise for a in answers if a.misconception] == [name for name in asked for _ in range(2)]
    assert sum(isinstance(action, script.Hint) for action in actions) == 2 * len(asked)
    assert {a.cell for a in actions if isinstance(a, script.Run)} == set(script.code_cells(found))
    moved = {action.cell for action in actions if isinstance(action, script.Move)}
    shown = [script.source(found["cells"][n]).strip().splitlines()[-1] for n in script.code_cells(found)]
    assert len(moved) == sum(line.startswith("widgets.") for line in shown) >= 1
    assert isinstance(actions[-1], script.Save | script.Move)


@each_lesson
def test_answers_are_right_and_wrong_as_claimed(load: Any, lesson: str) -> None:
    script, found = load.script, notebook(load, lesson)
    pace = script.Pace(wrong=1, given_up=0)
    for action in script.lesson(found, random.Random(7), pace, whole=False):
        if isinstance(action, script.Answer):
            names = names_of(load, found)
            exec(action.source, names)
            report = EXERCISES[action.exercise].grade(names[EXERCISES[action.exercise].learner_name])
            assert report.misconception == action.misconception
            assert (report.status == "correct") == (action.misconception is None)
            if action.misconception:
                assert " ".join(action.sentence.split()) in " ".join(str(report).split())


def test_most_wrong_answers_are_typed_and_none_gives_its_diagnosis_away(load: Any) -> None:
    script, typed, whole = load.script, 0, 0
    for name in (name for name, exercise in EXERCISES.items() if exercise.lesson in LESSONS):
        names = script.imported(notebook(load, EXERCISES[name].lesson))
        for mistake in EXERCISES[name].misconceptions:
            source = script.wrong(name, mistake, names)
            whole += 1
            if "from bptt_lessons.course import EXERCISES" not in source:
                typed += 1
                assert source.startswith(f"def {EXERCISES[name].learner_name}(")
                assert EXERCISES[name].misconceptions[mistake].sentence not in source
    assert typed > whole / 2


def test_the_same_seed_gives_the_same_learner_and_another_one_another(load: Any) -> None:
    script, found = load.script, notebook(load, LESSONS[-1])

    def actions(seed: int) -> list[Any]:
        return list(script.lesson(found, random.Random(seed), script.Pace(), whole=True))

    assert actions(3) == actions(3) != actions(4)


@each_lesson
def test_the_field_that_is_moved_is_in_the_figure_and_gives_another_picture(load: Any, lesson: str) -> None:
    script, found = load.script, notebook(load, lesson)
    names = names_of(load, found)
    from bptt_lessons.views.frame import Interactive

    for number in script.code_cells(found):
        if field := script.field_of(found["cells"][number]):
            *before, last = script.source(found["cells"][number]).strip().splitlines()
            exec("\n".join(before), names)
            figure = eval(last, names)
            assert isinstance(figure, Interactive)
            control = figure.controls[field]
            for by in (control.step or 1, -(control.step or 1)):
                picture, value = figure.picture.value, control.value
                if getattr(control, "min", -1e9) <= value + by <= getattr(control, "max", 1e9):
                    control.value = value + by
                    assert figure.picture.value != picture


def test_percentiles_are_values_that_were_measured(load: Any) -> None:
    report = load.report
    assert report.spread([5.0, 1.0, 3.0, 2.0, 4.0]) == (5, 3.0, 5.0, 5.0, 5.0)
    hundred = [float(n) for n in range(1, 101)]
    assert report.spread(hundred) == (100, 50.0, 95.0, 99.0, 100.0)
    assert report.spread([0.25]) == (1, 0.25, 0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="values is empty"):
        report.percentile([], 0.5)
    with pytest.raises(ValueError, match="share is 0"):
        report.percentile([1.0], 0)


def test_samples_are_put_together_by_what_they_were(load: Any) -> None:
    samples = [SimpleNamespace(kind="cell", lesson="01", seconds=float(s)) for s in (1, 2, 3)]
    samples.append(SimpleNamespace(kind="check", lesson="01", seconds=9.0))
    found = load.report.spreads(samples, "lesson", "kind")
    assert found["01", "cell"].median == 2.0
    assert found["01", "check"].n == 1


@pytest.mark.parametrize(
    ("slowest", "said"),
    [
        ((0.1, 0.2, 0.9), "at least 15 learners per core"),
        ((0.1, 0.2, 1.0), "10 learners per core"),
        ((0.1, 2.0, 0.2), "0.5 learners per core"),
        ((1.5, 0.2, 0.2), "Even the fewest"),
    ],
)
def test_the_rule_of_thumb_stops_at_the_first_number_that_is_too_slow(
    load: Any, slowest: tuple[float, ...], said: str
) -> None:
    paces = [{"learners": n, "all": {"p95": p}} for n, p in zip((1, 20, 30), slowest, strict=True)]
    assert said in load.report.rule_of_thumb(paces, cores=2)


def made_up() -> dict[str, Any]:
    spread = {"n": 3, "median": 0.1, "p95": 0.25, "p99": 0.3, "most": 12.0}
    part = {"all": spread, "kinds": {"check": spread}, "processor": 0.5, "errors": 0}
    return {
        "machine": "A machine", "versions": "Versions", "commit": "abc", "when": "today", "seed": 1, "learners": 2,
        "minutes": 1.0, "cores": 2, "stagger": 8.0, "think": 4.0, "counts": {"moves": 6}, "rule": "So many.",
        "limits": {"memory": 2**30, "cpu": 1.0, "processes": 9, "source": "a file"}, "kept_by": "kept by nobody",
        "waits": {"spawn": spread}, "lessons": {LESSONS[0]: {"cell": spread}}, "paces": [{"learners": 2, **part}],
        "memory": {"hub, resident": [2.0**27]}, "memory_note": "", "windows": {"during": part},
        "processor": [{"phase": "p", "seconds": 1.0, "processor": 0.5, "learners": 0.3, "hub": 0.1, "simulation": 0.1}],
        "culprits": {"a loop": ["it was stopped"]}, "left_out": [], "troubles": [], "lost": 0,
    }  # fmt: skip


def test_the_page_says_what_was_found(load: Any) -> None:
    found = made_up()
    assert json.loads(json.dumps(found)) == found
    page = load.report.page(found)
    assert "Met: **yes**" in page
    assert "| 01 | a cell | 3 | 0.100 | 0.250 | 0.300 | 12 |" in page
    assert "| hub, resident | 128 | 128 | 128 | 1 |" in page
    assert "- **a loop**: it was stopped." in page
    widths = [{line.count("|") for line in part.splitlines()} for part in page.split("\n\n") if part.startswith("|")]
    assert widths
    assert all(len(width) == 1 for width in widths)


def test_an_error_and_a_loss_stand_on_the_page(load: Any) -> None:
    found = made_up() | {"troubles": [{"phase": "p", "learner": "learner-01", "what": "an error"}], "lost": 1}
    page = load.report.page(found)
    assert "Met: **NO** (1 errors; 1 learners with something lost)" in page
    assert "- p, learner-01: an error" in page


def test_limits_are_those_of_the_hosting_files(load: Any, tmp_path: Path) -> None:
    limits = load.learner_limits
    file = tmp_path / "limits.json"
    assert limits.read(file) == limits.Limits()
    file.write_text('{"memory_limit_mib": 768, "cpu_limit": 0.5, "more": 1}')
    assert limits.read(file)[:2] == (768 * 2**20, 0.5)
    assert limits.read().memory >= 2**28


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_is_given_its_limits(load: Any, tmp_path: Path, version: int) -> None:
    cgroups = load.cgroups
    if version == 1:
        for controller in ("memory", "cpu", "pids", "cpuacct"):
            (tmp_path / controller).mkdir()
    else:
        (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids")
    tree = cgroups.find("ours", tmp_path)
    assert tree.version == version
    group = tree.group("ada")
    group.make(load.learner_limits.Limits(2**29, 0.5, 100))
    first, second = tmp_path / "memory/ours/ada/memory.limit_in_bytes", tmp_path / "ours/ada/memory.max"
    assert int((first if version == 1 else second).read_text()) == 2**29
    cpu = tmp_path / ("cpu/ours/ada/cpu.cfs_quota_us" if version == 1 else "ours/ada/cpu.max")
    assert cpu.read_text().split()[0] == "50000"
    assert len(group.files()) == (4 if version == 1 else 1)
    assert group.processes() == []


def test_without_controllers_there_are_no_groups(load: Any, tmp_path: Path) -> None:
    assert load.cgroups.find("ours", tmp_path) is None
    (tmp_path / "cgroup.controllers").write_text("")
    assert load.cgroups.find("ours", tmp_path) is None
    assert not (tmp_path / "ours").exists()


def test_the_hub_listens_on_loopback_alone(load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "url": "http://127.0.0.1:8000", "hub_port": 8081, "proxy_port": 8001, "folder": str(tmp_path),
        "password": "a long password", "proxy": ["proxy"], "limits": [2**30, 1.0, 512, "here"], "tree": None,
    }  # fmt: skip
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings))
    monkeypatch.setenv("BPTT_LOAD_SETTINGS", str(file))
    path = FOLDER / "jupyterhub_config.py"

    class Section(SimpleNamespace):
        def __getattr__(self, name: str) -> Section:
            setattr(self, name, Section())
            found: Section = getattr(self, name)
            return found

    c = Section()
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"get_config": lambda: c, "__file__": str(path)})
    sys.path.remove(str(FOLDER))  # which the file put there for the hub
    assert c.JupyterHub.bind_url.startswith("http://127.0.0.1:")
    assert c.JupyterHub.hub_ip == "127.0.0.1"
    assert c.ConfigurableHTTPProxy.api_url.startswith("http://127.0.0.1:")
    assert c.Spawner.mem_limit == 2**30
    assert c.LimitedSpawner.tree is None


def test_the_page_files_belong_to_the_pinned_jupyterlab() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    browser = (FOLDER / "browser.py").read_text(encoding="utf-8")
    version = next(line.split("==")[1].split()[0] for line in lock.splitlines() if line.startswith("jupyterlab=="))
    assert f"JupyterLab {version} " in browser, "record page_files.txt and the requests anew, as README.md says"
    files = (FOLDER / "page_files.txt").read_text(encoding="utf-8").split()
    assert len(files) == len(set(files)) > 50
    assert all(file.startswith(("static/", "lab/extensions/")) for file in files)


@pytest.mark.parametrize("options", [["--help"], ["--learners", "0"], ["--minutes", "none"]])
def test_the_command_says_how_it_is_used(options: list[str]) -> None:
    command = [sys.executable, str(FOLDER), *options]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == (0 if options == ["--help"] else 2)
    assert "--learners" in result.stdout + result.stderr


def test_the_sentence_about_the_results_says_what_they_say() -> None:
    """It stands in ``deploy/README.md``; whoever renews the results renews it, or this fails."""
    sentence = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert "Thirty simulated learners worked on a real hub" in sentence
    found = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    assert found["learners"] == found["paces"][-1]["learners"] == 30
    assert "95 of 100 waited less than 0.06 s, and less than 0.1 s while six others had accidents" in sentence
    assert found["paces"][-1]["all"]["p95"] < 0.06
    assert found["windows"]["during"]["all"]["p95"] < 0.1
    assert len(found["culprits"]) == 6
    assert "half a minute each to start, a minute at most" in sentence
    assert 25 < found["waits"]["spawn"]["median"] < 36
    assert found["waits"]["spawn"]["most"] < 62
    assert "a quarter of an hour" in sentence
    assert 12 * 60 < found["processor"][0]["seconds"] < 16 * 60
    assert found["lost"] == 0
    assert not [trouble for trouble in found["troubles"] if trouble["learner"].startswith("learner-")]
