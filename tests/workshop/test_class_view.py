"""The class view: who is where, what holds the room up, hidden names, and files that nobody should trust."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
import simulated_class
from html_pages import Reader, assert_nothing_is_loaded

from bptt_lessons.course import EXERCISES, progress
from bptt_lessons.course.progress import Entry
from bptt_lessons.workshop import class_page, class_state, class_view
from bptt_lessons.workshop.class_records import (
    Learner,
    merge_learners,
    notes,
    read_class,
)
from bptt_lessons.workshop.class_state import ClassState, LearnerState

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = list(EXERCISES)
FIRST, SECOND, THIRD = NAMES[:3]
MISTAKE = next(iter(EXERCISES[SECOND].misconceptions))


def entry(exercise: str, status: str = "correct", misconception: str | None = None, ago: float = 1) -> Entry:
    """Return a result of so many minutes ago."""
    lesson = EXERCISES[exercise].lesson if exercise in EXERCISES else "99_newer"
    time = (NOW - timedelta(minutes=ago)).isoformat(timespec="seconds")
    return Entry(time, lesson, exercise, status, misconception)


def write(path: Path, *entries: Entry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(progress.line_of(e) + "\n" for e in entries), encoding="utf-8")


def view(folder: Path, **named: bool) -> ClassState:
    return class_state.class_state(read_class(folder).learners, NOW, **named)


def in_class(*entries: Entry) -> LearnerState:
    """Return where a learner with these results is, in a room in which something has just happened."""
    return class_state.class_state([Learner("anna", entries), Learner("other", (entry(FIRST, ago=0),))], NOW).learners[
        0
    ]


def command(*words: object) -> int:
    from bptt_lessons.course import cli
    from bptt_lessons.workshop import commands

    return cli.main(["class", *map(str, words)], add_more=commands.add)


@pytest.fixture(scope="module")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thirty")
    simulated_class.make(folder, 30, end=NOW)
    return folder


# --- gathering ---------------------------------------------------------------------------------------------


def test_shared_and_handed_in_files_are_found_and_no_others(tmp_path: Path) -> None:
    write(tmp_path / "anna.jsonl", entry(FIRST))
    write(tmp_path / "bert" / "progress.jsonl", entry(SECOND))
    write(tmp_path / "carl" / "amber-otter.jsonl", entry(THIRD))  # on a hub where each has a folder of their own
    write(tmp_path / "carl" / ".hidden.jsonl", entry(FIRST))
    write(tmp_path / "dora" / "deeper" / "progress.jsonl", entry(FIRST))
    write(tmp_path / ".hidden.jsonl", entry(FIRST))
    write(tmp_path / "._anna.jsonl", entry(FIRST))
    write(tmp_path / "notes.txt", entry(FIRST))
    write(tmp_path / "progress-until-2026-01-01.jsonl", entry(FIRST))
    found = read_class(tmp_path)
    assert [learner.name for learner in found.learners] == ["amber-otter", "anna", "bert"]
    assert notes(found) == "Passed over: 1 record set aside by a reset."


def test_garbage_is_passed_over_and_said(tmp_path: Path) -> None:
    line = progress.line_of(entry(FIRST)).encode()
    write(tmp_path / "anna.jsonl", entry(FIRST), entry(SECOND))
    (tmp_path / "bytes.jsonl").write_bytes(random.Random(1).randbytes(20_000))
    (tmp_path / "deep.jsonl").write_bytes(b"{" + b"[" * 100_000)
    (tmp_path / "version.jsonl").write_bytes(line.replace(b'"version": 1', b'"version": 2') + b"\n")
    (tmp_path / "half.jsonl").write_bytes(line + b"\n" + line[:50])
    (tmp_path / "huge.jsonl").write_bytes(line + b"\n" * 2_000_000)
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "link.jsonl").symlink_to("nowhere")
    found = read_class(tmp_path)
    assert found.learners == (Learner("anna", (entry(FIRST), entry(SECOND))), Learner("half", (entry(FIRST),)))
    assert notes(found) == (
        "Passed over: 3 files without a result (bytes.jsonl, deep.jsonl, version.jsonl), "
        "2 files that cannot be read (folder.jsonl, link.jsonl), 1 file larger than 2 MB (huge.jsonl), "
        "1 line damaged or from another version."
    )


def test_the_same_learner_twice_is_one(tmp_path: Path) -> None:
    early = (entry(FIRST, ago=50), entry(SECOND, "wrong", ago=40), entry(THIRD, ago=30))
    late = (*early, entry(SECOND, ago=20))
    write(tmp_path / "amber-otter.jsonl", *late)
    write(tmp_path / "Zoë handed in.jsonl", *early)  # by another name: the same results to the second
    write(tmp_path / "Bert.jsonl", entry(FIRST, ago=9))
    write(tmp_path / "bert" / "progress.jsonl", entry(SECOND, ago=8))
    write(tmp_path / "carl.jsonl", entry(FIRST, ago=50))  # one result in common is chance
    found = read_class(tmp_path)
    assert [(learner.name, len(learner.entries)) for learner in found.learners] == [
        ("amber-otter", 4), ("Bert", 2), ("carl", 1),
    ]  # fmt: skip
    assert found.merged == 2
    assert notes(found) == "2 files of a learner who was there already: counted once."


def test_two_who_chose_the_same_name_in_folders_of_their_own_are_two(tmp_path: Path) -> None:
    """On a hub where nobody sees the others' folders, nothing tells them that a name is taken."""
    write(tmp_path / "u1" / "red-owl.jsonl", entry(FIRST, ago=9))
    write(tmp_path / "u2" / "Red-Owl.jsonl", entry(SECOND, "wrong", ago=8))
    write(tmp_path / "u2" / "anna.jsonl", entry(FIRST, ago=7))
    write(tmp_path / "u3" / "red-owl.jsonl", entry(THIRD, "wrong", ago=6))
    found = read_class(tmp_path)
    assert [(learner.name, len(learner.entries)) for learner in found.learners] == [
        ("anna", 1), ("red-owl", 1), ("Red-Owl (2)", 1), ("red-owl (3)", 1),
    ]  # fmt: skip
    assert found.merged == 0
    hidden = class_state.class_state(found.learners, NOW, hide_names=True).learners
    assert [place.label for place in hidden] == ["learner 1", "learner 2", "learner 3", "learner 4"]


