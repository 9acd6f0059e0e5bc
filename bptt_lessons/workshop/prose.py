"""The prose of a lesson: split its Markdown into parts, so that a slide can show what belongs on a screen.

A screen shows headings, equations, lists, tables, questions and exercises whole.  Of every
other paragraph it shows the first sentences, up to three lines, and the last ones if they
lead to what comes next.  The whole paragraph goes into the speaker's notes.  Where this
would distort a paragraph, its author writes into the cell's metadata how many sentences
are shown (see `slides`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

# Code and mathematics, which rules about sentences must not touch.
VERBATIM = re.compile(r"(?P<code>`+).+?(?P=code)|\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^$\n][^$]*?)\$", re.DOTALL)
TOKEN = re.compile("\ue000(\\d+)\ue001")
SENTENCE = re.compile(r"(?<=[^\WA-Z][.?!])\s|(?<=[^\w\s.][.?!])\s|(?<=[.?!][)\"*])\s")
QUESTION = re.compile(r"\*\*(Predict[^*]*?|A question)[.:]?\*\*[.:]?\s*")
ASIDE = re.compile(r"\((\*\*Predict first:\*\*[^()]*(?:\([^()]*\)[^()]*)*)\)")  # a question in brackets
EXERCISE = re.compile(r"\*\*(Exercise: [^*]+)\*\* \((\d+) minutes\)[.:]?\s*")
TAG = re.compile(r"\\tag\{(\w+)\}")
SHORT = 250  # characters of a paragraph that are always shown: three lines
LONG = 420  # a list, or a paragraph before an equation, is shown whole up to this many characters


class Part(NamedTuple):
    """A piece of a Markdown cell."""

    kind: str  # "heading", "equation", "list", "table", "paragraph", "question" or "exercise"
    source: str  # as written in the cell
    title: str = ""  # of a heading, a question or an exercise
    level: int = 0  # of a heading
    minutes: int = 0  # of an exercise


def parts(source: str) -> list[Part]:
    """Split a Markdown cell into its parts.

    Parameters
    ----------
    source : str

    Returns
    -------
    list of Part
    """
    masked, kept = mask(source)
    found: list[Part] = []
    for piece in re.split(r"\n\s*\n|(?<![|])\n(?=[-*] |\d+\. |\|)", masked):
        lines = restore(piece, kept).strip("\n")
        if match := ASIDE.search(lines):
            lines = (lines[: match.start()] + " " + lines[match.end() :]).strip()
        if lines.strip():
            new = part(lines)
            if found and new.kind == found[-1].kind == "list":
                found[-1] = found[-1]._replace(source=found[-1].source + "\n" + lines)
            else:
                found.append(new)
        if match:
            found.append(part(match.group(1)))
    return found


def part(source: str) -> Part:
    """Classify a piece of Markdown.

    Parameters
    ----------
    source : str
    """
    if match := re.match(r"(#+) +(.*)$", source):
        return Part("heading", source, match.group(2), len(match.group(1)))
    if re.match(r"\$\$.*\$\$$", source, re.DOTALL):
        return Part("equation", source)
    if source.startswith("|"):
        return Part("table", source)
    if re.match(r"[-*] |\d+\. ", source):
        return Part("list", source)
    if match := EXERCISE.match(source):
        return Part("exercise", source, match.group(1), minutes=int(match.group(2)))
    if match := QUESTION.search(source):
        return Part("question", source, match.group(1))
    return Part("paragraph", source)


def on_screen(piece: Part, leads: bool, wanted: int | None = None) -> str:
    """Return the Markdown of a part that is shown on a screen.

    Parameters
    ----------
    piece : Part
    leads : bool
        Whether an equation, a list or a table follows; if so, the last sentences are shown too.
    wanted : int or None
        How many sentences of a paragraph its author wants shown; None to apply the rule.
    """
    if piece.kind == "exercise":
        return EXERCISE.sub("", piece.source, count=1)
    if piece.kind == "question":
        asked = QUESTION.sub("", piece.source, count=1)
        return asked[:1].upper() + asked[1:]
    if piece.kind == "list" and len(piece.source) > LONG:
        return "\n".join(
            mark + sentences(item)[0] for mark, item in re.findall(r"^([-*] |\d+\. )(.*)$", piece.source, re.MULTILINE)
        )
    if piece.kind != "paragraph":
        return piece.source
    said = sentences(piece.source)
    if wanted is not None:
        return " ".join(said[:wanted])
    if leads and len(piece.source) <= LONG:
        return piece.source
    first = opening(said)
    if leads and first < len(said) - 2:
        return " ".join([*said[:first], "…", *said[-2:]])
    return " ".join(said if leads else said[:first])


def opening(said: list[str]) -> int:
    """Return how many sentences fit on three lines, and the sentence after a question or a colon.

    Parameters
    ----------
    said : list of str
    """
    number = 1
    while number < len(said) and (
        len(plain(" ".join(said[: number + 1]))) <= SHORT or said[number - 1].rstrip('*")').endswith(("?", ":"))
    ):
        number += 1
    return number


def plain(markdown: str) -> str:
    """Return roughly the characters of Markdown that will be visible: mathematics without its commands.

    Parameters
    ----------
    markdown : str
    """
    masked, kept = mask(markdown)
    return restore(masked, [re.sub(r"\\[a-zA-Z]+|[{}$_^\\`]", "", piece) for piece in kept])


def sentences(text: str) -> list[str]:
    """Split a paragraph into its sentences.

    A full stop does not end a sentence after a capital letter (an initial), or inside
    brackets, code or mathematics.

    Parameters
    ----------
    text : str
    """
    masked, kept = mask(" ".join(text.split()))
    found, start = [], 0
    for match in SENTENCE.finditer(masked):
        before, after = masked[start : match.start()], masked[match.end() :]
        if before.count("(") > before.count(")") or before.count("**") % 2 or after[:1].islower():
            continue
        found.append(before)
        start = match.end()
    return [restore(sentence, kept) for sentence in [*found, masked[start:]] if sentence.strip()]


def mask(text: str) -> tuple[str, list[str]]:
    """Replace code and mathematics with tokens; return the text and what was replaced.

    Parameters
    ----------
    text : str
    """
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\ue000{len(kept) - 1}\ue001"

    return VERBATIM.sub(keep, text), kept


def restore(text: str, kept: list[str]) -> str:
    """Undo `mask`.

    Parameters
    ----------
    text : str
    kept : list of str
    """
    return TOKEN.sub(lambda match: kept[int(match.group(1))], text)


def equations(text: str) -> Iterator[str]:
    """Yield all mathematics in a text, without dollar signs.

    Parameters
    ----------
    text : str
    """
    for match in VERBATIM.finditer(text):
        if found := match["display"] or match["inline"]:
            yield found.strip()


def to_html(text: str, inline: bool = False) -> str:
    """Return Markdown as HTML, with mathematics in elements of the class ``math``.

    Parameters
    ----------
    text : str
    inline : bool
        Whether the text is part of a line, such as a heading.
    """
    from nbconvert.filters.markdown import markdown2html

    masked, kept = mask(re.sub(r"^(\d+)\. ", r"\1\\. ", text) if inline else text)  # "1. Title" is not a list
    # nbconvert gets the code but not the mathematics, whose underscores and stars Markdown would interpret.
    masked = TOKEN.sub(lambda found: kept[int(found[1])] if kept[int(found[1])].startswith("`") else found[0], masked)
    html = TOKEN.sub(lambda found: mathematics(kept[int(found[1])]), str(markdown2html(masked)).strip())
    html = re.sub(r"(<span class=\"math\">[^<]*</span>)([,.;:)?!]+)", r'<span class="kept">\1\2</span>', html)
    html = re.sub(r"<p>(<span class=\"math display\".*?</span>)</p>", r"\1", html, flags=re.DOTALL)
    html = re.sub(r"(<tr>\s*)<td([^>]*)>(.*?)</td>", r'\1<th scope="row"\2>\3</th>', html, flags=re.DOTALL)
    return re.sub(r"^<p>(.*)</p>$", r"\1", html, flags=re.DOTALL) if inline else html


def mathematics(source: str) -> str:
    """Return mathematics between dollar signs as the element that MathJax looks for.

    Parameters
    ----------
    source : str
    """
    display = source.startswith("$$")
    inner = escape(source.strip("$").strip(), quote=False)
    if display:
        return f'<span class="math display">\\[{inner}\\]</span>'
    return f'<span class="math">\\({inner}\\)</span>'
