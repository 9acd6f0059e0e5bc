"""Edits of a function's source: a statement, and what becomes of it.

A function is parsed once; each of its statements has a *place*, and its text is what `ast.unparse` writes, so that
spaces, quotes and line breaks do not count.  The text of a compound statement (``for``, ``if``, ``def``) is its header.
An edit names a statement by its text and says what stands there instead; `edited` gives the changed function.
"""

from __future__ import annotations

import ast
import copy
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Place = tuple[
    tuple[str, int], ...
]  # where a statement is: (list of statements, position in it), from the function down
Body = tuple[ast.stmt | None, ...]

BODIES = ("body", "orelse", "finalbody")


class EditError(ValueError):
    """An edit does not fit the function that it is for."""


class Replacement(NamedTuple):
    """What stands in the place of one statement; None is the statement itself, a header keeps what is under it."""

    place: Place
    body: Body


def parsed(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return the tree of a function; see `definition`."""
    return definition(textwrap.dedent(inspect.getsource(function)))


def definition(source: str) -> ast.FunctionDef:
    """Return the tree of the one function that `source` defines, without docstring, annotations and argument checks."""
    tree = ast.parse(source).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise EditError(f"expected the definition of a function, got {source.splitlines()[0]!r}")
    first = tree.body[0]
    if len(tree.body) > 1 and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        tree.body = tree.body[1:]
    tree.body = [statement for statement in tree.body if not is_check(statement)] or tree.body
    tree.decorator_list, tree.returns = [], None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
    return tree


def is_check(statement: ast.stmt) -> bool:
    """Say whether a statement only checks arguments: a bare call of ``check_...``, which no learner writes."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
    return name.startswith("check_") and name != "check_finite"  # which looks at a loss


def statements(tree: ast.FunctionDef) -> dict[Place, ast.stmt]:
    """Return every statement of a function by its place, the function itself (its header) at the empty place."""

    def below(node: ast.AST, place: Place) -> Iterator[tuple[Place, ast.stmt]]:
        for name in BODIES:
            for number, statement in enumerate(getattr(node, name, ())):
                here = (*place, (name, number))
                yield here, statement
                yield from below(statement, here)

    return {(): tree, **dict(below(tree, ()))}


def text_of(statement: ast.stmt) -> str:
    """Return the text of a statement, of a compound one the header."""
    if not hasattr(statement, "body"):
        return ast.unparse(statement)
    bare = copy.copy(statement)
    for name in BODIES:
        if getattr(statement, name, None):
            setattr(bare, name, [ast.Pass()] if name == "body" else [])
    return ast.unparse(bare).rsplit("\n", 1)[0]


def read(text: str) -> list[ast.stmt]:
    """Return the statements that a text holds; the header of a compound one counts as one with nothing under it."""
    text = textwrap.dedent(text).strip("\n")
    try:
        return ast.parse(text + ("\n    pass" if text.rstrip().endswith(":") else "")).body
    except SyntaxError as error:
        raise EditError(f"`{text}` is not Python: {error.msg}") from None


def find(tree: ast.FunctionDef, text: str) -> Place:
    """Return the place of a statement by its text.

    A text that ends in "…" need only be how the statement begins; " #2" behind it means the second such statement.

    Raises
    ------
    EditError
        If there is none, or more than one and no number.
    """
    text, _, number = text.partition(" #")
    if text.endswith("…"):
        start = text[:-1].strip()
        found = [place for place, s in statements(tree).items() if text_of(s).startswith(start)]
    else:
        wanted = text_of(read(text)[0])
        found = [place for place, s in statements(tree).items() if text_of(s) == wanted]
    if not found:
        raise EditError(f"the function has no statement `{text}`")
    if len(found) > 1 and not number:
        raise EditError(f"the function has {len(found)} statements `{text}`")
    return found[int(number or 1) - 1]


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """Return the tokens of a piece of Python, which need not be whole."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                found.append(token)
    except (tokenize.TokenError, SyntaxError, IndentationError):  # brackets that are opened elsewhere
        pass
    return found


def substituted(text: str, old: str, new: str) -> str:
    """Return a line of Python with the tokens of `old` replaced by `new`.

    Raises
    ------
    EditError
        Unless `old` occurs in it just once.
    """
    old, _, number = old.partition(" #")
    line, wanted = tokens(text), [token.string for token in tokens(old)]
    words = [token.string for token in line]
    at = [k for k in range(len(words) - len(wanted) + 1) if words[k : k + len(wanted)] == wanted] if wanted else []
    if not at or (len(at) > 1 and not number):
        raise EditError(f"`{old}` occurs {len(at)} times in `{text}`")
    first = at[int(number) - 1 if number else 0]
    start, stop = line[first].start[1], line[first + len(wanted) - 1].end[1]
    return text[:start] + new + text[stop:]


def applied(tree: ast.FunctionDef, replacements: Sequence[Replacement]) -> ast.FunctionDef:
    """Return a copy of a function in which statements are replaced.

    Raises
    ------
    EditError
        If two replacements are of one statement.
    """
    changes: Mapping[Place, Body] = {change.place: change.body for change in replacements}
    if len(changes) < len(replacements):
        raise EditError("two edits are of the same statement")

    def made(original: ast.stmt, place: Place) -> list[ast.stmt]:
        instead = changes.get(place, (None,))
        return [filled(s or original, original, place) if s is None or is_header(s) else s for s in instead]

    def filled(header: ast.stmt, original: ast.stmt, place: Place) -> ast.stmt:
        whole = copy.copy(header)
        for name in BODIES:
            if getattr(original, name, None):
                lines = [m for n, s in enumerate(getattr(original, name)) for m in made(s, (*place, (name, n)))]
                setattr(whole, name, lines or ([ast.Pass()] if name == "body" else []))
        return whole

    (result,) = made(tree, ())
    assert isinstance(result, ast.FunctionDef)
    return without_lines(copy.deepcopy(result))


def without_lines(tree: ast.FunctionDef) -> ast.FunctionDef:
    """Put every node of a tree into one line: those of several texts do not go together."""
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    return tree


def is_header(statement: ast.stmt) -> bool:
    """Say whether a statement is a header that stands for itself and what is under it in the original."""
    body = getattr(statement, "body", None)
    return isinstance(body, list) and len(body) == 1 and isinstance(body[0], ast.Pass)


def compiled(tree: ast.FunctionDef, names: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function that a tree defines, with `names` for its globals."""
    space = dict(names)
    module = ast.Module(body=[tree], type_ignores=[])
    exec(compile(module, f"<{tree.name}, edited>", "exec"), space)
    function: Callable[..., Any] = space[tree.name]
    return function


def listing(text: str) -> str:
    """Return a text on one line."""
    return re.sub(r"\s+", " ", text).strip()
