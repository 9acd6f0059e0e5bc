"""Reports: what a check tells a learner, as plain text and as HTML, and how it is shown."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal

Status = Literal["correct", "wrong", "not attempted"]

# The words carry the meaning; the border only repeats it.
BORDER = {"correct": "solid #009E73", "wrong": "double #D55E00", "not attempted": "dotted #56B4E9"}


BOTH = " + "  # between the names of two mistakes made together, in records


@dataclass(frozen=True)
class Report:
    """The result of checking one function."""

    exercise: str
    status: Status
    mistakes: tuple[str, ...]  # the one or two that explain every result: known ones, or slips
    general: str | None  # what is wrong in general, such as "no-return", where no mistake is named
    headline: str
    details: tuple[str, ...] = ()  # paragraphs
    block: str = ""  # preformatted: yours beside what is expected
    advice: tuple[str, ...] = ()
    inputs: str = ""  # preformatted: the arguments of the case; folded away in a notebook

    @property
    def misconception(self) -> str | None:
        """The first of `mistakes`, or else what is wrong in general."""
        return self.mistakes[0] if self.mistakes else self.general

    @property
    def recorded(self) -> str | None:
        """What is written into a record of progress: the mistakes, or what is wrong in general."""
        return BOTH.join(self.mistakes) or self.general

    def with_advice(self, *lines: str) -> Report:
        """Return this report with lines added at the end."""
        return replace(self, advice=(*self.advice, *lines))

    def __str__(self) -> str:
        parts = [f"{self.exercise}: {self.headline}", *self.details]
        if self.block:
            parts.append("\n".join("    " + line for line in self.block.splitlines()))
        return "\n".join([*parts, *self.advice])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        style = f"border-left: 5px {BORDER[self.status]}; padding: 0.3em 0.9em; margin: 0.3em 0; max-width: 48em"
        html = [f'<div role="status" style="{style}">']
        html.append(f"<p><strong><code>{escape(self.exercise)}</code>: {escape(self.headline)}</strong></p>")
        html += [f"<p>{paragraph(text)}</p>" for text in self.details]
        if self.block:
            html.append(f'<pre style="overflow-x: auto">{escape(self.block)}</pre>')
        if self.inputs:
            html.append(
                f"<details><summary>The arguments of this case</summary><pre>{escape(self.inputs)}</pre></details>"
            )
        html += [f"<p>{paragraph(text)}</p>" for text in self.advice]
        html.append("</div>")
        return "\n".join(html)


class Text:
    """Lines of text, and a preformatted block."""

    def __init__(self, *lines: str, block: str = "") -> None:
        self.lines, self.block = lines, block

    def __str__(self) -> str:
        return "\n".join([*self.lines, self.block] if self.block else self.lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        html = [f"<p>{paragraph(line)}</p>" for line in self.lines]
        if self.block:
            html.append(f'<pre style="overflow-x: auto">{escape(self.block)}</pre>')
        return "\n".join(html)


class Source:
    """The source of a function: the mathematics first, its docstring after it, or folded away in a notebook."""

    def __init__(self, title: str, source: str) -> None:
        before, _, rest = source.partition('"""')
        words, _, body = rest.partition('"""')
        self.title, self.docstring = title, inspect.cleandoc(words)
        self.code = before.rstrip() + body.rstrip() if rest else source.rstrip()

    def __str__(self) -> str:
        return "\n".join([f"{self.title}:", self.code, "", self.docstring])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = [f"<p><code>{escape(self.title)}</code></p>", highlighted(self.code)]
        if self.docstring:
            parts.append(
                f"<details><summary>What it takes and returns</summary><pre>{escape(self.docstring)}</pre></details>"
            )
        return "\n".join(parts)


def highlighted(code: str) -> str:
    """Return Python as HTML, with keywords and names in colours that read on light and dark grounds."""
    try:
        from pygments import highlight  # type: ignore[import-untyped, unused-ignore]
        from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped, unused-ignore]
        from pygments.lexers import PythonLexer  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return f"<pre>{escape(code)}</pre>"
    made: str = highlight(code, PythonLexer(), HtmlFormatter(noclasses=True, nobackground=True, style="friendly"))
    return made


def paragraph(text: str) -> str:
    """Escape a line; `back quotes` become code."""
    parts = escape(text, quote=False).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def show(message: Report | Text | Source) -> None:
    """Display in a notebook, print elsewhere."""
    shell = notebook_shell()
    if shell is None:
        print(message)
        return
    from IPython.display import display

    display(message)  # type: ignore[no-untyped-call, unused-ignore]


def notebook_shell() -> Any:
    """Return the running IPython shell, or None."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