# --- where everybody is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "stuck"),
    [
        ([], None),
        ([entry(FIRST)], None),
        ([entry(SECOND, "not attempted")], None),
        ([entry(SECOND, "wrong")], 1),
        ([entry(SECOND, "wrong"), entry(THIRD)], None),  # left, and a later one solved since
        ([entry(SECOND, "wrong"), entry(THIRD, "wrong")], 2),  # at most one holds a learner up: the last
        ([entry(SECOND, "wrong"), entry(FIRST)], 1),  # an earlier one solved meanwhile is no way past it
        ([entry(THIRD), entry(SECOND, "wrong")], 1),  # gone back to it after a later one was solved
        ([entry(SECOND, "wrong"), entry(THIRD), entry(SECOND, "wrong", "again")], 1),
        ([entry(SECOND, "wrong"), entry(THIRD), entry(SECOND)], None),
        ([entry(THIRD, "wrong"), entry(SECOND, "wrong")], 1),
        ([entry(FIRST), entry(FIRST, "wrong")], None),
        ([entry("a.stranger", "wrong")], len(NAMES)),
        ([entry("a.stranger", "wrong"), entry(FIRST)], None),  # renamed since: who knows where it stood
        ([entry(SECOND, "wrong"), entry("a.stranger")], None),
    ],
)
def test_what_holds_a_learner_up_now(entries: list[Entry], stuck: int | None) -> None:
    assert in_class(*entries).stuck == stuck


def test_one_who_left_long_ago_does_not_hold_the_room_up(tmp_path: Path) -> None:
    write(tmp_path / "gone.jsonl", entry(SECOND, "wrong", MISTAKE, ago=200))
    write(tmp_path / "there.jsonl", entry(THIRD, "wrong", ago=1))
    seen = view(tmp_path)
    assert [(item.column, item.stuck, item.quiet) for item in seen.stuck] == [(2, 1, 0), (1, 0, 1)]
    assert [place.quiet for place in seen.learners] == [True, False]
    assert len(seen.active) == 1


