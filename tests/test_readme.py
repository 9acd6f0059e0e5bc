"""The README's map of what is tested: every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def rows(page: str) -> list[str]:
    """Return the rows of the table under "What is tested"."""
    section = page.split("\n## What is tested\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def missing(row: str) -> list[str]:
    """Return the tests that a row names and that are not there."""
    return [
        "::".join(filter(None, (path, test)))
        for path, test in NAMED.findall(row)
        if not (ROOT / path).exists() or (test and f"\ndef {test}(" not in (ROOT / path).read_text(encoding="utf-8"))
    ]


ROWS = rows((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_every_row_names_tests_that_are_there(row: str) -> None:
    assert NAMED.search(row), "no test is named"
    assert missing(row) == []


def test_a_test_that_was_renamed_would_be_missed() -> None:
    assert missing("| `tests/test_readme.py::test_a_test_that_was_renamed_would_be_missed` |") == []
    assert missing("| `tests/test_readme.py::test_no_such` and `tests/none.py` |") == [
        "tests/test_readme.py::test_no_such",
        "tests/none.py",
    ]
