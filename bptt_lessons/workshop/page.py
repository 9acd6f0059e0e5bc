"""Pages with styles, scripts, mathematics and pictures in one HTML file, to be opened without a network.

Every file written here carries a mark, and a file without the mark is never overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from bptt_lessons.workshop import prose

MARK = "<!-- Made by bptt-lessons out of the lessons. It is written over by the same command. -->"
MATHJAX = (
    'window.MathJax = {tex: {packages: ["base", "ams", "newcommand", "textmacros"]},'  # what is unknown is an error
    ' svg: {fontCache: "local"}, options: {enableMenu: false}, startup: {typeset: false}};'
)


def page(title: str, styles: Sequence[str], body: str, scripts: Sequence[str]) -> str:
    """Return an HTML page with these styles and scripts, in this order."""
    style = "".join(f"<style>\n{text}\n</style>\n" for text in styles)
    script = "".join(f"<script>\n{safe(text)}\n</script>\n" for text in scripts)
    return (
        f'<!doctype html>\n{MARK}\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"{style}</head>\n<body>\n{body}\n{script}</body>\n</html>\n"
    )


def safe(script: str) -> str:
    r"""Return a script without the text that would end its element: in JavaScript's strings ``<\/`` is ``</``."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def asset(name: str) -> str:
    """Return the text of one of our files (``style/...``) or of a library (``vendor/...``)."""
    return (files("bptt_lessons.workshop") / name).read_text(encoding="utf-8")


def deck(title: str, slides: Iterable[str]) -> str:
    """Return the page of a deck; `slide` makes its slides."""
    body = f'<main class="reveal"><div class="slides">\n{"".join(slides)}</div></main>\n'
    body += "<noscript>These slides need JavaScript; nothing of it comes from elsewhere.</noscript>"
    styles = [asset("vendor/reveal.css"), asset("style/colours.css"), asset("style/deck.css")]
    vendor = ("mathjax-tex-svg.js", "reveal.js", "reveal-notes.js")
    scripts = [MATHJAX, *(asset(f"vendor/{name}") for name in vendor), asset("style/deck.js")]
    return page(title, styles, body, scripts)


def slide(html: str, notes: Iterable[str], footer: str, again: str = "") -> str:
    """Return one slide.

    Parameters
    ----------
    html : str
    notes, footer
        Markdown: the speaker's notes, and the footer.
    again : str
        HTML of a heading of an earlier slide under which this one still belongs.
    """
    said = "\n\n".join(notes)
    aside = f'<aside class="notes">{prose.to_html(said)}</aside>' if said else ""
    foot = prose.to_html(footer, inline=True)
    head = f'<h2 class="again">{again}</h2>\n' if again else ""
    return f'<section>{head}<div class="body">{html}</div><footer>{foot}</footer>{aside}</section>\n'


def index(lessons: Iterable[tuple[str, str, str]]) -> str:
    """Return the page with links to the decks beside it."""
    items = "".join(
        f'<li><a href="{stem}.html">{stem[:2]} {escape(title)}</a> <span>{escape(minutes)}</span></li>\n'
        for stem, title, minutes in lessons
    )
    keys = (
        "Arrows and space go on and back, S opens the speaker's window with the full text, D changes between light "
        "and dark, O shows all slides, B makes the screen black, ? lists all keys. To print a deck, or to keep it as "
        "PDF, add <code>?print-pdf</code> to its address and print."
    )
    body = f"<main>\n<h1>BPTT Lessons: slides</h1>\n<ul>\n{items}</ul>\n<p>{keys}</p>\n</main>"
    return page("BPTT Lessons: slides", [asset("style/colours.css"), asset("style/sheet.css")], body, [])


def is_ours(path: Path, mark: str = MARK) -> bool:
    """Return whether a file exists and carries this mark."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return mark.encode() in file.read(1000)


def refuse_foreign(path: Path, mark: str = MARK) -> None:
    """Raise ValueError if writing this file would overwrite one that was not made here."""
    if os.path.lexists(path) and not is_ours(path, mark):
        raise ValueError(f"{path} was not made by this command, and stays as it is; name another place")


def write(path: Path, text: str, mark: str = MARK) -> None:
    """Write a page, whole or not at all; overwrite only a page that carries the mark."""
    refuse_foreign(path, mark)
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
