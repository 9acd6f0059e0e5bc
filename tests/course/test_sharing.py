"""Sharing: nothing without a yes, exactly what was shown, no more after a stop; and no check is ever disturbed."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import EXERCISES, check, cli, consent, progress, pseudonym, share, sharing
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.locking import locked

Attempt = Callable[[bool], str]  # checks a right or a wrong function; returns what is shown
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(autouse=True)
def a_new_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sharing.VARIABLE, raising=False)
    monkeypatch.setattr(sharing.Kernel, "reported", False)
    monkeypatch.setattr(sharing.Kernel, "waiting", None)
    monkeypatch.setattr(consent, "_offers", {})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder with a result in it."""
    folder = tmp_path / "my lessons é"
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(folder))
    progress.record("00_start_here", "activations.sigmoid", "wrong", "no-return")
    return folder


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """The folder of the class."""
    folder = tmp_path / "the class"
    folder.mkdir()
    return folder


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Attempt:
    """Give a function that checks a right or a wrong function in a notebook, and returns what is shown."""

    def attempt(right: bool) -> str:
        solution = EXERCISES["activations.sigmoid"].solution
        monkeypatch.setitem(globals(), "my_activations_sigmoid", solution if right else (lambda z: z))
        given = check("activations.sigmoid")
        assert isinstance(given, LearnerFunction) == right
        shown = capsys.readouterr().out
        assert ("correct, in all" in shown) == right
        return shown

    return attempt


def record_of(home: Path) -> str:
    return (home / progress.FILE).read_text()


# --- nothing without a yes ---------------------------------------------------------------------------------


def test_a_folder_named_in_the_environment_makes_nothing_happen(
    home: Path, room: Path, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sharing.VARIABLE, str(room))
    before = {path.name for path in home.iterdir()}
    assert "share" not in attempt(True) + attempt(False)
    assert [*room.iterdir()] == []
    assert {path.name for path in home.iterdir()} == before


