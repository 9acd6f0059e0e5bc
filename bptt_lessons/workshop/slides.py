"""Slides: one deck for each lesson, made of the lesson's notebook and of nothing else.

A cell's ``slide_type`` (Jupyter's own metadata) says where it goes: ``slide`` and
``subslide`` begin a new one, ``fragment`` appears at the next key, ``notes`` is for the
speaker only, ``skip`` is left out, and ``-`` goes on.  Of prose, `prose.on_screen` says
what is shown; an author who knows better writes ``sentences`` beside ``slide_type``: for
each paragraph of the cell how many of its sentences are shown (0 for none, null for the
rule).  Of a tall figure ``height`` says how many pixels are shown, of a long comparison
``rows`` how the names of those rows begin that are shown (a regular expression).  A
question and an exercise begin a slide, on which nothing but prose may stand before them,
and what answers a question appears later than the question.
"""

from __future__ import annotations

import ast
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from bptt_lessons.course import learner_folder
from bptt_lessons.workshop import comparison, page, prose

FOLDER = "slides"
HEIGHT = 650  # pixels of a slide of 1280 × 720 that hold text and pictures
LAST = 40  # pixels that a last paragraph may be too high: rather small letters than a slide of its own
COLUMNS = 92  # signs in a line of code
WHOLE = ("Recap", "On your own")  # sections of which everything is shown
INTERACTIVE = "Interactive figure"  # with this begins the text of a figure that can be played with


class Block(NamedTuple):
    """What stays together on a slide."""

    html: str
    height: int  # in pixels, roughly: what does not fit begins a new slide, what fits badly is made smaller
    notes: str = ""  # Markdown for the speaker
    later: bool = False  # whether it appears at a key of its own
    opens: bool = False  # whether it begins a slide
    leads: bool = False  # whether the next block has to stand below it
    gives: int = 0  # pixels that it can do without
    closes: bool = False  # whether what comes after it begins a slide
    asks: bool = False  # whether it is a question
    told: bool = False  # whether it is prose
    goes_on: bool = False  # whether it is the rest of a sentence with an equation in it
    reminds: tuple[str, ...] = ()  # HTML of equations that it is about, if they are not on its slide already


class Section(NamedTuple):
    """One part of a lesson, between two headings."""

    title: str
    blocks: tuple[Block, ...]


class Deck(NamedTuple):
    """The slides of a lesson."""

    stem: str
    title: str
    minutes: str
    slides: tuple[str, ...]  # HTML


def deck(path: Path) -> Deck:
    """Make the slides of a notebook, which is read and never run.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Deck
    """
    cells = read(path)
    title, minutes = title_and_time(cells[0].source)
    numbered = equations_of(cells)
    sections = list(sections_of(cells, numbered))
    label = f"{path.stem[:2]} {title}"
    slides = [*pages_of(sections[0], label), outline(cells, minutes, label)]
    for section in sections[1:]:
        slides += pages_of(section, label)
    return Deck(path.stem, title, minutes, tuple(slides))


def read(path: Path) -> Sequence[Any]:
    """Return the cells of a notebook.

    Parameters
    ----------
    path : Path
    """
    import nbformat

    cells: Sequence[Any] = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    return cells


def title_and_time(opening: str) -> tuple[str, str]:
    """Return a lesson's title and how long it takes.

    Parameters
    ----------
    opening : str
        Its first cell.
    """
    match = re.search(r"\*\*Time:\*\* (.*?minutes)", opening)
    return prose.parts(opening)[0].title, match.group(1) if match else ""


def equations_of(cells: Sequence[Any]) -> dict[str, str]:
    """Return a lesson's numbered equations by their numbers, with what the sentence before them defines.

    Parameters
    ----------
    cells : sequence of cells
    """
    found: dict[str, str] = {}
    for cell in cells:
        parts = prose.parts(cell.source) if cell.cell_type == "markdown" else []
        for before, part in pairwise([prose.Part("heading", ""), *parts]):
            if part.kind == "equation" and (tag := prose.TAG.search(part.source)):
                said = prose.sentences(before.source)[-1:] if before.kind == "paragraph" else []
                needed = said and "=" in said[0] and said[0].endswith(",")
                found[tag[1]] = f"{said[0]}\n\n{part.source}" if needed else part.source
    return found


