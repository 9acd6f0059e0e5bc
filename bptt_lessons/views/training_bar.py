"""A progress bar for training that leaves the same output behind after every run.

While training runs, one display is written over and over (at most ten times a second).
At the end it is emptied and one plain line is printed, so a notebook holds the same
output however fast the machine was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

from bptt_lessons.arguments import check_size

SECONDS_BETWEEN = 0.1
EMPTY = {"text/html": "", "text/plain": ""}


def training_progress(total: int, label: str = "trained") -> Callable[[int, float], None]:
    """Return a progress bar, to be given to ``training.loop.fit`` as `on_update`.

    Parameters
    ----------
    total : int
        How many updates there will be, at least 1.
    label : str, optional
        Stands before the count in the line that is left at the end.

    Returns
    -------
    callable
        Takes (updates done, loss).  At the last update it prints ``trained: 300 updates``.

    Raises
    ------
    ValueError
        If `total` is below 1 or `label` is empty.
    """
    check_size("total", total)
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"label must be a text that says what is trained, got {label!r}")
    handle: Any = None
    drawn = 0.0

    def on_update(done: int, loss: float) -> None:
        nonlocal handle, drawn
        if handle is None:
            handle = _open_display()
        now = time.monotonic()
        if done >= total:
            handle.update(EMPTY, raw=True)
            if done == total:
                print(f"{label}: {total} updates")
        elif now - drawn >= SECONDS_BETWEEN:
            drawn = now
            handle.update(_bar(label, done, total, loss), raw=True)

    return on_update


def _bar(label: str, done: int, total: int, loss: float) -> dict[str, str]:
    words = f"{label}: {done} of {total} updates, loss {loss:.4g}"
    bar = f'<progress aria-label="{escape(label)}" max="{total}" value="{done}"></progress> {escape(words)}'
    return {"text/html": bar, "text/plain": words}


class _Nowhere:
    """Stands for a display where there is no notebook."""

    def update(self, *_: Any, **__: Any) -> None:
        pass


def _open_display() -> Any:
    """Open an empty display in a notebook, none elsewhere."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return _Nowhere()
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return _Nowhere()
    return display(EMPTY, raw=True, display_id=True)  # type: ignore[no-untyped-call]
