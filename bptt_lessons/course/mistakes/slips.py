"""Slips of the pen: the systematic edits of a function, one small thing at a time, and of what kind each is.

At every place of a function every change is made that one of the rules in `rules` knows: another operator, a sign, a
term left out, an index, an axis, a name, a transposition, an order.  What only checks arguments stays as it is.
To know which names can be taken for one another ("h for h_prev"), the function is run once; two names are of one
kind if their values were, such as two arrays with as many axes.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bptt_lessons.course.mistakes.edits import BODIES, Place, Replacement, statements
from bptt_lessons.course.mistakes.rules import Scope, changes, left_alone, scope_of


class Slip(NamedTuple):
    """One small change."""

    name: str  # kind, quantity and a number, such as "term-dropped-in-dc-2"
    kind: str
    quantity: str  # what the changed statement makes, such as "dc"; "" if it makes nothing that has a name
    changes: tuple[Replacement, ...]


def slips(tree: ast.FunctionDef, names: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Slip]:
    """Return every slip in a function once, in the order of its lines.

    Parameters
    ----------
    tree : ast.FunctionDef
        From `edits.parsed`.
    names : mapping
        The function's globals.
    arguments : mapping
        What it is run on, once, to see of which kind its names are.
    """
    scope = scope_of(tree, names, arguments)
    seen: set[str] = set()
    numbers: Counter[str] = Counter()
    found = []
    for kind, replaced in single_changes(tree, scope):
        key = str([(r.place, [s and ast.unparse(ast.fix_missing_locations(s)) for s in r.body]) for r in replaced])
        if key in seen or not replaced:
            continue
        seen.add(key)
        quantity = made_by(statements(tree)[replaced[0].place])
        name = "-".join([kind.replace(" ", "-"), *(["in", quantity] if quantity else [])])
        numbers[name] += 1
        found.append(Slip(f"{name}-{numbers[name]}", kind, quantity, tuple(replaced)))
    return found


def single_changes(tree: ast.FunctionDef, scope: Scope) -> Iterator[tuple[str, list[Replacement]]]:
    """Yield the kind of every change, and what stands in the place of which statements."""
    for place, node, above in nodes(tree):
        for kind, change in changes(node, above, scope):
            if isinstance(node, list):
                body_of = (*place[:-1], (place[-1][0], 0))
                yield kind, in_a_body(node, change, tuple((f, n or 0) for f, n in body_of))
            else:
                yield kind, in_a_statement(tree, place, change)


def in_a_statement(tree: ast.FunctionDef, place: Any, change: Any) -> list[Replacement]:
    """Return the change of one node as a change of the statement that it is in."""
    depth = 0
    while depth < len(place) and place[depth][0] in BODIES:
        depth += 1
    here: Place = place[:depth]
    statement: Any = statements(tree)[here]
    original = ast.unparse(statement)
    if depth == len(place):
        changed = change
    else:
        changed = copy.deepcopy(statement)
        owner: Any = changed
        *way, (field, number) = place[depth:]
        for f, n in way:
            owner = getattr(owner, f) if n is None else getattr(owner, f)[n]
        if number is None:
            setattr(owner, field, change)
        else:
            getattr(owner, field)[number] = change
    if ast.unparse(ast.fix_missing_locations(copy.deepcopy(changed))) == original:
        return []
    if hasattr(statement, "body") and hasattr(changed, "body"):
        changed = copy.copy(changed)
        for name in BODIES:  # a header: what is under it may be changed by another edit
            if getattr(changed, name, None):
                setattr(changed, name, [ast.Pass()] if name == "body" else [])
    return [Replacement(here, (changed,))]


def in_a_body(before: list[ast.stmt], after: list[ast.stmt], first: Place) -> list[Replacement]:
    """Return the change of a list of statements as changes of its statements; the last one takes what is left over."""
    places: list[Place] = [(*first[:-1], (first[-1][0], number)) for number in range(len(before))]
    start = 0
    while start < min(len(before), len(after)) and before[start] is after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] is after[-1 - end]:
        end += 1
    gone, new = places[start : len(before) - end], list(after[start : len(after) - end])
    if not gone:
        return []
    return [Replacement(gone[0], tuple(new)), *(Replacement(place, ()) for place in gone[1:])]


def made_by(statement: ast.stmt) -> str:
    """Return what a statement makes, in one word: the name it binds, or what it is."""
    if isinstance(statement, ast.Assign):
        names = [node.id for node in ast.walk(statement.targets[0]) if isinstance(node, ast.Name)]
        return "-".join(names[:4])
    if isinstance(statement, ast.AugAssign):
        return ast.unparse(statement.target).split("[")[0]
    return {ast.Return: "return", ast.For: "loop", ast.If: "condition"}.get(type(statement), "")


def nodes(tree: ast.AST) -> Iterator[tuple[Any, Any, tuple[ast.AST, ...]]]:
    """Yield every node and every list of statements, with its place and the nodes above it, root first."""

    def below(node: ast.AST, place: Any, above: tuple[ast.AST, ...]) -> Iterator[tuple[Any, Any, Any]]:
        yield place, node, above
        for field, value in ast.iter_fields(node):
            if isinstance(node, (ast.FunctionDef, ast.Lambda)) and field == "args":
                continue
            if isinstance(value, list):
                if field in ("body", "orelse"):
                    yield (*place, (field, None)), value, (*above, node)
                for number, item in enumerate(value):
                    if isinstance(item, ast.AST) and not left_alone(item):
                        yield from below(item, (*place, (field, number)), (*above, node))
            elif isinstance(value, ast.AST) and not left_alone(value):
                yield from below(value, (*place, (field, None)), (*above, node))

    yield from below(tree, (), ())