def outline(cells: Sequence[Any], minutes: str, label: str) -> str:
    """Return the slide that says what will be done, and how long it takes.

    Parameters
    ----------
    cells : sequence of cells
    minutes : str
    label : str
    """
    items: list[str] = []
    for part in [part for cell in cells if cell.cell_type == "markdown" for part in prose.parts(cell.source)]:
        if part.kind == "heading" and re.match(r"\d", part.title):
            items.append(f"<li>{prose.to_html(re.sub(r'^[0-9]+[.] ', '', part.title), inline=True)}</li>")
        elif part.kind == "exercise" and items:
            name = prose.to_html(part.title.removeprefix("Exercise: "), inline=True)
            items[-1] = items[-1].replace(
                "</li>", f' <span class="minutes">(exercise: {name}, {part.minutes} min)</span></li>'
            )
    total = f'<p class="minutes">{escape(minutes)} in all, the exercises as marked</p>' if minutes else ""
    html = f'<div class="block"><h2>In this lesson</h2>{total}<ol>{"".join(items)}</ol></div>'
    return page.slide(html, (), label)


def sections_of(cells: Sequence[Any], numbered: dict[str, str]) -> Iterator[Section]:
    """Yield the sections of a lesson, each with its blocks.

    Parameters
    ----------
    cells : sequence of cells
    numbered : dict of str to str
        The equations, for exercises that name one.
    """
    shown = [cell for cell in cells if slide_type(cell) != "skip"]
    title, blocks, asked = "", [], False
    for number, cell in enumerate(shown):
        if cell.cell_type == "code":
            blocks += code_blocks(cell, asked)
            asked = asked and not cell.outputs
            continue
        if slide_type(cell) == "notes":
            blocks[-1] = blocks[-1]._replace(notes=f"{blocks[-1].notes}\n\n{cell.source}")
            continue
        stub_follows = number + 1 < len(shown) and is_stub(shown[number + 1])
        new = list(prose_blocks(cell.source, numbered, stub_follows, sentences_wanted(cell)))
        if slide_type(cell) in ("slide", "subslide"):
            new[0] = (new[0][0], new[0][1]._replace(opens=True))
        elif slide_type(cell) == "fragment":
            new = [(heading, block._replace(later=not block.opens)) for heading, block in new]
        code_follows = number + 1 < len(shown) and shown[number + 1].cell_type == "code"
        if code_follows and (slide_type(cell) != "fragment" or len(new) > 1):
            new[-1] = (new[-1][0], new[-1][1]._replace(leads=True))
        for heading, block in new:
            if heading and blocks:
                yield Section(title, tuple(blocks))
            if heading:
                title, blocks = heading, []
            blocks.append(block)
            asked = block.asks or (asked and not block.opens)
    yield Section(title, tuple(blocks))


def slide_type(cell: Any) -> str:
    """Return where a cell's author wants it.

    Parameters
    ----------
    cell : cell
    """
    return str(cell.metadata.get("slideshow", {}).get("slide_type", "-"))


def sentences_wanted(cell: Any) -> Sequence[int | None]:
    """Return how many sentences of each paragraph a cell's author wants to be shown; of the rest the rule decides.

    Parameters
    ----------
    cell : cell
    """
    wanted: Sequence[int | None] = cell.metadata.get("slideshow", {}).get("sentences", [])
    return wanted


def is_stub(cell: Any) -> bool:
    """Say whether a cell is an exercise's empty function.

    Parameters
    ----------
    cell : cell
    """
    return "raises-exception" in cell.metadata.get("tags", [])


