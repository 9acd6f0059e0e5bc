"""The sources of the cells in which a learner last set out to write each function.

An older definition must not be graded if the cell that replaces it does not parse or fails.  So before a cell runs,
the functions that it is about to define are forgotten, and its source is kept to explain why there is none.
"""

from __future__ import annotations

import re
from typing import Any

from bptt_lessons.course.report import notebook_shell

SOURCES: dict[str, str] = {}  # learner's function name -> source of the last cell that set out to define it
DEFINITION = re.compile(r"^def\s+(my_\w+)", re.MULTILINE)
ATTEMPT = re.compile(r"^(?:\w+\s+)?(my_\w+)\s*[(=](?!=)", re.MULTILINE)  # in a cell that does not parse


def forget_older_definitions(info: Any) -> None:
    """Before a cell runs, remove the learner's functions that it sets out to define from the notebook's names."""
    shell = notebook_shell()
    source = info.raw_cell or ""
    names = set(DEFINITION.findall(source))
    if syntax_error(source) is not None:
        names |= set(ATTEMPT.findall(source))
    for name in names:
        SOURCES[name] = source
        shell.user_ns.pop(name, None)


def syntax_error(source: str) -> SyntaxError | None:
    """Return the SyntaxError of a cell's source, magics allowed, or None."""
    shell = notebook_shell()
    try:
        compile(shell.transform_cell(source) if shell is not None else source, "<cell>", "exec")
    except SyntaxError as error:
        return error
    except Exception:  # a magic that fails: the cell itself will say so
        return None
    return None


def watch_cells() -> None:
    """Have the running IPython shell call `forget_older_definitions` before each cell."""
    shell = notebook_shell()
    if shell is None:
        return
    for callback in list(shell.events.callbacks["pre_run_cell"]):
        if getattr(callback, "__name__", "") == forget_older_definitions.__name__:
            shell.events.unregister("pre_run_cell", callback)
    shell.events.register("pre_run_cell", forget_older_definitions)
