"""The handout as a file: where its equations come from, what it holds, and that it is written over nobody's."""

from __future__ import annotations

import json
import re
from pathlib import Path

from html_pages import Reader, assert_nothing_is_loaded
from test_handout_numbers import PAGE

from bptt_lessons.course import cli, learner_folder
from bptt_lessons.workshop import commands, handout, prose

LESSONS = learner_folder.shipped_lessons(learner_folder.shipped_folder())
WORDS = re.compile(r"\s+")
# What no notebook has in the page's words: it names an index there, or says the sum, or the mask, in prose.
OWN_WORDS = (
    *("classes", "roads", "tanh", "products", "sums", "readout", "differences", "flow", "radius", "triangle"),
    *("gru to the step before", "length", "descent"),
)


def main_with(*arguments: str) -> int:
    """Run the command line."""
    return cli.main(arguments, add_more=commands.add)


def pieces(formula: str) -> list[str]:
    """The equations in a formula, without spaces, numbers and the full stop."""
    plain = re.sub(r"\\tag\{\w+\}|\\[,;]|\\textstyle", "", formula)
    found = [WORDS.sub("", piece).rstrip(".,;") for piece in re.split(r"\\q?quad", plain)]
    return [piece for piece in found if piece]


def test_every_equation_of_the_handout_stands_in_a_notebook_or_is_named_and_computed() -> None:
    known = {piece for group in OWN_WORDS for formula in PAGE[group] for piece in pieces(formula)} | {r"(k\to\infty)"}
    for path in LESSONS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                for formula in prose.equations("".join(cell["source"])):
                    known.update(pieces(formula))
    text = handout.source().read_text(encoding="utf-8")
    shown = [p for part in prose.parts(text) if part.kind == "equation" for p in pieces(part.source.strip("$"))]
    assert len(shown) > 50
    assert [piece for piece in shown if piece not in known] == []


def test_the_handout_speaks_of_symbols_with_their_shapes() -> None:
    text = handout.source().read_text(encoding="utf-8")
    for name in (
        "x",
        "z",
        "h",
        "h0",
        "c",
        "W_xh",
        "W_hh",
        "W_hy",
        "b_h",
        "b_y",
        "b_hg",
        "i f g o",
        "r u g",
        "dh",
        "dz",
    ):
        assert f"`{name}`" in text


def test_a_table_has_a_caption_and_headers_for_columns_and_rows() -> None:
    read = Reader(handout.handout(handout.source().read_text(encoding="utf-8")))
    tables, rows = len(read.all("table")), len(read.all("tr"))
    assert len(read.all("caption")) == tables == 2
    scopes = [header.get("scope") for header in read.all("th")]
    assert (scopes.count("col"), scopes.count("row"), scopes.count(None)) == (5, rows - tables, 0)


def test_a_heading_names_its_lesson() -> None:
    text = handout.source().read_text(encoding="utf-8")
    titles = [part.title for part in prose.parts(text) if part.kind == "heading" and part.level == 2]
    assert titles[0] == "The alphabet"
    assert all(re.match(r"0\d(,? (to )?0\d)* [A-Z]", title) for title in titles[1:])


def test_the_handout_is_one_file_and_never_written_over_another(tmp_path: Path) -> None:
    assert main_with("handout", "--to", str(tmp_path / "sheet.html")) == 0
    assert_nothing_is_loaded(Reader((tmp_path / "sheet.html").read_text(encoding="utf-8")))
    (tmp_path / "mine.html").write_text("mine")
    assert main_with("handout", "--to", str(tmp_path / "mine.html")) == 1
    assert (tmp_path / "mine.html").read_text() == "mine"