def prose_blocks(
    source: str, numbered: dict[str, str], stub_follows: bool, wanted: Sequence[int | None]
) -> Iterator[tuple[str, Block]]:
    """Yield the blocks of a Markdown cell, each after the title of the section that it begins, if it does.

    Parameters
    ----------
    source : str
    numbered : dict of str to str
        The lesson's equations.
    stub_follows : bool
        Whether this states an exercise to its end: then all that follows is part of the statement.
    wanted : sequence of int or None
        How many sentences of each paragraph are shown, as `prose.on_screen` takes it.
    """
    parts = prose.parts(source)
    whole = any(part.kind == "heading" and part.title in WHOLE for part in parts)
    left, stated = list(wanted), False
    for number, part in enumerate(parts):
        leads = number + 1 < len(parts) and parts[number + 1].kind in ("equation", "list", "table")
        count = left.pop(0) if left and part.kind == "paragraph" else None
        shown = part.source if (whole or stated) and count is None else prose.on_screen(part, leads, count)
        if part.kind == "heading":
            html = f"<h{part.level}>{prose.to_html(part.title, inline=True)}</h{part.level}>"
            yield part.title, Block(html, 70, opens=True, leads=True)
        elif part.kind == "exercise" or (part.kind == "question" and not whole and not stated):
            needed = equations_needed(part, shown, source.split(part.source), numbered)
            shown, answer = answered(shown) if part.title == "A question" else (shown, "")
            minutes = f' <span class="minutes">{part.minutes} minutes</span>' if part.minutes else ""
            head = f"<h3>{prose.to_html(part.title.rstrip('.'), inline=True)}{minutes}</h3>"
            html = f'<div class="{part.kind}">{head}{prose.to_html(shown)}</div>'
            height = 60 + sum(height_of(text) for text in [shown, *needed])
            stated = stated or (part.kind == "exercise" and stub_follows)
            block = Block(html, height, part.source, opens=True, leads=leads or stated, asks=part.kind == "question")
            yield "", block._replace(reminds=tuple(prose.to_html(text) for text in needed))
            if answer:
                yield "", Block(prose.to_html(answer), height_of(answer), later=True, told=True)
        elif shown:
            block = Block(prose.to_html(shown), height_of(shown), part.source, gives=10, told=True)
            yield "", block._replace(leads=leads or stated, goes_on=part.source[0].islower())
        else:
            yield "", Block("", 0, part.source, told=True)


def answered(question: str) -> tuple[str, str]:
    """Return a question and the answer that stands behind it in brackets, which is empty if there is none.

    Parameters
    ----------
    question : str
    """
    match = re.fullmatch(r"(.*\?) \(([^()]*)\)", question, re.DOTALL)
    return (match[1], match[2]) if match else (question, "")


def equations_needed(part: prose.Part, shown: str, around: Sequence[str], numbered: dict[str, str]) -> list[str]:
    """Return the equations that an exercise or a question is about and that may stand on other slides.

    Parameters
    ----------
    part : prose.Part
    shown : str
        What is shown of it.
    around : sequence of str
        What stands before it in its cell, and after it: there, its equations are on its slide already.
    numbered : dict of str to str
        The lesson's equations.

    Returns
    -------
    list of str
        Those that it names; or else, for an exercise, those just before it.
    """
    named: list[str] = []
    here = re.sub(r"\(\d+\) of lesson \d+", "", prose.mask(shown)[0])
    for first, last in re.findall(r"\((\d+)\)(?: to \((\d+)\))?", here):
        named += [str(number) for number in range(int(first), int(last or first) + 1)]
    named = [tag for tag in dict.fromkeys(named) if tag in numbered]
    before, after = ([tag for tag in numbered if f"\\tag{{{tag}}}" in text] for text in (around[0], around[-1]))
    tags = named or (before if part.kind == "exercise" and not after else [])
    return [numbered[tag] for tag in tags if tag not in after]


