"""The command line: what each command does and says, and what JupyterLab is started with."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bptt_lessons.course import cli, doctor, kernels, learner_folder, progress
from bptt_lessons.course.doctor import Check

LESSONS = ("00_start_here.ipynb", "01_unrolling.ipynb")


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in LESSONS:
        (folder / name).write_text(name)
    monkeypatch.setattr(learner_folder, "shipped_folder", lambda: folder)
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)
    return folder


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collect what JupyterLab would be started with; no server is seen to run."""
    calls: list[list[str]] = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", lambda argv: calls.append(argv))
    monkeypatch.setattr("jupyter_server.serverapp.list_running_servers", list)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    for name in ("BPTT_LESSONS_HOME", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # so that what a command sets is undone after the test
    return calls


def test_copy_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "ü my folder"
    assert cli.main(["copy", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Your lessons are in {folder}",
        "  copied: 00_start_here.ipynb",
        "  copied: 01_unrolling.ipynb",
    ]
    assert cli.main(["copy", str(folder)]) == 0
    assert "Nothing to copy" in capsys.readouterr().out


def test_copy_tells_of_a_new_version(tmp_path: Path, shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["copy", str(tmp_path / "mine")])
    (shipped / LESSONS[1]).write_text("changed")
    cli.main(["copy", str(tmp_path / "mine")])
    assert "  new version, beside yours: 01_unrolling (version " in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_a_message_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for command in ("copy", "open"):
        assert cli.main([command, str(tmp_path / "file" / "mine")]) == 1
        error = capsys.readouterr().err
        assert str(tmp_path / "file") in error
        assert "choose another" in error


def test_the_shipped_folder_is_refused_with_a_message(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["copy", str(shipped)]) == 1
    assert "expected another one" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["open"], [], ["--no-browser"], ["open", "--no-browser"]])
def test_open_prepares_the_usual_folder_and_serves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launched: list[list[str]], words: list[str]
) -> None:
    monkeypatch.setattr(learner_folder, "default_folder", lambda: tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 0
    assert (tmp_path / "mine" / LESSONS[0]).exists()
    [arguments] = launched
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in arguments
    assert "--LabApp.default_url=/lab/workspaces/bptt-lessons/tree/00_start_here.ipynb" in arguments
    assert "--LabApp.news_url=None" in arguments
    assert ("--no-browser" in arguments) == ("--no-browser" in words)
    assert cli.os.environ["BPTT_LESSONS_HOME"] == str(tmp_path / "mine")
    assert "MPLBACKEND" not in cli.os.environ
    from jupyterlab_server.config import get_page_config

    assert "@jupyterlab/apputils-extension:announcements" in get_page_config([])["disabledExtensions"]


def test_the_users_own_configuration_is_still_found() -> None:
    assert cli.config_path("mine").endswith(f"jupyter_config{cli.os.pathsep}mine")
    assert Path(cli.config_path(None), "labconfig", "page_config.json").is_file()


@pytest.mark.parametrize(
    ("words", "folder", "browser", "extra"),
    [
        (["mine", "--port", "8899"], "mine", True, ["--port", "8899"]),
        (["--no-browser", "mine", "--ip=0.0.0.0"], "mine", False, ["--ip=0.0.0.0"]),
        (["--port=1", "--no-browser"], "usual", False, ["--port=1"]),
        ([], "usual", True, []),
    ],
)
def test_what_follows_open_goes_to_jupyterlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], folder: str, browser: bool, extra: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(learner_folder, "default_folder", lambda: tmp_path / "usual")
    assert cli.split_open(words) == (tmp_path / folder, browser, extra)


def test_jupyterlab_knows_every_option_that_it_is_started_with(tmp_path: Path) -> None:
    """A misspelt option would only be warned of: here each class must have the trait."""
    import jupyter_server.serverapp
    import jupyterlab.labapp

    classes = {"LabApp": jupyterlab.labapp.LabApp, "ServerApp": jupyter_server.serverapp.ServerApp}
    options = [option for option in cli.jupyter_arguments(tmp_path, browser=True) if "=" in option]
    assert len(options) == 6
    for option in options:
        name, trait = option.removeprefix("--").split("=")[0].split(".")
        assert classes[name].class_traits(config=True).get(trait), option


def test_root_is_allowed_only_where_one_is_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for user, allowed in ((0, True), (1000, False)):
        monkeypatch.setattr("os.geteuid", lambda user=user: user, raising=False)
        assert ("--allow-root" in cli.jupyter_arguments(tmp_path, browser=False)) == allowed


