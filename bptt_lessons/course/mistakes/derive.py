"""Wrong functions, derived from a solution and the edits of a page."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bptt_lessons.course.mistakes import edits
from bptt_lessons.course.mistakes.edits import EditError, Replacement
from bptt_lessons.course.mistakes.mistake_page import Edit, Mistake, Section


def trees_of(solution: Callable[..., Any], section: Section) -> list[ast.FunctionDef]:
    """Return the trees of the solution and of the other right ways to write it."""
    return [edits.parsed(solution), *map(edits.definition, section.ways)]


def replacements(tree: ast.FunctionDef, mistake: Mistake) -> list[Replacement]:
    """Return what a mistake puts in the place of which statements.

    Raises
    ------
    EditError
        With the statement and the edit, if an edit does not fit.
    """
    return [replacement(tree, edit) for edit in mistake.edits]


def replacement(tree: ast.FunctionDef, edit: Edit) -> Replacement:
    """Return what one edit puts in the place of its statement."""
    if not edit.statement:
        return Replacement((), (edits.definition(edit.new),))
    place = edits.find(tree, edit.statement)
    statement = edits.statements(tree)[place]
    if edit.how == "left out":
        return Replacement(place, ())
    if edit.how == "tokens":
        return Replacement(place, tuple(edits.read(edits.substituted(edits.text_of(statement), edit.old, edit.new))))
    lines: list[ast.stmt | None] = list(edits.read(edit.new))
    return Replacement(place, tuple({"instead": lines, "before": [*lines, None], "after": [None, *lines]}[edit.how]))


def derived(tree: ast.FunctionDef, mistakes: Sequence[Mistake], names: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function with all of these mistakes.

    Raises
    ------
    EditError
        With the name of the mistake, its statement and its edit, if one does not fit.
    """
    changes = []
    for mistake in mistakes:
        try:
            changes += replacements(tree, mistake)
        except EditError as error:
            raise EditError(f"{mistake.name}: {error}") from None
    whole = [change for change in changes if change.place == () and not edits.is_header(change.body[0])]  # type: ignore[arg-type]
    if whole:
        (definition,) = whole[0].body
        assert isinstance(definition, ast.FunctionDef)
        return edits.compiled(ast.fix_missing_locations(definition), names)
    return edits.compiled(edits.applied(tree, changes), names)
