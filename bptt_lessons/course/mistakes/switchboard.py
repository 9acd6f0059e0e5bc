"""Many edits of one function, compiled once: which of them are in force is chosen at each call.

Each statement that has alternatives becomes ``if _choice[n] == 0: the statement``, ``if _choice[n] == 1: another`` ...
So hundreds of edits, and any two of them together, cost one compilation.  Where that cannot be done (the header of a
loop, a new local name), the edited function is compiled by itself.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bptt_lessons.course.mistakes import edits
from bptt_lessons.course.mistakes.edits import BODIES, Place, Replacement

ROUNDS_AT_MOST = 100_000  # of all loops in one call: an edited loop may have no end


class EndlessError(Exception):
    """An edited function goes round its loops for too long."""


class Switchboard:
    """One function with all its edits."""

    def __init__(
        self, tree: ast.FunctionDef, names: Mapping[str, Any], changes: Sequence[Sequence[Replacement]]
    ) -> None:
        self.tree, self.rounds = tree, 0
        self.names = {**names, "_choice": [], "_count": self.count}
        self.numbers: dict[Place, int] = {}
        self.alternatives: dict[Place, list[Sequence[ast.stmt | None]]] = {}
        self.chosen: dict[tuple[Place, int], int] = {}  # by place and the identity of what stands there
        outside = names_used(tree) - names_bound(tree)
        places = edits.statements(tree)
        for replacement in (r for edit in changes if not unbinds(places, edit) for r in edit):
            key = (replacement.place, id(replacement.body))
            if key not in self.chosen and fits(replacement, tree, outside):
                found = self.alternatives.setdefault(replacement.place, [])
                found.append(replacement.body)
                self.chosen[key] = len(found)
                self.numbers.setdefault(replacement.place, len(self.numbers))
        (switched,) = self.built(tree, ())
        assert isinstance(switched, ast.FunctionDef)
        self.function = edits.compiled(counted(switched), self.names)

    def count(self) -> None:
        """Count the rounds of loops in one call."""
        self.rounds += 1
        if self.rounds > ROUNDS_AT_MOST:
            raise EndlessError

    def built(self, statement: ast.stmt, place: Place) -> list[ast.stmt]:
        """Return a statement with its alternatives, and those of the statements under it."""
        whole = copy.copy(statement)
        for name in BODIES:
            if getattr(statement, name, None):
                under = enumerate(getattr(statement, name))
                setattr(whole, name, [m for n, s in under for m in self.built(s, (*place, (name, n)))])
        if place not in self.numbers:
            return [whole]
        bodies = [(whole,), *self.alternatives[place]]
        chosen = [ast.parse(f"_choice[{self.numbers[place]}] == {k}", mode="eval").body for k in range(len(bodies))]
        lines = [[whole if s is None else s for s in body] or [ast.Pass()] for body in bodies]
        return [ast.If(test, body, []) for test, body in zip(chosen, lines, strict=True)]

    def edited(self, changes: Sequence[Replacement]) -> Callable[..., Any]:
        """Return the function with some of its edits in force; EditError if two are of the same statement."""
        if len({change.place for change in changes}) < len(changes):
            raise edits.EditError("two edits are of the same statement")
        choice = [0] * len(self.numbers)
        function = self.function
        here = not unbinds(edits.statements(self.tree), changes)
        if here and all((change.place, id(change.body)) in self.chosen for change in changes):
            for change in changes:
                choice[self.numbers[change.place]] = self.chosen[change.place, id(change.body)]
        else:
            function = edits.compiled(counted(edits.applied(self.tree, changes)), self.names)

        def call(*arguments: Any) -> Any:
            self.rounds = 0
            function.__globals__["_choice"] = choice
            return function(*arguments)

        return call


def unbinds(places: Mapping[Place, ast.stmt], changes: Sequence[Replacement]) -> bool:
    """Say whether an edit uses a name that it no longer binds: as a global's, which it is not among alternatives."""
    new = [s for change in changes for s in change.body if s is not None]
    lost = set().union(*(names_bound(places[c.place]) for c in changes if None not in c.body and c.place))
    bound = set().union(*map(names_bound, new))
    return bool((lost - bound) & set().union(*map(names_used, new)))


def fits(replacement: Replacement, tree: ast.FunctionDef, outside: set[str]) -> bool:
    """Say whether an edit can be one of several alternatives: it changes no header and binds no global's name."""
    new = [s for s in replacement.body if s is not None]
    above = [edits.statements(tree)[replacement.place[:n]] for n in range(len(replacement.place))]
    in_loop = any(isinstance(s, (ast.For, ast.While)) for s in above)
    leaves_loop = any(isinstance(node, (ast.Break, ast.Continue)) for s in new for node in ast.walk(s))
    if not replacement.place or (leaves_loop and not in_loop) or any(edits.is_header(s) for s in new):
        return False
    if any(isinstance(node, (ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal)) for s in new for node in ast.walk(s)):
        return False
    return not any(names_bound(s) & outside for s in new)


def names_bound(tree: ast.AST) -> set[str]:
    """Return the names that a function or a statement binds."""
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    return bound | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def names_used(tree: ast.AST) -> set[str]:
    """Return the names that a function reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def counted(tree: ast.FunctionDef) -> ast.FunctionDef:
    """Return a function that counts the rounds of its loops."""

    class Count(ast.NodeTransformer):
        def visit_For(self, node: ast.For) -> ast.AST:
            self.generic_visit(node)
            node.body = [ast.parse("_count()").body[0], *node.body]
            return node

        def visit_While(self, node: ast.While) -> ast.AST:
            self.generic_visit(node)
            node.body = [ast.parse("_count()").body[0], *node.body]
            return node

    return edits.without_lines(Count().visit(copy.deepcopy(tree)))
