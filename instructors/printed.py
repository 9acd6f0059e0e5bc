"""Write the instructor's pages as files that a browser prints: mathematics drawn, every answer open.

    .venv/bin/python instructors/printed.py FOLDER

A page of this folder becomes one HTML file that needs nothing else, beside those that it links to.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bptt_lessons.workshop import page, prose

HERE = Path(__file__).resolve().parent
STYLE = """
body { max-width: 48em; margin: 2em auto; padding: 0 1em; font-size: 11pt; line-height: 1.4; }
h1, h2, h3 { color: var(--mark); line-height: 1.2; }
code { background: var(--panel); padding: 0 .2em; }
table { border-collapse: collapse; margin: .6em 0; } tr { break-inside: avoid; }
th, td { border: 1px solid var(--line); padding: .15em .5em; text-align: left; vertical-align: top; }
pre { background: var(--panel); padding: .4em .6em; white-space: pre-wrap; break-inside: avoid; }
pre code { background: none; padding: 0; }
blockquote { border-left: 3px solid var(--line); margin-left: 0; padding-left: 1em; }
h2, h3, summary { break-after: avoid; } summary { font-style: italic; }
.room h2:not(:first-of-type) { break-before: page; }
.room table { font-size: 15pt; }
.card { border: 1px dashed; height: 90mm; line-height: 90mm; text-align: center; font-size: 72pt; font-weight: bold; }
.card.over { transform: rotate(180deg); }
.room ol > li { font-size: 14pt; margin-bottom: 40mm; }
@media print { body { margin: 0; padding: 0; max-width: none; } a { color: inherit; text-decoration: none; } }
"""


def printed(markdown: str, name: str) -> str:
    """Return a page as HTML that needs nothing else.

    Parameters
    ----------
    markdown : str
    name : str
        The page's class, for what is laid out in its own way.
    """
    title = re.sub(r"[*`]", "", markdown.partition("\n")[0].lstrip("# "))
    html = prose.to_html(re.sub(r"<!--.*?-->\n?", "", markdown)).replace("<details>", "<details open>")
    html = re.sub(r'(href="[^":]*)\.md(["#])', r"\1.html\2", html)
    html = re.sub(r'id="([^"]*)">(.*?)<a class="anchor-link".*?</a>', heading, html)
    styles = [page.asset("style/colours.css"), STYLE]
    scripts = [page.MATHJAX, page.asset("vendor/mathjax-tex-svg.js"), page.asset("style/handout.js")]
    return page.page(title, styles, f'<main class="{name}">{html}</main>', scripts)


def heading(match: re.Match[str]) -> str:
    """Return a heading under the name by which the pages link to it, as GitHub makes it."""
    return f'id="{re.sub(r"[^-a-z0-9]", "", match[1].lower())}">{match[2]}'


def main(arguments: list[str]) -> int:
    """Write every page into a folder."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__)
        return 2
    folder = Path(arguments[0])
    for source in sorted(HERE.rglob("*.md")):
        target = folder / source.relative_to(HERE).with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            page.write(target, printed(source.read_text(encoding="utf-8"), source.stem))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
    print(folder / "README.html")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
