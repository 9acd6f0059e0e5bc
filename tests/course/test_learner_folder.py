"""The learner's folder: nothing in it is ever overwritten, and nothing is missing from it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from bptt_lessons.course import learner_folder, locking
from bptt_lessons.course.learner_folder import prepare

LESSONS = ("00_start_here.ipynb", "01_unrolling.ipynb", "02_bptt.ipynb")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in LESSONS:
        (folder / name).write_text(f"{name} as shipped")
    for name in ("notes.ipynb", "0_draft.ipynb", "03_figure.png"):
        (folder / name).touch()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Élodie's lessons ü" / "week 1"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_an_empty_folder_gets_exactly_the_lessons(shipped: Path, folder: Path) -> None:
    assert prepare(folder, shipped=shipped) == (folder, LESSONS, (), ())
    assert visible(folder) == sorted(LESSONS)
    assert (folder / LESSONS[1]).read_bytes() == (shipped / LESSONS[1]).read_bytes()
    assert os.access(folder / LESSONS[1], os.W_OK)
    assert not list((folder / ".bptt-lessons").glob("*.tmp"))


@pytest.mark.parametrize("path", learner_folder.shipped_lessons(learner_folder.shipped_folder()), ids=lambda p: p.stem)
def test_a_copy_shows_no_answer_before_its_question(path: Path) -> None:
    shipped, copied = (nbformat.reads(text, as_version=4) for text in (path.read_text(encoding="utf-8"),
                       learner_folder.as_copied(path.read_bytes()).decode()))  # fmt: skip
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in copied.cells)
    assert any(cell.get("outputs") for cell in shipped.cells)
    for key in ("cell_type", "id", "source"):
        assert [cell[key] for cell in copied.cells] == [cell[key] for cell in shipped.cells]
    assert [cell.metadata.get("tags") for cell in copied.cells] == [cell.metadata.get("tags") for cell in shipped.cells]
    nbformat.validate(copied)


def test_a_lesson_that_was_only_run_again_or_got_other_slides_is_no_new_version(shipped: Path, folder: Path) -> None:
    cell = {"cell_type": "code", "id": "a", "source": "1 + 1", "metadata": {}, "outputs": [], "execution_count": 1}
    lesson = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    (shipped / LESSONS[0]).write_text(json.dumps(lesson))
    prepare(folder, shipped=shipped)
    (folder / LESSONS[0]).write_text("my work")
    cell.update(execution_count=2, metadata={"slideshow": {"slide_type": "skip"}})
    (shipped / LESSONS[0]).write_text(json.dumps(lesson))
    assert prepare(folder, shipped=shipped).kept == LESSONS
    cell["source"] = "1 + 2"
    (shipped / LESSONS[0]).write_text(json.dumps(lesson))
    assert prepare(folder, shipped=shipped).beside == ("00_start_here (version 0.1.0).ipynb",)


@pytest.mark.parametrize("content", [b"", b"text", b"[]", b'{"cells": 3}', b'{"cells": [1]}', b"\xff"])
def test_what_is_no_notebook_is_copied_as_it_is(content: bytes) -> None:
    assert learner_folder.as_copied(content) == content


def test_a_second_time_keeps_the_learners_work_and_brings_back_what_is_missing(shipped: Path, folder: Path) -> None:
    prepare(folder, shipped=shipped)
    (folder / LESSONS[0]).write_text("my work")
    (folder / LESSONS[2]).unlink()
    assert prepare(folder, shipped=shipped) == (folder, (LESSONS[2],), (), LESSONS[:2])
    assert (folder / LESSONS[0]).read_text() == "my work"


def test_an_upgrade_puts_a_changed_lesson_beside_the_learners(shipped: Path, folder: Path) -> None:
    prepare(folder, shipped=shipped)
    (folder / LESSONS[1]).write_text("my work")
    (shipped / LESSONS[1]).write_text("a better lesson")
    beside = "01_unrolling (version 0.2.0).ipynb"
    assert prepare(folder, shipped=shipped, version="0.2.0").beside == (beside,)
    assert (folder / LESSONS[1]).read_text() == "my work"
    assert (folder / beside).read_text() == "a better lesson"
    (folder / beside).write_text("more work")
    again = prepare(folder, shipped=shipped, version="0.2.0")
    assert (again.copied, again.beside) == ((), ())
    assert visible(folder) == sorted([*LESSONS, beside])


def test_a_changed_lesson_never_takes_a_name_that_is_taken(shipped: Path, folder: Path) -> None:
    prepare(folder, shipped=shipped)
    for number in range(2):
        for path in folder.glob("01*"):
            path.write_text(f"my work {number} {path.name}")
        (shipped / LESSONS[1]).write_text(f"lesson {number}")
        before = {path: path.read_bytes() for path in folder.glob("*.ipynb")}
        prepare(folder, shipped=shipped, version="0.2.0")
        assert {path: path.read_bytes() for path in before} == before
    (shipped / LESSONS[1]).write_text("once more")
    os.symlink("nowhere", folder / "01_unrolling (version 0.2.0, copy 3).ipynb")
    assert prepare(folder, shipped=shipped, version="0.2.0").beside == ("01_unrolling (version 0.2.0, copy 4).ipynb",)
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1, "lessons": 3}', b"\xff"])
def test_without_its_manifest_a_lesson_worked_on_is_kept_and_the_shipped_one_put_beside(
    shipped: Path, folder: Path, damage: bytes
) -> None:
    prepare(folder, shipped=shipped)
    (folder / LESSONS[0]).write_text("my work")
    (folder / ".bptt-lessons" / "manifest.json").write_bytes(damage)
    done = prepare(folder, shipped=shipped, version="0.1.0")
    assert done.beside == ("00_start_here (version 0.1.0).ipynb",)
    assert done.kept == LESSONS[1:]
    assert (folder / LESSONS[0]).read_text() == "my work"


def test_what_a_killed_process_left_is_cleared(shipped: Path, folder: Path) -> None:
    prepare(folder, shipped=shipped)
    (folder / ".bptt-lessons" / "left.tmp").touch()
    prepare(folder, shipped=shipped)
    assert not list((folder / ".bptt-lessons").glob("*.tmp"))


def test_a_file_that_appears_at_the_last_moment_is_not_overwritten(
    shipped: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    (folder / LESSONS[0]).write_text("my work")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)  # as if it came just after the look
    for _ in range(2):
        prepare(folder, shipped=shipped)
        assert (folder / LESSONS[0]).read_text() == "my work"
        monkeypatch.setattr(os, "link", no_links)


def no_links(*paths: object) -> None:
    raise OSError(errno.EPERM, "this disk knows no links")


def test_a_disk_without_links_will_do(shipped: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    assert prepare(folder, shipped=shipped).copied == LESSONS
    assert (folder / LESSONS[0]).read_bytes() == (shipped / LESSONS[0]).read_bytes()


def test_a_full_disk_is_an_os_error_and_leaves_no_half_a_lesson(
    shipped: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            prepare(folder, shipped=shipped)
    assert visible(folder) == []
    assert not list((folder / ".bptt-lessons").glob("*.tmp"))
    assert prepare(folder, shipped=shipped).copied == LESSONS


def test_a_file_in_the_folders_place_is_an_os_error(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        prepare(tmp_path / "file", shipped=shipped)


def test_the_shipped_folder_is_refused(shipped: Path) -> None:
    for folder in (shipped, shipped / "mine"):
        with pytest.raises(ValueError, match=r"folder is .*shipped.* expected another one"):
            prepare(folder, shipped=shipped)


def test_a_course_without_lessons_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no lessons"):
        prepare(tmp_path / "mine", shipped=tmp_path)


COPIER = """
import sys
from pathlib import Path
from bptt_lessons.course.learner_folder import prepare
prepare(sys.argv[1], shipped=Path(sys.argv[2]))
"""


def test_two_processes_at_once_make_one_whole_copy(shipped: Path, folder: Path) -> None:
    copiers = [subprocess.Popen([sys.executable, "-c", COPIER, folder, shipped]) for _ in range(2)]
    assert [copier.wait(60) for copier in copiers] == [0, 0]
    assert visible(folder) == sorted(LESSONS)
    assert prepare(folder, shipped=shipped) == (folder, (), (), LESSONS)


def test_a_lock_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    with (
        locking.locked(tmp_path / "lock"),
        pytest.raises(TimeoutError, match="another program has held"),
        locking.locked(tmp_path / "lock", seconds=0.05),
    ):
        pass
    with locking.locked(tmp_path / "lock", seconds=0.05):
        pass


def test_in_a_clone_the_learners_folder_is_apart_from_the_tracked_one() -> None:
    root = Path(__file__).parents[2]
    assert learner_folder.clone() == root
    assert learner_folder.shipped_folder() == root / "notebooks"
    assert learner_folder.default_folder() == root / "my-lessons"
