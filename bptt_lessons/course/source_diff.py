"""The difference between two functions, line by line."""

from __future__ import annotations

import ast
import difflib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def differences(old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """Print the lines in which two functions differ, without docstrings and checks of arguments.

    A line of the first alone begins with "-", of the second alone with "+", of both with a space.

    Parameters
    ----------
    old, new : functions written in Python

    Raises
    ------
    ValueError
        If one of them is not a function with a source.
    """
    print("\n".join(line.rstrip() for line in difflib.ndiff(body("old", old), body("new", new)) if line[0] != "?"))


def body(name: str, function: Callable[..., Any]) -> list[str]:
    """Return the lines of a function without its signature, docstring and checks."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise ValueError(f"{name} must be a function written in Python, got {function!r}") from None
    tree = ast.parse(source).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"{name} must be a function written in Python, got {type(tree).__name__}")
    lines = source.splitlines()
    kept = [s for s in tree.body if not is_docstring(s) and not is_check(s)]
    return [line for s in kept for line in lines[s.lineno - 1 : s.end_lineno]]


def is_docstring(statement: ast.stmt) -> bool:
    """Return whether a statement is only a string."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def is_check(statement: ast.stmt) -> bool:
    """Return whether a statement only calls a function whose name begins with check."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.startswith("check")
