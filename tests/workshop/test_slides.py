"""The slides as files: what they hold, what they must not, and what is never written over."""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from html_pages import Reader, assert_nothing_is_loaded

from bptt_lessons.course import EXERCISES, cli, learner_folder
from bptt_lessons.workshop import commands, comparison, page, prose, slides

LESSONS = learner_folder.shipped_lessons(learner_folder.shipped_folder())
STEMS = [path.stem for path in LESSONS]
TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
WORDS = re.compile(r"\s+")


def main_with(*arguments: str) -> int:
    """Run the command line."""
    return cli.main(arguments, add_more=commands.add)


@pytest.fixture(scope="module")
def decks(folder: Path) -> dict[str, Reader]:
    return {stem: Reader((folder / f"{stem}.html").read_text(encoding="utf-8")) for stem in STEMS}


@pytest.fixture(params=STEMS)
def stem(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deck(decks: dict[str, Reader], stem: str) -> Reader:
    return decks[stem]


@pytest.fixture
def cells(stem: str) -> Any:
    return nbformat.read(LESSONS[STEMS.index(stem)], as_version=4).cells


def test_every_cell_says_where_it_goes(cells: Any) -> None:
    assert {cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells} <= TYPES


def test_what_an_author_wants_shown_is_there(cells: Any) -> None:
    for cell in cells:
        wanted = cell.metadata.slideshow
        assert set(wanted) <= {"slide_type", "sentences", "height", "rows"}
        if "sentences" in wanted:
            told = [part for part in prose.parts(cell.source) if part.kind == "paragraph"]
            assert len(wanted["sentences"]) <= len(told)
            for count, part in zip(wanted["sentences"], told, strict=False):
                assert count is None or 0 <= count <= len(prose.sentences(part.source)), part.source
        if "height" in wanted:
            html = next(html for output in cell.outputs if (html := output.get("data", {}).get("text/html")))
            assert 0 < slides.upper_part(html, wanted["height"])[1] < slides.upper_part(html, 0)[1]
        if "rows" in wanted:
            found = [comparison.read(output.get("text", ""), wanted["rows"]) for output in cell.outputs]
            assert any(table and table.rows for table in found)


def test_a_deck_is_of_a_length_that_can_be_shown(deck: Reader, stem: str) -> None:
    assert (12 if stem == STEMS[0] else 20) <= len(deck.all("section")) <= 48


def test_it_has_a_language_a_title_and_headings_in_order(deck: Reader, stem: str) -> None:
    assert deck.all("html") == [{"lang": "en"}]
    assert f"{stem[:2]} " in "".join(deck.text[:12])
    levels = [int(tag[1]) for tag, _ in deck.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 or after == 2 for before, after in pairwise(levels))


def test_every_slide_names_its_lesson(deck: Reader) -> None:
    assert len(deck.all("footer")) == len(deck.all("section"))


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


def test_what_follows_a_question_waits_for_a_key(folder: Path, stem: str) -> None:
    text = (folder / f"{stem}.html").read_text(encoding="utf-8")
    asking = [section for section in text.split("<section>")[1:] if '<div class="question">' in section]
    assert asking
    for section in asking:
        after = section[section.index('<div class="question">') :]
        assert after.count('<div class="block') == after.count('<div class="block fragment">')


def test_questions_to_take_home_are_asked_whole(folder: Path, stem: str, cells: Any) -> None:
    text = (folder / f"{stem}.html").read_text(encoding="utf-8")
    sections = [section for section in text.split("<section>") if ">On your own</h2>" in section]
    own = [cell.source for cell in cells if "# On your own" in cell.source]
    assert len(sections) == len(own) == (stem != STEMS[0])
    for section, source in zip(sections, own, strict=True):
        items = next(part.source for part in prose.parts(source) if part.kind == "list")
        body = Reader(section[: section.index("<footer>")].replace("</body>", ""))
        asked = [sentence for item in items.splitlines() for sentence in prose.sentences(item) if "?" in sentence]
        assert len(asked) >= 2
        for sentence in asked:
            for piece in prose.TOKEN.split(prose.mask(sentence)[0])[::2]:
                assert WORDS.sub("", piece.replace("*", "")) in WORDS.sub("", "".join(body.text)), sentence


@pytest.mark.parametrize("index", range(len(LESSONS)))
def test_a_question_is_followed_by_an_output_before_its_answer(index: int) -> None:
    cells = slides.read(LESSONS[index])
    for section in slides.sections_of(cells, slides.equations_of(cells)):
        waiting = ""
        for block in section.blocks:
            if waiting and block.told and block.html and not block.leads:
                pytest.fail(f"{section.title}: {waiting[:80]} is answered by {block.html[:80]}")
            shows = re.match(r"<(figure|table|pre class=\"output\"|div class=\"report\")", block.html)
            if shows:
                waiting = ""
            if block.asks and ", then " in block.html:  # "Predict, then run": what is only to be thought about has none
                waiting = block.notes
        assert not waiting, section.title


CELL = """
sizes = [1, 2, 3]


total = sum(sizes)
print(
    "the sum is",
    total,
)
curve = np.array(sizes)
plots.lines({"sizes": curve})
past = recorded("something")
first, last = past[0], past[-1]
compared(EXPERIMENT, past)
assert first < last
"""


def test_no_line_is_left_that_served_only_what_is_left_out() -> None:
    assert slides.shown_code(CELL).split() == ["sizes", "=", "[1,", "2,", "3]", "total", "=", "sum(sizes)"]
    assert slides.shown_code("k = 12\nprint(k)\nassert k") == "k = 12\nprint(k)"
    assert slides.shown_code("k = 12\nassert k\nprint(k)") == "k = 12\nassert k\nprint(k)"
    assert slides.shown_code("def f():\n    return 1\nassert f()") == "def f():\n    return 1"


def test_a_comparison_becomes_a_table_again() -> None:
    from bptt_lessons.course.side_by_side import columns

    lines = ["What is", "asked?", *columns("", "published", "recorded, 3 seeds", "here, one seed"), "-" * 92]
    lines += columns("error of a very long name indeed", "as others wrote, in more than one line", "0.5", "-")
    lines += [*columns("solved", "-", "3 of 3", "[measured 1 of 1]"), "Recorded with T = 5.", "Note: More."]
    found = comparison.read("\n".join(lines))
    assert found == comparison.Comparison(
        "What is asked?",
        ("", "published", "recorded, 3 seeds", "here, one seed"),
        (
            ("error of a very long name indeed", "as others wrote, in more than one line", "0.5", "-"),
            ("solved", "-", "3 of 3", "[measured 1 of 1]"),
        ),
        "Recorded with T = 5.",
        "More.",
    )
    fewer = comparison.read("\n".join(lines), "solved")
    assert fewer is not None
    assert (fewer.heads, fewer.rows) == (
        ("", "recorded, 3 seeds", "here, one seed"),
        (("solved", "3 of 3", "[measured 1 of 1]"),),
    )
    assert comparison.to_html(fewer).count('<th scope="row">') == 1
    assert comparison.read("published is what was published") is None


def test_the_outline_gives_minutes(deck: Reader, stem: str) -> None:
    text = WORDS.sub(" ", " ".join(deck.text))
    outline = text[text.index("In this lesson") :][:900]
    assert "minutes" in outline
    for exercise in EXERCISES.values():
        if exercise.lesson == stem:
            assert f"{exercise.minutes} min" in outline


def test_the_index_leads_to_every_deck(folder: Path) -> None:
    index = Reader((folder / "index.html").read_text(encoding="utf-8"))
    assert [a["href"] for a in index.all("a")] == [f"{stem}.html" for stem in STEMS]
    assert_nothing_is_loaded(index)


def test_a_notebook_is_only_read(tmp_path: Path) -> None:
    before = LESSONS[0].read_bytes()
    slides.write(["00"], tmp_path)
    assert LESSONS[0].read_bytes() == before


def test_a_wrong_name_is_told_the_right_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_with("slides", "33", "--to", str(tmp_path / "here")) == 1
    said = capsys.readouterr().err
    assert "LESSON is 33" in said
    assert all(stem in said for stem in STEMS)
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("name", ["3", "03", "03_gradient_flow", "03_gradient_flow.ipynb"])
def test_a_lesson_is_named_by_its_number_or_its_stem(name: str) -> None:
    assert [path.stem for path in slides.chosen([name, name], LESSONS)] == ["03_gradient_flow"]


def test_the_command_writes_what_was_named_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_with("slides", "00", "--to", str(tmp_path)) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"{STEMS[0]}.html"), str(tmp_path / "index.html")]
    assert main_with("slides", "00", "--to", str(tmp_path)) == 0, "its own files it writes anew"


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


def test_sentences() -> None:
    said = prose.sentences("R. Pascanu said so (see p. 3. Really). Then $x. Y$ came! *Why?* Nobody knows")
    assert said == ["R. Pascanu said so (see p. 3. Really).", "Then $x. Y$ came!", "*Why?*", "Nobody knows"]


def test_metadata_is_kept_when_a_lesson_is_rewritten() -> None:
    source = (Path(__file__).parents[1] / "lessons" / "rewrite.py").read_text(encoding="utf-8")
    assert '"slideshow"' in source


def test_what_others_wrote_is_named_with_its_licence() -> None:
    vendor = Path(page.__file__).parent / "vendor"
    said = (vendor / "README.md").read_text(encoding="utf-8")
    for path in vendor.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in said
