"""The bank of questions: each has a lesson that exists, a kind, and an answer whose code runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = {path.stem[:2] for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
KINDS = {"recall", "reasoning", "computation"}
ANSWER = "<details><summary>Answer</summary>"


class Question(NamedTuple):
    number: int
    title: str
    lesson: str
    kind: str
    asked: str
    answer: str
    code: str


def questions(page: str) -> list[Question]:
    """Take a page apart; a question that is not built as the others are is a ValueError."""
    found = []
    for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        part = re.split(r"^## ", part, maxsplit=1, flags=re.MULTILINE)[0]
        pattern = rf"(\d+)\. ([^\n]+)\n\nLesson (\d\d) · (\w+)\n\n(.+?)\n\n{ANSWER}\n\n(.+?)\n\n</details>\s*"
        match = re.fullmatch(pattern, part, re.DOTALL)
        if match is None:
            raise ValueError(f"not built as a question: {part.splitlines()[0]}")
        number, title, lesson, kind, asked, answer = match.groups()
        code = "".join(re.findall(r"^```python\n(.*?)^```", answer, re.MULTILINE | re.DOTALL))
        prose = re.sub(r"^```.*?^```", "", answer, flags=re.MULTILINE | re.DOTALL)
        found.append(Question(int(number), title, lesson, kind, asked, prose, code))
    return found


PAGE = (ROOT / "instructors" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = questions(PAGE)


def wrong_with(question: Question) -> list[str]:
    """Return what is wrong with a question."""
    choices = re.findall(r"^- \*\*(\w)\*\* ", question.asked, re.MULTILINE)
    explained = set(re.findall(r"\*\*(\w)\*\*", question.answer))
    return [
        complaint
        for complaint, holds in {
            f"there is no lesson {question.lesson}": question.lesson not in LESSONS,
            f"{question.kind} is no kind": question.kind not in KINDS,
            "its choices are not a, b, c, ...": choices != list("abcdef"[: len(choices)]),
            "the answer does not speak of every choice": explained != set(choices),
            "the answer does not begin with the right choice": bool(choices) and not question.answer.startswith("**"),
            "a computation without code": question.kind == "computation" and "assert " not in question.code,
        }.items()
        if holds
    ]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.number}")
def test_a_question_has_a_lesson_a_kind_and_an_answer_to_every_choice(question: Question) -> None:
    assert wrong_with(question) == []


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.code], ids=lambda question: f"{question.number}")
def test_the_numbers_of_an_answer_are_computed(question: Question) -> None:
    module = type(sys)("answer")
    exec(compile(question.code, f"question {question.number}", "exec"), vars(module))
