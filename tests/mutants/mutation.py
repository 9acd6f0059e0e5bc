"""Mutants: a function with one small change, and the kind of the change.

A mutant is a slip of the pen.  `mutants(solution, arguments)` makes all of them: it parses the source of the function
and makes, one at a time, every change that a rule of `mistakes.rules` knows.  Changes that give the same program count
once.  Argument checks (`check_...`) and `raise` statements stay as they are: learners do not write them.

To know which names may be confused ("h for h_prev"), it runs the function once on `arguments`: two names are of one
kind if their values are, such as two arrays with the same number of axes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any, NamedTuple

from bptt_lessons.course.mistakes.rules import changes, scope_of
from bptt_lessons.course.mistakes.slips import nodes

KINDS = (
    "operator", "sign", "term dropped", "call dropped", "constant", "index", "slice", "transposition", "axis",
    "argument", "name", "field", "statement", "accumulation", "loop", "order", "in place", "returned", "function",
    "condition",
)  # fmt: skip


class Mutant(NamedTuple):
    """One changed function."""

    kind: str  # one of KINDS
    change: str  # "3: `h = np.tanh(z)` -> `h = z`": the line as the parser writes it, and what became of it
    source: str  # of the whole function


Place = tuple[tuple[str, int | None], ...]  # the path to a node: (field, position in a list or None), from the root


def mutants(solution: Callable[..., Any], arguments: Mapping[str, Any]) -> list[Mutant]:
    """Return every mutant of a function once, in the order of its lines.

    Parameters
    ----------
    solution : function
        One whose source can be read.
    arguments : mapping
        What it runs on, once, to see the kind of each name.
    """
    tree = parsed(solution)
    scope = scope_of(tree, solution.__globals__, arguments)
    before = ast.unparse(tree).splitlines()
    seen = {ast.unparse(tree)}
    times: Counter[str] = Counter()
    found = []
    for place, node, above in nodes(tree):
        for kind, change in changes(node, above, scope):
            source = with_change(tree, place, change)
            if source not in seen and compiles(source):
                seen.add(source)
                change_told = told(before, source.splitlines())
                times[change_told] += 1
                again_told = f" ({times[change_told]})" if times[change_told] > 1 else ""
                found.append(Mutant(kind, change_told + again_told, source))
    return found


def compiles(source: str) -> bool:
    """Whether a source compiles: `break` may now be outside a loop, for example."""
    try:
        compiled(source)
    except (SyntaxError, ValueError):
        return False
    return True


def compiled(source: str) -> CodeType:
    """Return the byte code of a source, without warnings, such as about a number that is called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(source, "<mutant>", "exec")


def built(source: str, solution: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that a source defines, with the names of the solution's module."""
    names = dict(solution.__globals__)
    exec(compiled(source), names)
    function: Callable[..., Any] = names[solution.__name__]
    return function


def parsed(solution: Callable[..., Any]) -> ast.FunctionDef:
    """Return the tree of a function without docstring, decorators and annotations."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(solution))).body[0]
    if not isinstance(tree, ast.FunctionDef) or tree.name != solution.__name__:
        raise ValueError(f"the source of {solution.__name__} has changed since it was imported")
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    tree.decorator_list, tree.returns = [], None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    tree = Plain().visit(tree)
    again = ast.parse(ast.unparse(tree)).body[0]  # lines as `unparse` writes them
    assert isinstance(again, ast.FunctionDef)
    return again


class Plain(ast.NodeTransformer):
    """Takes annotations off assignments."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert node.value is not None
        return ast.Assign([node.target], node.value, lineno=node.lineno)


def first_lines(tree: ast.FunctionDef) -> dict[str, int]:
    """Return the line in which each name of a function is bound first; parameters have line 0."""
    lines = {argument.arg: 0 for argument in tree.args.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return lines


def with_change(tree: ast.AST, place: Place, change: Any) -> str:
    """Return the source with one node replaced; the tree itself stays unchanged."""
    *path, (field, number) = place
    owner: Any = tree
    for f, n in path:
        owner = getattr(owner, f) if n is None else getattr(owner, f)[n]
    items, key = (vars(owner), field) if number is None else (getattr(owner, field), number)
    before, items[key] = items[key], change
    try:
        return ast.unparse(tree)
    finally:
        items[key] = before


def told(before: Sequence[str], after: Sequence[str]) -> str:
    """Say in which lines two functions differ."""
    start, end = common(before, after), common(before[::-1], after[::-1])
    end = min(end, len(before) - start, len(after) - start)
    old, new = (" | ".join(line.strip() for line in lines[start : len(lines) - end]) for lines in (before, after))
    if not old or not new:
        return f"{start}: `{shortened(old or new)}` {'left out' if old else 'added'}"
    if old == new:
        return f"{start}: `{shortened(old)}` indented otherwise"
    return f"{start}: `{shortened(old)}` -> `{shortened(new)}`"


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many lines two functions have in common from their beginning."""
    return next((n for n, (p, q) in enumerate(zip(a, b, strict=False)) if p != q), min(len(a), len(b)))


def shortened(text: str) -> str:
    """Return a text without its middle if it is long."""
    return text if len(text) <= 240 else f"{text[:120]} ... {text[-100:]}"
