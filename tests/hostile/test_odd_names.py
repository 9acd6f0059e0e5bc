"""Folders whose names hold spaces, quotes, accents, percent signs and worse: everything works in them."""

from __future__ import annotations

import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import cli, learner_folder, progress

ROOT = Path(__file__).resolve().parents[2]
WORST = '-Élodie\'s "cours" `1` 100% %s #1?;$HOME\ne\N{COMBINING ACUTE ACCENT} обучение'
NAMES = {
    "everything at once": WORST,
    "spaces": " two  spaces ",
    "a leading dash": "--help",
    "beyond the first plane": "\N{MATHEMATICAL BOLD CAPITAL L} 学习",
    "signs of shells and addresses": "a#b?c&d;$HOME {e} [f] ~ 100%20",
    "a backslash": "a\\b",
}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="such names are not allowed everywhere")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_copy_progress_and_reset(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "00_start_here.ipynb").write_text("a lesson")
    monkeypatch.setattr(learner_folder, "shipped_folder", lambda: shipped)
    monkeypatch.setenv("HOME", str(tmp_path / NAMES[name]))
    folder = tmp_path / NAMES[name] / "my lessons"
    assert cli.main(["copy", "~/my lessons"]) == 0
    assert (folder / "00_start_here.ipynb").read_text() == "a lesson"
    monkeypatch.setenv("BPTT_LESSONS_HOME", "~/my lessons")
    progress.record("00_start_here", "activations.sigmoid", "correct", None)
    assert cli.main(["progress"]) == 0
    assert cli.main(["reset", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "activations.sigmoid: solved" in out
    assert f"The record of before is now {folder}/progress-until-" in out


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def opened(folder: Path, home: Path) -> Iterator[str]:
    """Run ``bptt-lessons open FOLDER --no-browser``; give the address that it prints, once it is printed."""
    home.mkdir(parents=True)
    ours = {"HOME": str(home), "IPYTHONDIR": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "TZ": "UTC"}
    command = [sys.executable, "-m", "bptt_lessons", "open", str(folder), "--no-browser", f"--port={free_port()}"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    lines: queue.Queue[str] = queue.Queue()
    with subprocess.Popen(command, text=True, env=os.environ | ours, cwd=ROOT, start_new_session=True, **pipes) as lab:

        def read() -> None:
            for line in lab.stdout or ():
                lines.put(line)
            lines.put("")

        reader = threading.Thread(target=read)
        reader.start()
        said = []
        try:
            while True:
                said.append(lines.get(timeout=90))
                assert said[-1], "it ended: " + "".join(said)
                if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+", said[-1]):
                    break
            yield found.group()
        finally:
            lab.kill()
            reader.join()


def fetch(url: str) -> tuple[str, bytes]:
    """Return the address that answers in the end, and what it answers; it is printed before anybody listens."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    end = time.monotonic() + 60
    while True:
        try:
            with direct.open(url, timeout=30) as response:
                return response.url, response.read()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.long
def test_open_serves_such_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / WORST
    with opened(folder, tmp_path / f"{WORST} home") as url:
        server, token = url.partition("/lab")[0], url.rpartition("token=")[2]
        address, page = fetch(url)
        assert "/tree/00_start_here.ipynb" in address
        assert b"jupyter-config-data" in page
        _, content = fetch(f"{server}/api/contents/00_start_here.ipynb?token={token}")
        assert json.loads(content)["content"]["cells"]
        with pytest.MonkeyPatch.context() as patch:  # a second time it is found open, not served again
            patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / f"{WORST} home" / "runtime"))
            from jupyter_server.serverapp import list_running_servers

            assert cli.running_on(folder, list_running_servers())
    assert (folder / "00_start_here.ipynb").is_file()