def height_of(markdown: str) -> int:
    """Return how high a part of the prose will be, roughly, in pixels.

    Parameters
    ----------
    markdown : str
    """
    part = prose.part(markdown)
    lines = markdown.splitlines()
    if "\n\n" in markdown:
        return sum(height_of(piece.source) for piece in prose.parts(markdown))
    if part.kind == "equation":
        tall = re.search(r"\\d?frac|\\sum|\\Bigl|\\binom|\\begin", markdown) is not None
        return 60 + 35 * tall + 40 * ("underbrace" in markdown) + 70 * ("cases" in markdown)
    if part.kind == "table":
        return 20 + sum(
            44 + 30 * (len(prose.plain(line)) // 92) for line in lines if not re.fullmatch(r"[|\s:-]*", line)
        )
    if part.kind == "list":
        return 14 + sum(40 + 38 * (len(prose.plain(line)) // 84) for line in lines)
    return 14 + 38 * (1 + len(prose.plain(markdown)) // 86)


def code_blocks(cell: Any, asked: bool) -> list[Block]:
    """Return what is shown of a code cell: its lines, and what they printed or drew.

    Parameters
    ----------
    cell : cell
    asked : bool
        Whether a question waits for its answer: then code and output wait for a key each.
    """
    wanted = cell.metadata.get("slideshow", {})
    found = [
        output_block(output, wanted.get("height", 0), wanted.get("rows", ""))
        for output in joined(cell.get("outputs", []))
    ]
    outputs = [block for block in found if block is not None]
    if is_stub(cell):
        return [Block(source(cell.source), 32 + int(26.5 * rows(cell.source)), closes=True, gives=80)]
    lines = re.sub(r"\n{3,}", "\n\n", shown_code(cell.source) if outputs else cell.source)
    code = Block(source(lines), 32 + int(26.5 * rows(lines)), later=asked, leads=bool(outputs) and not asked)
    return [*([code] if lines else []), *(block._replace(later=asked) for block in outputs)]


def joined(outputs: Sequence[Any]) -> list[Any]:
    """Return outputs, with what was printed without a break in one piece.

    Parameters
    ----------
    outputs : sequence of outputs
    """
    found: list[Any] = []
    for output in outputs:
        if (
            found
            and output["output_type"] == found[-1]["output_type"] == "stream"
            and output["name"] == found[-1]["name"]
        ):
            found[-1] = {**found[-1], "text": found[-1]["text"] + output["text"]}
        else:
            found.append(output)
    return found


def shown_code(text: str) -> str:
    """Return a cell's source without what its output says: what only draws, what only formats, what it asserts at
    its end, and what was made only to be drawn or asserted.

    Parameters
    ----------
    text : str
    """
    tree = ast.parse(text).body
    end = len(tree)
    while end and isinstance(tree[end - 1], ast.Assert):
        end -= 1
    printing = [node for node in tree[:end] if formats(node)]
    left_out = [*tree[end:], *(node for node in tree[:end] if draws(node))]
    kept = [node for node in tree if node not in printing and node not in left_out]
    while kept and serves_only(kept[-1], left_out) and not serves_only(kept[-1], printing):
        left_out.append(kept.pop())
    lines, previous = text.splitlines(), 0
    shown: list[str] = []
    for node in tree:
        shown += lines[previous : node.end_lineno] if node in kept else []
        previous = node.end_lineno or 0
    return "\n".join(shown).strip("\n")


def draws(node: ast.stmt) -> bool:
    """Say whether a statement does nothing but show something: its output says all.

    Parameters
    ----------
    node : ast.stmt
    """
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith(
        ("plots.", "widgets.", "compared(", "differences(")
    )


def formats(node: ast.stmt) -> bool:
    """Say whether a statement prints and takes several lines to do so.

    Parameters
    ----------
    node : ast.stmt
    """
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith("print(") and node.end_lineno != node.lineno


def serves_only(node: ast.stmt, others: Sequence[ast.stmt]) -> bool:
    """Say whether a statement does nothing but give names to what some others use.

    Parameters
    ----------
    node : ast.stmt
    others : sequence of ast.stmt
    """
    if not isinstance(node, ast.Assign):
        return False
    given = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    used = {name.id for other in others for name in ast.walk(other) if isinstance(name, ast.Name)}
    return bool(given & used)


def rows(text: str) -> int:
    """Return how many lines a text takes on a slide, where long ones are broken.

    Parameters
    ----------
    text : str
    """
    return sum(1 + len(line) // (COLUMNS + 1) for line in text.splitlines())


def source(code: str) -> str:
    """Return code as HTML, coloured.

    Parameters
    ----------
    code : str
    """
    from nbconvert.filters.highlight import Highlight2HTML

    html = str(Highlight2HTML(pygments_lexer="python3")(code))  # type: ignore[no-untyped-call]
    return html.replace("<pre>", '<pre tabindex="0" role="region" aria-label="code">', 1).replace(
        "<span></span>", "", 1
    )


def output_block(output: Any, upper: int, wanted: str) -> Block | None:
    """Return what a cell printed or drew; None if there is nothing to show.

    Parameters
    ----------
    output : output of a cell
    upper : int
        How many pixels of a figure are shown, from its upper edge; 0 for all.
    wanted : str
        A regular expression: the rows of a comparison that are shown.
    """
    data = output.get("data", {})
    html = data.get("text/html", "")
    if html.startswith("<img"):
        if not data.get("text/plain", "").startswith(INTERACTIVE):
            return Block(f"<figure>{html.strip()}</figure>", 440, gives=40)
        more = " Its lower part is left out here." if upper else ""
        caption = f"<figcaption>In the notebook this figure is interactive.{more}</figcaption>"
        image, high = upper_part(html.strip(), upper)
        most = HEIGHT - 50  # for what has small letters shall be as large as can be, and in its own size at least
        return Block(f"<figure>{image}{caption}</figure>", most, gives=max(0, most - high - 40))
    if html:
        return Block(f'<div class="report">{html}</div>', 60 + 34 * (1 + len(re.sub("<[^>]*>", "", html)) // 90))
    text = (output.get("text", "") or data.get("text/plain", "")).rstrip("\n")
    if not text:
        return None
    if compared := comparison.read(text, wanted):
        high = comparison.height(compared)
        return Block(comparison.to_html(compared), high, compared.note, gives=high // 14)
    wide = max(len(line) for line in text.splitlines())
    label = f'role="region" aria-label="output" style="--columns: {wide}"'
    return Block(f'<pre class="output" {label}>{escape(text, quote=False)}</pre>', 32 + int(26.5 * rows(text)))


def upper_part(image: str, height: int) -> tuple[str, int]:
    """Return an image of which only the upper part is seen, and how high that is.

    Parameters
    ----------
    image : str
        HTML with a drawing (SVG) in it.
    height : int
        In the drawing's own pixels; 0 for all of it.
    """
    encoded = image.partition("data:image/svg+xml;base64,")[2].partition('"')[0]
    drawing = b64decode(encoded).decode()
    size = re.compile(r'(viewBox="0 0 \d+ )(\d+)("[^>]*? height=")\d+')
    match = size.search(drawing)
    assert match, "a figure of the course begins with its size"
    if not height:
        return image, int(match[2])
    drawing = size.sub(rf"\g<1>{height}\g<3>{height}", drawing, count=1)
    return image.replace(encoded, b64encode(drawing.encode()).decode()), height


def pages_of(section: Section, label: str) -> list[str]:
    """Lay the blocks of a section out on slides.

    Parameters
    ----------
    section : Section
    label : str
        The lesson's number and title.
    """
    found: list[list[Block]] = []
    for number, block in enumerate(section.blocks):
        if found and stays(found[-1], section.blocks[number:]):
            found[-1].append(block)
        else:
            found.append([block])
    again = prose.to_html(section.title, inline=True)
    return [
        page.slide(fragments(blocks), [b.notes for b in blocks if b.notes], label, again if number else "")
        for number, blocks in enumerate(found)
    ]


def stays(before: Sequence[Block], coming: Sequence[Block]) -> bool:
    """Say whether a block goes on the slide that holds those before it.

    Parameters
    ----------
    before, coming : sequence of Block
        The block is the first of those that come.
    """
    block = coming[0]
    if not block.html or block.goes_on or all(is_heading(other) for other in before):
        return True
    only_prose = all(other.told or is_heading(other) for other in before)
    if before[-1].closes or (block.opens and (block.told or not only_prose)):
        return False
    together = [block]
    for following in coming[1:]:
        if not together[-1].leads or block.asks:
            break
        together.append(following)
    ends = block.told and not block.leads and (len(coming) == 1 or coming[1].opens)
    room, needed = HEIGHT - needs(before) + (LAST if ends else 0), needs(together)
    return needed <= room or (needs([block]) <= room and not block.opens and (before[-1].leads or needed > HEIGHT))


def needs(blocks: Sequence[Block]) -> int:
    """Return the least height that blocks need.

    Parameters
    ----------
    blocks : sequence of Block
    """
    return sum(block.height - block.gives for block in blocks)


def is_heading(block: Block) -> bool:
    """Say whether a block is the heading of a section.

    Parameters
    ----------
    block : Block
    """
    return block.html.startswith(("<h1", "<h2"))


def fragments(blocks: Sequence[Block]) -> str:
    """Join blocks; from the first one that appears later, each waits for a key of its own.

    Parameters
    ----------
    blocks : sequence of Block
    """
    html, waiting = "", False
    for block in blocks:
        waiting = waiting or (block.later and bool(html))
        reminders = [text for text in block.reminds if prose.TAG.findall(text)[0] not in prose.TAG.findall(html)]
        if block.html:
            kind = "block fragment" if waiting else "block"
            html += f'<div class="{kind}">{block.html}{"".join(reminders)}</div>\n'
    return html


def chosen(names: Sequence[str], lessons: Sequence[Path]) -> list[Path]:
    """Return the lessons that are meant by numbers or stems; all of them if none is named.

    Parameters
    ----------
    names : sequence of str
    lessons : sequence of Path

    Raises
    ------
    ValueError
        If there is no such lesson; it names those that there are.
    """
    found = []
    for name in names:
        wanted = name.removesuffix(".ipynb")
        meant = [path for path in lessons if wanted in (path.stem, path.stem[:2], path.stem[:2].lstrip("0"))]
        if not meant:
            there = "\n".join(f"  {path.stem}" for path in lessons)
            raise ValueError(f"LESSON is {name}, and there is no such lesson; expected a number or a name of\n{there}")
        found += meant
    return list(dict.fromkeys(found)) if names else list(lessons)


def write(names: Sequence[str], folder: Path) -> list[Path]:
    """Write the decks of some lessons, and an index of all decks in the folder.

    Parameters
    ----------
    names : sequence of str
        Numbers or stems of lessons; all of them if there is none.
    folder : Path
        Made if it is missing.

    Returns
    -------
    list of Path
        What was written, the index last.

    Raises
    ------
    ValueError
        If there is no such lesson, or a file is in the way that was not made by this.
    """
    lessons = learner_folder.shipped_lessons(learner_folder.shipped_folder())
    meant = chosen(names, lessons)
    paths = [*(folder / f"{lesson.stem}.html" for lesson in meant), folder / "index.html"]
    for path in paths:
        page.refuse_foreign(path)
    folder.mkdir(parents=True, exist_ok=True)
    for lesson, path in zip(meant, paths, strict=False):
        made = deck(lesson)
        page.write(path, page.deck(f"{made.stem[:2]} {made.title}", made.slides))
    there = [lesson for lesson in lessons if page.is_ours(folder / f"{lesson.stem}.html")]
    page.write(paths[-1], page.index((lesson.stem, *title_and_time(read(lesson)[0].source)) for lesson in there))
    return paths


def add_command(commands: Any) -> None:
    """Add ``slides`` to the command line.

    Parameters
    ----------
    commands : what `argparse` returns of ``add_subparsers``
    """
    command = commands.add_parser("slides", help="make slides of the lessons: HTML files that need no network")
    command.add_argument("lessons", nargs="*", metavar="LESSON", help="03 or 03_gradient_flow; all if none is named")
    command.add_argument(
        "--to", default=FOLDER, metavar="FOLDER", help=f"made if it is missing; ./{FOLDER} if not given"
    )
    command.set_defaults(run=lambda options: run(options.lessons, options.to))


def run(lessons: Sequence[str], folder: str) -> int:
    """Write the decks and say where they are."""
    for path in write(lessons, learner_folder.full_path(folder)):
        print(path)
    return 0
