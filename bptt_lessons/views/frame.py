"""The frame of an interactive figure: controls with names, a live picture, and the same in words.

An ``IntSlider`` has no name for assistive technology (its handle carries no
``aria-label``, and ipywidgets offers no way to give it one), so figures are moved by
number fields, check boxes and buttons, which do have one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import ipywidgets  # type: ignore[import-untyped]

from bptt_lessons.views import svg


class Drawing(NamedTuple):
    """One state of an interactive figure."""

    svg: str
    description: str  # what the picture shows, for those who do not see it
    sentence: str  # what happened, in words, shown under the picture


class Interactive:
    """An interactive figure, to be displayed as a cell's last expression.

    Beside the live figure its output carries a static picture, for paper and for
    notebooks that have not been run here.

    Parameters
    ----------
    name : str
        What the reader plays with, such as ``"the unroller"``.
    rows : sequence of sequences of ipywidgets
        The controls.
    draw : callable
        Returns the drawing of the controls' present state.
    static : Drawing
        What stands on paper.
    """

    def __init__(self, name: str, rows: Sequence[Sequence[Any]], draw: Callable[[], Drawing], static: Drawing) -> None:
        self.name = name
        self.static = static
        self.picture = ipywidgets.HTML()
        self.status = ipywidgets.HTML()
        self.draw = draw
        self.controls = {control.description: control for row in rows for control in row}
        wrap = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        self.box = ipywidgets.VBox(
            [*(ipywidgets.HBox(list(row), layout=wrap) for row in rows), self.picture, self.status]
        )
        self.redraw()

    def redraw(self, _change: object = None) -> None:
        """Draw the present state; can be given to ``observe``."""
        drawing = self.draw()
        self.picture.value = drawing.svg
        self.status.value = (
            '<div role="status" aria-live="polite" aria-atomic="true" style="line-height: 1.5; max-width: 52em; '
            f'white-space: normal">{escape(drawing.sentence)}</div>'
        )

    def __repr__(self) -> str:
        return f"Interactive figure: run this cell to play {self.name}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle = dict(self.box._repr_mimebundle_())
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = svg.image(self.static.svg, self.static.description)
        return bundle


def whole_number(name: str, value: int, low: int, high: int) -> Any:
    """Return a named field for a whole number from `low` to `high`."""
    return ipywidgets.BoundedIntText(
        description=name,
        value=value,
        min=low,
        max=high,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=f"{96 + 8 * len(name)}px"),
    )


def real_number(name: str, value: float, step: float) -> Any:
    """Return a named field for a real number."""
    return ipywidgets.FloatText(
        description=name,
        value=value,
        step=step,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=f"{110 + 8 * len(name)}px"),
    )


def bounded_number(name: str, value: float, low: float, high: float, step: float) -> Any:
    """Return a named field for a real number from `low` to `high`."""
    return ipywidgets.BoundedFloatText(
        description=name,
        value=value,
        min=low,
        max=high,
        step=step,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=f"{96 + 8 * len(name)}px"),
    )


def check_box(name: str) -> Any:
    """Return a named check box."""
    return ipywidgets.Checkbox(description=name, value=False, indent=False, layout=ipywidgets.Layout(width="auto"))


def choice(name: str, options: Sequence[Any], value: Any) -> Any:
    """Return a named row of buttons, one of which is pressed.

    No drop-down list: JupyterLab takes the keys that a focused list needs for shortcuts of
    its own (the arrows go to another cell, ``r`` makes the cell a raw one), but leaves
    buttons theirs.
    """
    return ipywidgets.ToggleButtons(
        description=name,
        options=[(str(option), option) for option in options],
        value=value,
        style={"description_width": "initial", "button_width": "auto"},
        layout=ipywidgets.Layout(width="auto"),
    )


def button(name: str, action: Callable[[], None]) -> Any:
    """Return a button that does something."""
    made = ipywidgets.Button(description=name, layout=ipywidgets.Layout(width="auto"))
    made.on_click(lambda _: action())
    return made


def stepper(field: Any, previous: str = "Previous", following: str = "Next") -> list[Any]:
    """Return a number field with a button before and one after it.

    The buttons stay enabled at the ends: a disabled one would drop the keyboard's focus.
    """

    def move(by: int) -> None:
        field.value = max(field.min, min(field.max, field.value + by))

    return [button(previous, lambda: move(-1)), field, button(following, lambda: move(1))]
