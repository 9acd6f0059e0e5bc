"""Is a function still the empty stub?"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import textwrap
from typing import Any

from bptt_lessons.course.sandbox import code_of

SILENT = {"RESUME", "NOP", "CACHE", "PRECALL", "PUSH_NULL", "COPY_FREE_VARS", "NOT_TAKEN"}


def is_stub(function: Any) -> bool:
    """Whether a function's body is only a docstring, `...`, `pass` or `raise NotImplementedError`.

    The source decides where there is one.  Without it the byte code does; there
    `return None` differs from `pass` only by its column.
    """
    while issubclass(type(function), functools.partial):
        function = function.func
    code = code_of(function)
    if code is None or code.co_name == "<lambda>":
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError, ValueError):
        return empty_code(code)
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)) or tree.name != code.co_name:
        return empty_code(code)  # the source of something else: "<string>" may stand for more than one text
    return all(empty_statement(statement) for statement in tree.body)


def empty_statement(statement: ast.stmt) -> bool:
    """Whether a statement is what a stub is made of."""
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value is Ellipsis or isinstance(statement.value.value, str)
    return isinstance(statement, ast.Pass)


def empty_code(code: Any) -> bool:
    """Whether byte code does nothing, or only raises NotImplementedError."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in SILENT]
    if any(step.opname == "RAISE_VARARGS" for step in steps):
        first = steps[0]
        return first.opname == "LOAD_GLOBAL" and first.argval == "NotImplementedError" and len(steps) <= 5
    if any(
        step.opname not in ("LOAD_CONST", "RETURN_VALUE", "RETURN_CONST") or step.argval not in (None,)
        for step in steps
    ):
        return False
    place = steps[0].positions
    if place is None or place.col_offset is None or place.end_col_offset is None:
        return True
    width = place.end_col_offset - place.col_offset
    return width in (0, 3) or (width == 4 and place.col_offset % 4 == 0) or place.lineno != place.end_lineno
