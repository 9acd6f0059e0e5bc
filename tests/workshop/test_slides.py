"""The slides as files: what they contain, what they must not, and which files they never overwrite."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from html_pages import Reader, assert_nothing_is_loaded

from bptt_lessons.course import EXERCISES, cli, learner_folder
from bptt_lessons.workshop import commands, page, prose, slides

LESSONS = learner_folder.shipped_lessons(learner_folder.shipped_folder())
STEMS = [path.stem for path in LESSONS]
SHORT = ("00", "02")  # lessons whose decks the short run looks at
WORDS = re.compile(r"\s+")


def main_with(*arguments: str) -> int:
    """Run the command line."""
    return cli.main(arguments, add_more=commands.add)


@pytest.fixture(params=[pytest.param(stem, marks=[pytest.mark.long] * (stem[:2] not in SHORT)) for stem in STEMS])
def stem(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def html(deck_file: Callable[[str], Path], stem: str) -> str:
    return deck_file(stem).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def read_deck() -> Callable[[str], Reader]:
    """Parse a deck, once for all tests."""
    return cache(Reader)


@pytest.fixture
def deck(html: str, read_deck: Callable[[str], Reader]) -> Reader:
    return read_deck(html)


@pytest.fixture
def cells(stem: str) -> Any:
    return nbformat.read(LESSONS[STEMS.index(stem)], as_version=4).cells


def test_every_picture_of_the_shown_cells_is_there_with_its_alternative_text(deck: Reader, cells: Any) -> None:
    wanted = [
        match
        for cell in cells
        if cell.cell_type == "code" and cell.metadata.slideshow.slide_type != "skip"
        for output in cell.outputs
        for match in re.findall(r'<img alt="([^"]*)"', output.get("data", {}).get("text/html", ""))
    ]
    shown = deck.all("img")
    assert len(shown) == len(wanted) > 0 or not wanted
    assert all(len(image["alt"]) > 20 and image["src"].startswith("data:image/") for image in shown)
    assert [re.sub(r"\W", "", i["alt"]) for i in shown] == [re.sub(r"&\w+;|&#\w+;|\W", "", alt) for alt in wanted]


def test_nothing_is_loaded_from_elsewhere(deck: Reader) -> None:
    assert_nothing_is_loaded(deck)


def test_no_solution_is_shown(deck: Reader) -> None:
    text = WORDS.sub("", "".join(deck.text))
    for exercise in EXERCISES.values():
        lines = inspect.getsource(exercise.solution).splitlines()
        body = [line for line in lines if not re.match(r"\s*(check_|\"\"\"|def |@)", line)]
        assert WORDS.sub("", "".join(body[-4:])) not in text, exercise.name


def test_every_exercise_has_its_statement_its_minutes_and_its_stub(deck: Reader, stem: str) -> None:
    text = WORDS.sub(" ", "".join(deck.text))
    here = [exercise for exercise in EXERCISES.values() if exercise.lesson == stem]
    assert text.count("Exercise: ") >= len(here)
    for exercise in here:
        assert f" {exercise.minutes} minutes" in text
        assert exercise.stub.splitlines()[0] in text
    assert "check(" not in text.replace('check("rnn.step")', "")


def test_mathematics_is_whole(deck: Reader, cells: Any) -> None:
    assert len(deck.mathematics) > 3
    for formula in deck.mathematics:
        assert (formula[:2], formula[-2:]) in [("\\(", "\\)"), ("\\[", "\\]")]
        assert "\ue000" not in formula
    assert "$" not in re.sub(r"\s", "", "".join(t for t in deck.text if t not in deck.mathematics)).replace("US$", "")
    shown = [cell for cell in cells if cell.metadata.slideshow.slide_type != "skip"]
    for cell in shown:
        for part in prose.parts(cell.source) if cell.cell_type == "markdown" else []:
            if part.kind == "equation":
                assert f"\\[{part.source.strip('$').strip()}\\]" in deck.mathematics


def test_what_is_not_on_the_screen_is_in_the_notes(deck: Reader, cells: Any) -> None:
    text = WORDS.sub("", "".join(deck.text))
    for cell in cells:
        if cell.cell_type == "markdown" and cell.metadata.slideshow.slide_type != "skip":
            for part in prose.parts(cell.source):
                if part.kind == "paragraph" and not re.search(r"[`$*<&\[\\\"']", part.source):
                    assert WORDS.sub("", part.source) in text


def test_what_follows_a_question_waits_for_a_key(html: str) -> None:
    asking = [section for section in html.split("<section>")[1:] if '<div class="question">' in section]
    assert asking
    for section in asking:
        after = section[section.index('<div class="question">') :]
        assert after.count('<div class="block') == after.count('<div class="block fragment">')


@pytest.mark.parametrize("name", ["3", "03_gradient_flow", "03_gradient_flow.ipynb"])
def test_a_lesson_is_named_by_its_number_or_its_stem(name: str) -> None:
    assert [path.stem for path in slides.chosen([name, name], LESSONS)] == ["03_gradient_flow"]


def test_the_command_writes_what_was_named_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = LESSONS[0].read_bytes()
    assert main_with("slides", "00", "--to", str(tmp_path)) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"{STEMS[0]}.html"), str(tmp_path / "index.html")]
    index = Reader((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert [a["href"] for a in index.all("a")] == [f"{STEMS[0]}.html"]
    assert_nothing_is_loaded(index)
    assert main_with("slides", "00", "--to", str(tmp_path)) == 0, "its own files may be overwritten"
    assert LESSONS[0].read_bytes() == before, "the notebook is only read"


@pytest.mark.parametrize("name", [f"{STEMS[0]}.html", "index.html"])
@pytest.mark.parametrize("content", ["<!doctype html><p>mine</p>", ""])
def test_a_file_of_somebody_else_stays(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match="not made by this command"):
        slides.write(["00"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing else is written either"
    assert (tmp_path / name).read_text() == content


def test_a_script_cannot_end_its_element() -> None:
    assert page.safe("'</script><!--'") == "'<\\/script><\\!--'"