@pytest.mark.parametrize("answer", [None, "", "yesterday"])
def test_anything_but_yes_is_no(
    answer: str | None,
    home: Path,
    room: Path,
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def asked(question: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    assert cli.main(["share", str(room), "--as", "anna"]) == 1
    assert capsys.readouterr().out.endswith("nothing is shared.\n")
    attempt(True)
    assert [*room.iterdir()] == []
    assert not [*home.glob("*sharing*.json")]


def test_in_a_notebook_yes_counts_only_after_it_was_shown(
    home: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    share(room, name="anna", yes=True)
    assert "Nothing is shared yet." in capsys.readouterr().out
    share(room, name="another", yes=True)
    word = word_in(capsys.readouterr().out)
    share(room, name="anna", yes=word)
    assert [*room.iterdir()] == []
    word = word_in(capsys.readouterr().out)
    for wrong in (True, 1, "", "yes", word.upper(), [word]):
        share(room, name="anna", yes=wrong)
        assert [*room.iterdir()] == []
    share(room, yes=word_in(capsys.readouterr().out.split("Nothing is shared yet.")[-1]))
    assert [path.name for path in room.iterdir()] == ["anna.jsonl"]


def word_in(shown: str) -> str:
    """Return the word that says yes to what was shown."""
    found = re.search(r"To say yes: `share\(.*yes='(\w+)'\)`", shown)
    assert found is not None
    return found[1]


def test_a_cell_that_is_run_again_says_nothing_for_the_learner(
    home: Path, room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = iter(["owl", "yew", "elm", "ash"])
    monkeypatch.setattr(consent.secrets, "choice", lambda choices: next(words))
    cells: list[dict[str, Any]] = [{"name": "anna"}, {"name": "anna", "yes": "owl"}]
    monkeypatch.setattr("builtins.input", lambda question: "no")
    for cell in cells:
        share(room, **cell)
    assert (room / "anna.jsonl").exists()
    assert cli.main(["share", "--stop"]) == 0  # in a terminal; or the notebook was copied to somebody else
    shared = (room / "anna.jsonl").read_bytes()
    progress.record("00_start_here", "activations.sigmoid", "correct", None)
    for cell in cells:
        share(room, **cell)
    assert sharing.current_agreement(home) is None
    assert (room / "anna.jsonl").read_bytes() == shared


def test_no_lesson_shares_anything() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert not re.search(r"\bshare\(|\bimport\b.*\bshar(e|ing)\b|BPTT_LESSONS_CLASS", code), path.name


# --- what was shown, and nothing else ----------------------------------------------------------------------


def test_exactly_what_was_shown_is_shared_and_later_results_too(
    home: Path, room: Path, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda question: "yes")
    assert cli.main(["share", str(room), "--as", "anna"]) == 0
    shown = capsys.readouterr().out
    file = room / "anna.jsonl"
    assert record_of(home) in shown
    assert f"Your file there: {file}\n" in shown
    assert "Your name there: anna\n" in shown
    assert "Who can read it there: everyone who can open that folder" in shown
    assert f"kept in {home / progress.FILE}." in shown
    assert "belongs to your account" in shown
    assert file.read_text() == record_of(home)
    assert "share" not in attempt(True)
    assert file.read_text() == record_of(home)
    assert file.read_text().count("\n") == 2
    assert {path.name for path in room.iterdir()} == {"anna.jsonl"}
    assert cli.main(["share"]) == 0
    assert f"(2 so far), as anna.\nYour file there: {file}\n" in capsys.readouterr().out
    assert cli.main(["share", str(room), "--as", "bert"]) == 0  # says what is shared, and changes nothing
    assert {path.name for path in room.iterdir()} == {"anna.jsonl"}


def test_nothing_that_is_no_result_is_shared(home: Path, room: Path) -> None:
    entry = json.loads(record_of(home))
    with (home / progress.FILE).open("a", encoding="utf-8") as file:
        file.write("def my_code(): secret\n")
        file.write(json.dumps({"note": "secret"}) + "\n")
        file.write(json.dumps(entry | {"status": "correct", "code": "secret"}) + "\n")
        file.write('{"version": 1, "secret')
    sharing.start(home, room, "anna")
    shared = (room / "anna.jsonl").read_text()
    assert "secret" not in shared
    assert [json.loads(line) for line in shared.splitlines()] == [entry, entry | {"status": "correct"}]


@pytest.mark.skipif(os.name != "posix", reason="looks at the rights of a file")
def test_whoever_can_get_at_the_folder_can_read_the_file(home: Path, room: Path) -> None:
    before = os.umask(0o077)
    try:
        sharing.start(home, room, "anna")
    finally:
        os.umask(before)
    assert (room / "anna.jsonl").stat().st_mode & 0o777 == 0o644


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "../x", "a\\b", ".hidden", "a.jsonl", "a\0b", "NUL", "Progress", "<b>", "\u202eabc", "a" * 41, None]
)
def test_a_name_that_is_not_safe_as_a_files_is_refused(name: Any, home: Path, room: Path) -> None:
    with pytest.raises(ValueError, match="name "):
        sharing.start(home, room, name)
    assert [*room.iterdir()] == []


def test_a_name_may_be_in_any_alphabet(room: Path) -> None:
    for name in ("anna", "Anna-Lena 2", "李雷", "Zoë"):
        assert pseudonym.safe_name(name) == name
    assert pseudonym.safe_name(" Zoe\u0308 ") == "Zoë"
    (room / "Zoe\u0308.jsonl").touch()
    assert pseudonym.is_taken(room, "zoë")
    assert not pseudonym.is_taken(room, "zoe")


@pytest.mark.parametrize("name", ["Anna.jsonl", "anna/progress.jsonl"])
def test_a_name_that_another_goes_by_is_refused(name: str, home: Path, room: Path) -> None:
    (room / name).parent.mkdir(exist_ok=True)
    (room / name).write_text("another's")
    with pytest.raises(ValueError, match="name is 'anna', which another learner goes by"):
        sharing.start(home, room, "anna")
    assert (room / name).read_text() == "another's"
    assert sharing.current_agreement(home) is None


def test_a_made_up_name_is_nobodys(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {pseudonym.made_up_name(room) for _ in range(50)}
    assert len(names) > 25
    assert all(pseudonym.safe_name(name) == name for name in names)
    monkeypatch.setattr(pseudonym, "COLOURS", ("red",))
    monkeypatch.setattr(pseudonym, "THINGS", ("owl",))
    (room / "Red-Owl.jsonl").touch()
    assert pseudonym.made_up_name(room).startswith("learner-")


@pytest.mark.parametrize("folder", ["", "nowhere", 3, "~nobody-of-that-name"])
def test_a_folder_that_is_not_there_is_refused_and_not_made(folder: Any, home: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder "):
        sharing.start(home, folder, "anna")
    assert not (tmp_path / "nowhere").exists()


# --- stop --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remove", [False, True])
def test_stopping_stops(
    remove: bool,
    home: Path,
    room: Path,
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sharing.start(home, room, "anna")
    shared = record_of(home)
    monkeypatch.setattr("builtins.input", lambda question: "yes" if remove else "no")
    assert cli.main(["share", "--stop"]) == 0
    assert "From now on nothing more is shared." in capsys.readouterr().out
    attempt(True)
    if remove:
        assert [*room.iterdir()] == []
        assert not [*home.glob("sharing*")]
    else:
        assert (room / "anna.jsonl").read_text() == shared
        assert record_of(home) != shared
        cli.main(["share"])
        assert f"still there: {room / 'anna.jsonl'}" in capsys.readouterr().out
        sharing.start(home, room, "anna")  # it is theirs still
        assert (room / "anna.jsonl").read_text() == record_of(home)


def test_stopping_in_a_notebook(home: Path, room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sharing.start(home, room, "anna")
    share()
    assert "as anna." in capsys.readouterr().out
    share(stop=True)
    assert "share(stop=True, remove=True)" in capsys.readouterr().out
    assert (room / "anna.jsonl").exists()
    share(stop=True, remove=True)
    assert "Removed:" in capsys.readouterr().out
    assert [*room.iterdir()] == []
    share(stop=True)
    assert capsys.readouterr().out == f"Nothing is shared of the results in {home}.\n"


def test_stopping_needs_neither_the_folder_nor_the_lock(
    home: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.start(home, room, "anna")
    shutil.rmtree(room)
    monkeypatch.setattr(sharing, "PATIENCE", 0.01)
    with locked(home / sharing.LOCK):  # as a kernel does that hangs on a folder that does not answer
        sharing.stop(home)
    assert sharing.current_agreement(home) is None


def test_what_a_folder_kept_waiting_is_not_written_after_a_stop(
    home: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.start(home, room, "anna")
    shared = (room / "anna.jsonl").read_bytes()
    progress.record("00_start_here", "activations.sigmoid", "correct", None)
    real = sharing.open_shared
    monkeypatch.setattr(sharing, "PATIENCE", 0.01)

    def slow(file: Path) -> int:
        sharing.stop(home)  # meanwhile, in another kernel
        return real(file)

    monkeypatch.setattr(sharing, "open_shared", slow)
    sharing.copy_new_results(home)
    assert (room / "anna.jsonl").read_bytes() == shared
    assert sharing.current_agreement(home) is None


def test_what_is_not_theirs_is_not_removed(home: Path, room: Path) -> None:
    sharing.start(home, room, "anna")
    sharing.stop(home)
    (room / "anna.jsonl").write_text("another's")
    with pytest.raises(OSError, match="holds something else than your results, and was left as it is; if it is yours"):
        sharing.remove(home)
    assert (room / "anna.jsonl").read_text() == "another's"


def test_a_copy_of_a_learners_folder_shares_nothing(
    home: Path, room: Path, tmp_path: Path, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.start(home, room, "anna")
    shared = record_of(home)
    copied = tmp_path / "copied"
    shutil.copytree(home, copied)
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(copied))
    assert "copied or moved" in attempt(True)
    assert (room / "anna.jsonl").read_text() == shared
    sharing.stop(copied)
    assert "share" not in attempt(False)


def test_on_a_hub_another_users_yes_is_nobodys(
    home: Path, room: Path, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In containers every learner has the same account and the same folders, and an image may hold a teacher's."""
    monkeypatch.setenv("JUPYTERHUB_USER", "teacher")
    sharing.start(home, room, "anna")
    shared = record_of(home)
    monkeypatch.setenv("JUPYTERHUB_USER", "learner")
    assert "copied or moved" in attempt(True)
    assert (room / "anna.jsonl").read_text() == shared
    monkeypatch.setenv("JUPYTERHUB_USER", "teacher")
    attempt(False)
    monkeypatch.delenv("JUPYTERHUB_USER")  # by another way into the same machine
    attempt(True)
    assert (room / "anna.jsonl").read_text() == record_of(home)
    sharing.stop(home)
    sharing.start(home, room, "bert")
    monkeypatch.setenv("JUPYTERHUB_USER", "learner")  # a yes that was said on no hub at all
    assert sharing.read_agreement(home / sharing.FILE) is None


# --- what goes wrong does not disturb ----------------------------------------------------------------------


FAILURES: dict[str, tuple[str, OSError]] = {
    "the disk of the class's folder is full": ("write_all", OSError(errno.ENOSPC, "No space left on device")),
    "x.jsonl: Permission denied": ("open_shared", OSError(errno.EACCES, "Permission denied", "x.jsonl")),
    "Stale file handle": ("results_in", OSError(errno.EIO, "Stale file handle")),
}


@pytest.mark.parametrize("words", FAILURES)
def test_a_failing_share_changes_no_verdict_and_loses_no_progress(
    words: str, home: Path, room: Path, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.start(home, room, "anna")
    where, error = FAILURES[words]

    def fail(*arguments: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(sharing, where, fail)
        assert f"not shared yet: {words}." in attempt(True)
        assert "shared" not in attempt(False)
    assert [entry.status for entry in progress.read(home)] == ["wrong", "correct", "wrong"]
    assert "shared" not in attempt(True)
    assert (room / "anna.jsonl").read_text() == record_of(home)


def test_a_folder_that_does_not_answer_is_not_waited_for(
    home: Path, room: Path, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.start(home, room, "anna")
    answers = threading.Event()
    open_shared = sharing.open_shared
    monkeypatch.setattr(sharing, "PATIENCE", 0.02)
    monkeypatch.setattr(sharing, "open_shared", lambda file: answers.wait(60) and open_shared(file))
    try:
        assert "not shared yet: the class's folder does not answer." in attempt(True)
        waiting = sharing.Kernel.waiting
        attempt(False)
        assert sharing.Kernel.waiting is waiting  # and no other is sent after it
        assert len(progress.read(home)) == 3
    finally:
        answers.set()
    assert waiting is not None
    waiting.join(60)
    monkeypatch.setattr(sharing, "PATIENCE", 60)
    attempt(True)
    assert (room / "anna.jsonl").read_text() == record_of(home)


@pytest.mark.parametrize("damage", ["", "[" * 100_000, '{"version": 1}', "../anna"])
def test_a_damaged_agreement_shares_nothing(damage: str, home: Path, room: Path, attempt: Attempt) -> None:
    sharing.start(home, room, "anna")
    shared = record_of(home)
    agreement = (home / sharing.FILE).read_text()
    (home / sharing.FILE).write_text(agreement.replace('"anna"', f'"{damage}"') if ".." in damage else damage)
    assert "is damaged" in attempt(True)
    assert (room / "anna.jsonl").read_text() == shared
    assert cli.main(["share"]) == 1
    sharing.stop(home)
    sharing.start(home, room, "bert")
    assert (room / "bert.jsonl").read_text() == record_of(home)


@pytest.mark.skipif(os.name != "posix", reason="makes links")
@pytest.mark.parametrize("kind", ["nothing", "link", "link to the record", "another's"])
def test_what_has_taken_the_place_of_the_shared_file_is_left_alone(
    kind: str, home: Path, room: Path, tmp_path: Path, attempt: Attempt
) -> None:
    sharing.start(home, room, "anna")
    file, target = room / "anna.jsonl", tmp_path / "target"
    target.write_text("")
    file.unlink()
    if kind == "link":
        file.symlink_to(target)
    elif kind == "link to the record":
        os.link(home / progress.FILE, file)
    elif kind == "another's":
        file.write_text(record_of(home)[:40] + "another's")
    before = os.path.lexists(file) and file.read_text()
    assert "not shared yet" in attempt(True)
    assert len(progress.read(home)) == 2
    assert os.path.lexists(file) == (kind != "nothing")
    if kind == "link to the record":  # a reset does not empty it
        assert cli.main(["reset", "--yes", str(home)]) == 0
        [aside] = home.glob("progress-until-*")
        assert len(aside.read_text().splitlines()) == 2
    else:
        assert (os.path.lexists(file) and file.read_text()) == before
        assert target.read_text() == ""


def test_after_a_reset_what_is_shared_begins_again(home: Path, room: Path, attempt: Attempt) -> None:
    sharing.start(home, room, "anna")
    before = record_of(home)
    assert cli.main(["reset", "--yes", str(home)]) == 0
    assert (room / "anna.jsonl").read_text() == ""
    (room / "anna.jsonl").write_text(before[:100])  # as if it had been killed, or could not be reached, at that moment
    attempt(True)
    assert (room / "anna.jsonl").read_text() == record_of(home)
    assert len(progress.read(home)) == 1


def test_after_a_move_what_cannot_be_told_is_said(
    home: Path, room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.start(home, room, "anna")
    home.rename(tmp_path / "moved")
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path / "moved"))
    assert cli.main(["share", "--stop"]) == 0
    assert "What was shared before may still be in the class's folder" in capsys.readouterr().out
    share(stop=True)
    assert capsys.readouterr().out == f"Nothing is shared of the results in {tmp_path / 'moved'}.\n"


# --- killed, and several at once ---------------------------------------------------------------------------


def test_half_of_what_was_to_be_written_is_completed_the_next_time(home: Path, room: Path) -> None:
    sharing.start(home, room, "anna")
    progress.record("00_start_here", "activations.sigmoid", "correct", None)
    whole = record_of(home).encode()
    for length in range(0, len(whole), 25):
        (room / "anna.jsonl").write_bytes(whole[:length])
        sharing.copy_new_results(home)
        assert (room / "anna.jsonl").read_bytes() == whole


class Killed(BaseException):
    """What stands for a kill."""


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop at the n-th call that changes a disk."""
    count = [0]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*arguments: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] == number:
                raise Killed
            return call(*arguments, **named)

        return inner

    with monkeypatch.context() as patch:
        for name in ("open", "write", "replace", "ftruncate", "fchmod"):
            if hasattr(os, name):
                patch.setattr(sharing.os, name, dying(getattr(os, name)))
        yield


def test_killed_at_any_moment_of_the_beginning_it_can_be_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0
    for number in range(1, 100):
        home, room = tmp_path / f"home {number}", tmp_path / f"room {number}"
        room.mkdir()
        progress.record("00_start_here", "activations.sigmoid", "wrong", None, folder=home)
        record = (home / progress.FILE).read_bytes()
        died = False
        for _ in killed_at(number, monkeypatch):
            try:
                sharing.start(home, room, "anna")
            except Killed:
                died = True
        deaths += died
        assert (home / progress.FILE).read_bytes() == record
        if sharing.current_agreement(home) is None:
            sharing.copy_new_results(home)  # shares nothing: there was no end to the yes
            sharing.start(home, room, "anna")
        assert (room / "anna.jsonl").read_bytes() == record
        if not died:
            break
    assert deaths >= 6


WRITER = """
import sys
sys.modules["bptt_lessons.course"] = type(sys)("bptt_lessons.course")  # without the exercises it starts sooner
sys.modules["bptt_lessons.course"].__path__ = [sys.argv[1]]
from bptt_lessons.course import progress, sharing
sharing.PATIENCE = 60
for number in range(10):
    progress.record("lesson", f"{sys.argv[2]}.{number}", "wrong", None)
    assert sharing.keep_up() == ""
"""


@pytest.mark.long
def test_two_kernels_at_once_share_every_line_once(home: Path, room: Path) -> None:
    sharing.start(home, room, "anna")
    course = str(Path(progress.__file__).parent)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, course, name]) for name in ("a", "b")]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert record_of(home).count("\n") == 21
    assert (room / "anna.jsonl").read_text() == record_of(home)


# --- what is called in a notebook --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [{"folder": 3}, {"folder": "nowhere"}, {"name": "../x"}, {"yes": "no"}, {"stop": []}, {"remove": True}]
)
def test_share_never_raises(
    arguments: dict[str, Any],
    home: Path,
    room: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    share(**{"folder": room} | arguments)
    assert capsys.readouterr().out
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(home / progress.FILE))
    share(**{"folder": room} | arguments)
    assert [*room.iterdir()] == []


def test_on_a_hub_the_folder_is_known(
    home: Path, room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    share()
    assert 'share("FOLDER")' in capsys.readouterr().out
    monkeypatch.setenv(sharing.VARIABLE, str(room))
    share()
    shown = capsys.readouterr().out
    name = shown.split("Your name there: ")[1].splitlines()[0]
    assert f"To say yes: `share(name='{name}', yes='{word_in(shown)}')`" in shown
    share(yes=word_in(shown))
    assert [path.stem for path in room.iterdir()] == [name]
    monkeypatch.setenv(sharing.VARIABLE, "")
    assert "as " + name in str(consent.state(home))
