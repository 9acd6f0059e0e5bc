"""The handout: one printed page of notation and equations, made from ``instructors/handout.md``."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from bptt_lessons.course import learner_folder
from bptt_lessons.workshop import page, prose

FILE = "handout.html"


def source() -> Path:
    """Return the handout's Markdown, in a clone or in an installed package.

    Raises
    ------
    FileNotFoundError
        If it is in neither.
    """
    root = learner_folder.clone() or Path(str(files("bptt_lessons")))
    path = root / "instructors" / "handout.md"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: the handout comes with a clone of the course")
    return path


def handout(markdown: str) -> str:
    """Return the handout as a page that prints on one sheet of A4 or of Letter.

    Parameters
    ----------
    markdown : str

    Returns
    -------
    str
        HTML that loads nothing else.
    """
    pieces = prose.parts(markdown)
    html = [f"<h1>{prose.to_html(pieces[0].title, inline=True)}</h1>", prose.to_html(pieces[1].source), "<article>"]
    for piece in pieces[2:]:
        if piece.kind == "heading":
            html.append(f"<h{piece.level}>{prose.to_html(piece.title, inline=True)}</h{piece.level}>")
        elif piece.kind == "table":
            html.append(table(prose.to_html(piece.source), caption=html.pop()))
        else:
            html.append(prose.to_html(piece.source))
    body = f"<main>{''.join(html)}</article></main>\n"
    styles = [page.asset("style/colours.css"), page.asset("style/handout.css")]
    scripts = [page.MATHJAX, page.asset("vendor/mathjax-tex-svg.js"), page.asset("style/handout.js")]
    return page.page(pieces[0].title, styles, body, scripts)


def table(html: str, caption: str) -> str:
    """Return a table with a caption and with headers for its columns and rows.

    Parameters
    ----------
    html : str
        As Markdown makes it, with column headers only.
    caption : str
        The paragraph before the table.
    """
    html = re.sub(r"<th\b", '<th scope="col"', html)
    html = re.sub(r"(<tr>\s*)<td>(.*?)</td>", r'\1<th scope="row">\2</th>', html, flags=re.DOTALL)
    return html.replace("<table>", f"<table><caption>{re.sub('</?p>', '', caption)}</caption>", 1)


def add_command(commands: Any) -> None:
    """Add ``handout`` to the command line.

    Parameters
    ----------
    commands : what `argparse` returns of ``add_subparsers``
    """
    command = commands.add_parser("handout", help="make the one-page handout, to print from a browser")
    command.add_argument("--to", default=FILE, metavar="FILE", help=f"./{FILE} if not given")
    command.set_defaults(run=lambda options: run(options.to))


def run(name: str) -> int:
    """Write the handout and say where it is."""
    path = learner_folder.full_path(name)
    if path.is_dir():
        path = path / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    page.write(path, handout(source().read_text(encoding="utf-8")))
    print(path)
    return 0