def test_a_stray_kernel_of_the_users_does_not_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = tmp_path / "kernels" / "python3"
    stray.mkdir(parents=True)
    (stray / "kernel.json").write_text(json.dumps({"argv": ["stray"], "display_name": "Stray", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    from jupyter_client.kernelspec import KernelSpecManager

    assert KernelSpecManager().get_kernel_spec("python3").argv == ["stray"]  # what would happen otherwise
    assert kernels.ThisPython().get_kernel_spec("python3").argv[0] == sys.executable
    assert list(kernels.ThisPython().get_all_specs()) == ["python3"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[dict[str, object]]:
    """Answer as a Jupyter server's status does, to those who know the token."""

    class Status(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/api/status" and self.headers["Authorization"] == "token secret"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(b'{"started": "now"}')

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Status) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{httpd.server_port}/"
        yield {"url": url, "token": "secret", "root_dir": str(tmp_path / "mine")}
        httpd.shutdown()
        thread.join()


def test_a_course_that_is_open_already_is_opened_again_not_served_twice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    launched: list[list[str]],
    server: dict[str, object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("jupyter_server.serverapp.list_running_servers", lambda: [server])
    url = f"{server['url']}lab/workspaces/bptt-lessons/tree/00_start_here.ipynb?token=secret"
    assert cli.main(["open", str(tmp_path / "mine")]) == 0
    assert opened == [url]
    assert f"The course is open already: {url}" in capsys.readouterr().out
    assert launched == []
    assert cli.main(["open", str(tmp_path / "another")]) == 0
    assert len(launched) == 1


def test_a_server_that_does_not_answer_is_not_counted(tmp_path: Path) -> None:
    dead = {"url": "http://127.0.0.1:9/", "token": "", "root_dir": str(tmp_path)}
    assert cli.running_on(tmp_path, [dead]) is None


def test_doctor_prints_a_line_for_each_check_and_fails_if_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [Check("One", detail="1.0"), Check("Two", "it is broken", "mend it")]
    monkeypatch.setattr(doctor, "all_checks", lambda folder: checks)
    assert cli.main(["doctor", str(tmp_path)]) == 1
    lines = ["One: ok (1.0)", "Two: problem: it is broken. To mend it: mend it", "Problems found: 1."]
    assert capsys.readouterr().out.splitlines() == lines
    checks.pop()
    assert cli.main(["doctor", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("All is well.\n")


def test_progress_and_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exercises = {"rnn.step": "01_unrolling"}
    monkeypatch.setattr(progress, "exercises_in_order", lambda: exercises)
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert cli.main(["progress", str(tmp_path)]) == 0
    assert [f"In {tmp_path}:", "01_unrolling: 1 of 1 solved", "  rnn.step: solved"] == (
        capsys.readouterr().out.splitlines()[:3]
    )
    assert cli.main(["progress", str(tmp_path / "elsewhere")]) == 1
    assert f"There are no lessons in {tmp_path / 'elsewhere'} yet." in capsys.readouterr().err

    for answer in ("", "no", "yesterday"):
        monkeypatch.setattr("builtins.input", lambda prompt, answer=answer: answer)
        assert cli.main(["reset", str(tmp_path)]) == 1
        assert len(progress.read(tmp_path)) == 1
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    assert cli.main(["reset", str(tmp_path)]) == 0
    assert progress.read(tmp_path) == []
    assert len(list(tmp_path.glob("progress-until-*.jsonl"))) == 1
    assert cli.main(["reset", str(tmp_path)]) == 0
    assert "nothing to reset" in capsys.readouterr().out

    progress.record("01_unrolling", "rnn.step", "wrong", None, folder=tmp_path)
    assert cli.main(["reset", "--yes", str(tmp_path)]) == 0
    assert progress.read(tmp_path) == []


def test_reset_without_anybody_to_ask_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)

    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert cli.main(["reset", str(tmp_path)]) == 1
    assert len(progress.read(tmp_path)) == 1


def test_folders_are_found_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.lessons_folder("mine") == tmp_path / "mine"
    assert cli.lessons_folder(None) == learner_folder.default_folder()
    (tmp_path / ".bptt-lessons").mkdir()
    assert cli.lessons_folder(None) == tmp_path
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path / "home"))
    assert cli.progress_folder(None) == tmp_path / "home"
    assert cli.progress_folder("mine") == tmp_path / "mine"


@pytest.mark.parametrize(("prefix", "program"), [("clone/.venv", "python start.py"), ("elsewhere", "bptt-lessons")])
def test_a_command_is_named_as_it_is_typed_here(prefix: str, program: str, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / prefix))
    monkeypatch.setattr(cli.learner_folder, "clone", lambda: tmp_path / "clone")
    assert cli.typed("share --stop") == f"{program} share --stop"
    monkeypatch.setattr(cli.learner_folder, "clone", lambda: None)
    assert cli.typed("share --stop") == "bptt-lessons share --stop"