@pytest.mark.parametrize("time", ["", "later", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_or_to_come_moves_nobody(time: str, tmp_path: Path) -> None:
    write(tmp_path / "odd.jsonl", entry(FIRST)._replace(time=time))
    write(tmp_path / "bert.jsonl", entry(SECOND, "wrong", ago=2))
    seen = view(tmp_path)
    assert [item.stuck for item in seen.stuck] == [1]
    assert seen.last is not None
    assert seen.last <= NOW


def test_the_worst_comes_first_with_its_mistakes_and_what_to_say(tmp_path: Path) -> None:
    for number, mistake in enumerate([MISTAKE] * 3 + ["odd", None, None]):
        write(tmp_path / f"a{number}.jsonl", entry(SECOND, "wrong", mistake))
    write(tmp_path / "b.jsonl", entry(THIRD, "wrong", "no-return"))
    worst, other = view(tmp_path).stuck
    assert (worst.column, worst.stuck) == (1, 6)
    sentence = EXERCISES[SECOND].misconceptions[MISTAKE].sentence
    assert [tuple(m) for m in worst.mistakes] == [(MISTAKE, sentence, 3), ("odd", "", 1), ("", "", 2)]
    assert other.mistakes[0].sentence.startswith("Your function returns None.")


# --- in a terminal -----------------------------------------------------------------------------------------


def test_the_lines_of_a_small_class(tmp_path: Path) -> None:
    write(tmp_path / "anna.jsonl", entry(FIRST, ago=5), entry(SECOND, "wrong", MISTAKE, ago=4))
    write(tmp_path / "bert.jsonl", entry(FIRST, ago=200))
    text = class_view.as_text(view(tmp_path), NOW, "A note.", everybody=True)
    assert text.splitlines()[0] == (
        "2 learners, 1 active (a result within an hour of the class's last); last result 4 min ago."
    )
    assert f"  {SECOND}: 1 stuck, 0 have solved it. Lesson 01" in text
    assert re.search(rf"anna +# !\.\.\.\. \.+ .* 4 min  {re.escape(SECOND)}\n", text)
    assert re.search(r"bert +# \.\.\.\.\. .* 3 h\n", text)
    assert text.endswith("A note.")


# --- the page ----------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_else_and_has_words_for_everything(thirty: Path) -> None:
    seen = view(thirty)
    text = class_page.html_of(seen, NOW, "", reload=None)
    page = Reader(text)
    assert_nothing_is_loaded(page)
    assert not page.all("script") + page.all("a")
    policy = next(attrs for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    [(_, picture)] = [found for found in page.tags if found[0] == "svg"]
    assert picture["role"] == "img"
    worst = seen.stuck[0]
    assert f"{worst.stuck} stuck in {seen.columns[worst.column].exercise}." in str(picture["aria-label"])
    assert sum(tag == "th" and attrs.get("scope") == "row" for tag, attrs in page.tags) == 30
    assert sum(tag == "th" and attrs.get("scope") == "col" for tag, attrs in page.tags) == 5 + len(seen.columns)
    assert "prefers-color-scheme: dark" in text
    assert "refresh" not in text
    svg = text[text.index("<svg") : text.index("</svg>") + 6]
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_watching_writes_the_page_again_and_survives_a_folder_that_is_gone_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = tmp_path / "class", tmp_path / "p.html"
    write(folder / "anna.jsonl", entry(FIRST))
    pages: list[str] = []

    def sleep(seconds: float) -> None:
        assert seconds == 20
        pages.append(file.read_text(encoding="utf-8"))
        if len(pages) == 1:
            write(folder / "bert.jsonl", entry(FIRST))
        if len(pages) == 2:
            folder.rename(tmp_path / "gone")
        if len(pages) == 4:
            (tmp_path / "gone").rename(folder)
            write(folder / "carl.jsonl", entry(FIRST))
        if len(pages) == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(class_view.time, "sleep", sleep)
    assert command(folder, "--html", file, "--watch", 20) == 130
    assert [page.count('<th scope="row">') for page in pages] == [1, 2, 2, 2, 3, 3]
    assert all('<meta http-equiv="refresh" content="20">' in page for page in pages)
    assert "every 20 seconds" in pages[0]
    assert capsys.readouterr().out.count("Not written this time: No such file or directory") == 1


# --- hidden names ------------------------------------------------------------------------------------------


def both(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return all that the command shows and writes."""
    file = tmp_path / "out" / "p.html"
    file.parent.mkdir(exist_ok=True)
    capsys.readouterr()
    assert command(folder, *words) == 0
    assert command(folder, *words, "--lesson", "01") == 0
    text = capsys.readouterr().out
    assert command(folder, *words, "--html", file) == 0
    said = capsys.readouterr().out.replace(str(file), "")
    return text + said + file.read_text(encoding="utf-8")


def test_hidden_names_are_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "class"
    names = [f"quark{number}" for number in range(40)]
    rng = random.Random(3)
    for name in names[:30]:
        lines = simulated_class.results(rng, NOW - timedelta(minutes=100), 100)
        write(folder / f"{name}.jsonl", *lines)
    write(folder / "quark30" / "progress.jsonl", entry(FIRST))
    write(folder / "QUARK1.jsonl", entry(FIRST))
    write(folder / "quark32-twice.jsonl", *read_class(folder).learners[5].entries)
    (folder / "quark33.jsonl").write_text("garbage")
    (folder / "quark34.jsonl").write_bytes(b"\n" * 2_000_001)
    (folder / "quark35.jsonl").mkdir()
    (folder / "progress-until-quark36.jsonl").touch()
    (folder / "quark37.jsonl").touch()
    (folder / "quark38").mkdir(mode=0)
    assert "quark" in both(folder, tmp_path, capsys).casefold()
    hidden = both(folder, tmp_path, capsys, "--hide-names")
    assert "quark" not in hidden.casefold()
    assert "jsonl" not in hidden
    assert str(folder) not in hidden
    for label in ("learner 1", "learner 32"):
        assert f'<th scope="row">{label}</th>' in hidden


def test_hidden_names_are_stable_and_owe_nothing_to_the_names(tmp_path: Path) -> None:
    rng = random.Random(5)
    records = [simulated_class.results(rng, NOW - timedelta(minutes=90), 90) for _ in range(12)]

    def labels(names: list[str], records: list[list[Entry]]) -> dict[str, tuple[str, ...]]:
        learners = [Learner(name, tuple(entries)) for name, entries in zip(names, records, strict=True)]
        places = class_state.class_state(merge_learners(learners), NOW, hide_names=True).learners
        assert [place.label for place in places] == [f"learner {n}" for n in range(1, len(names) + 1)]
        return {place.label: place.states for place in places}

    names = [f"n{number:02}" for number in range(12)]
    assert labels(names, records) == labels(names[::-1], records) == labels(rng.sample(names, 12), records)
    later = labels([*names, "a-newcomer"], [*records, [entry(FIRST, ago=0)]])
    assert later["learner 13"].count("solved") == 1
    grown = [[*entries, entry(NAMES[-1])] for entries in records]
    assert {label: states[:-1] for label, states in labels(names, grown).items()} == {
        label: states[:-1] for label, states in labels(names, records).items()
    }


# --- hostile files -----------------------------------------------------------------------------------------

SCRIPTS = (
    "<script>alert(1)</script>\x1b[2J\x1b]0;owned\x07\u202eb\u2066",
    pytest.param('"><img src=x onerror=alert(1)>', marks=pytest.mark.long),
    pytest.param("</title></style><svg onload=alert(1)>", marks=pytest.mark.long),
    pytest.param("line\nbreak\r\ttab\x00&lt;b&gt;{}%s{0}`code`*em*", marks=pytest.mark.long),
    pytest.param("\ud800\udfff", marks=pytest.mark.long),
    pytest.param("a" * 9000, marks=pytest.mark.long),
)


@pytest.mark.parametrize("hostile", SCRIPTS)
@pytest.mark.parametrize("hide", [[], ["--hide-names"]])
def test_what_is_shared_commands_nothing(
    hostile: str, hide: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "class"
    name = hostile.replace("/", "_").replace("\0", "_").replace("\ud800\udfff", "\udcff")[:60]
    mine = Entry(entry(FIRST).time, hostile, hostile, "wrong", hostile)
    write(folder / f"{name}.jsonl", entry(SECOND, "wrong", hostile), mine)
    for number in range(4):
        write(folder / f"n{number}.jsonl", entry(SECOND, "wrong", hostile, ago=number))
        write(folder / f"o{number}.jsonl", mine, mine._replace(time=hostile))
    (folder / f"{name}-garbage.jsonl").write_text("garbage")
    before = Reader(class_page.html_of(view(folder), NOW, ""))
    shown = both(folder, tmp_path, capsys, *hide)
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    page = shown[shown.index("<!DOCTYPE") :]
    parsed = Reader(page)
    assert {tag for tag, _ in parsed.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "main", "dl", "div", "dt"),
        *("dd", "section", "ol", "ul", "li", "b", "code", "span", "em", "svg", "rect", "text", "path", "polyline"),
        *("details", "summary", "table", "thead", "tbody", "tr", "th", "td", "footer"),
    }
    assert len(before.tags) == len(parsed.tags)
    assert not [name for _, attrs in parsed.tags for name in attrs if name.startswith("on")]
