"""Slides: one deck for each lesson, made of the lesson's notebook and of nothing else.

A cell's ``slide_type`` (Jupyter's own metadata) says where it goes: ``slide`` and
``subslide`` begin a new one, ``fragment`` appears at the next key, ``notes`` is for the
speaker only, ``skip`` is left out, and ``-`` goes on.  Of prose, `prose.on_screen` says
what is shown.  A question and an exercise always begin a slide of their own, and what
answers a question appears later than the question.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from bptt_lessons.course import learner_folder
from bptt_lessons.workshop import page, prose

FOLDER = "slides"
HEIGHT = 650  # pixels of a slide of 1280 × 720 that hold text and pictures
COLUMNS = 92  # signs in a line of code
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
    """Return a lesson's numbered equations by their numbers.

    Parameters
    ----------
    cells : sequence of cells
    """
    parts = [part for cell in cells if cell.cell_type == "markdown" for part in prose.parts(cell.source)]
    return {tag[1]: part.source for part in parts if part.kind == "equation" and (tag := prose.TAG.search(part.source))}


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
            items[-1] = items[-1].replace("</li>", f' <span class="minutes">{name}, {part.minutes} min</span></li>')
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
        new = list(prose_blocks(cell.source, numbered, stub_follows))
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


def is_stub(cell: Any) -> bool:
    """Say whether a cell is an exercise's empty function.

    Parameters
    ----------
    cell : cell
    """
    return "raises-exception" in cell.metadata.get("tags", [])


def prose_blocks(source: str, numbered: dict[str, str], stub_follows: bool) -> Iterator[tuple[str, Block]]:
    """Yield the blocks of a Markdown cell, each after the title of the section that it begins, if it does.

    Parameters
    ----------
    source : str
    numbered : dict of str to str
        The lesson's equations.
    stub_follows : bool
        Whether this states an exercise to its end: then a question in it is part of the statement.
    """
    parts = prose.parts(source)
    recap = any(part.kind == "heading" and part.title == "Recap" for part in parts)
    closed = False
    for number, part in enumerate(parts):
        leads = number + 1 < len(parts) and parts[number + 1].kind in ("equation", "list", "table")
        after_heading = number > 0 and parts[number - 1].kind == "heading"
        words = prose.BEGINNING if after_heading else prose.ENOUGH
        shown = part.source if recap or (closed and part.kind == "question") else prose.on_screen(part, leads, words)
        if part.kind == "heading":
            html = f"<h{part.level}>{prose.to_html(part.title, inline=True)}</h{part.level}>"
            yield part.title, Block(html, 70, opens=True, leads=True)
        elif part.kind == "exercise" or (part.kind == "question" and not closed):
            needed = equations_needed(shown, source.split(part.source), numbered) if part.minutes else []
            html = "".join(prose.to_html(text) for text in [shown, *needed])
            height = sum(height_of(text) for text in [shown, *needed])
            minutes = f' <span class="minutes">{part.minutes} minutes</span>' if part.minutes else ""
            head = f"<h3>{prose.to_html(part.title.rstrip('.'), inline=True)}{minutes}</h3>"
            html = f'<div class="{part.kind}">{head}{html}</div>'
            closed = part.kind == "exercise" and stub_follows
            yield "", Block(html, height + 60, part.source, opens=True, leads=leads, asks=part.kind == "question")
        else:
            block = Block(prose.to_html(shown), height_of(shown), part.source, leads=leads, gives=20, told=True)
            yield "", block._replace(goes_on=part.source[0].islower())


def equations_needed(statement: str, around: Sequence[str], numbered: dict[str, str]) -> list[str]:
    """Return the equations that an exercise is about and that stand on other slides.

    Parameters
    ----------
    statement : str
    around : sequence of str
        What stands before it in its cell, and after it: there, its equations are on its slide already.
    numbered : dict of str to str
        The lesson's equations.

    Returns
    -------
    list of str
        Those that it names; or else those just before it.
    """
    named: list[str] = []
    for first, last in re.findall(r"\((\d+)\)(?: to \((\d+)\))?", prose.mask(statement)[0]):
        named += [str(number) for number in range(int(first), int(last or first) + 1)]
    before = [tag for tag, equation in numbered.items() if equation in around[0]]
    after = [tag for tag, equation in numbered.items() if equation in around[-1]]
    tags = named if any(tag in numbered for tag in named) else [] if after else before
    return [numbered[tag] for tag in dict.fromkeys(tags) if tag in numbered and tag not in after]


def height_of(markdown: str) -> int:
    """Return how high a part of the prose will be, roughly, in pixels.

    Parameters
    ----------
    markdown : str
    """
    part = prose.part(markdown)
    lines = markdown.splitlines()
    if part.kind == "equation":
        tall = re.search(r"\\d?frac|\\sum|\\Bigl|\\binom|\\begin", markdown) is not None
        return 60 + 35 * tall + 40 * ("underbrace" in markdown) + 70 * ("cases" in markdown)
    if part.kind == "table":
        return 20 + sum(44 + 30 * (len(plain(line)) // 92) for line in lines if not re.fullmatch(r"[|\s:-]*", line))
    if part.kind == "list":
        return 14 + sum(40 + 38 * (len(plain(line)) // 84) for line in lines)
    return 14 + 38 * (1 + len(plain(markdown)) // 86)


def plain(markdown: str) -> str:
    """Return roughly the signs that will be seen of Markdown: mathematics without its commands.

    Parameters
    ----------
    markdown : str
    """
    masked, kept = prose.mask(markdown)
    return prose.restore(masked, [re.sub(r"\\[a-zA-Z]+|[{}$_^\\`]", "", piece) for piece in kept])


def code_blocks(cell: Any, asked: bool) -> list[Block]:
    """Return what is shown of a code cell: its lines, and what they printed or drew.

    Parameters
    ----------
    cell : cell
    asked : bool
        Whether a question waits for its answer: then code and output wait for a key each.
    """
    outputs = [block for output in joined(cell.get("outputs", [])) if (block := output_block(output)) is not None]
    if is_stub(cell):
        return [Block(source(cell.source), 34 + 27 * rows(cell.source), closes=True, gives=80)]
    lines = shown_code(cell.source) if outputs else cell.source
    code = Block(source(lines), 34 + 27 * rows(lines), later=asked, leads=bool(outputs) and not asked)
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
    """Return a cell's source without what only draws, and without what it asserts at its end of what it has shown.

    Parameters
    ----------
    text : str
    """
    tree = ast.parse(text).body
    while tree and isinstance(tree[-1], ast.Assert):
        tree.pop()
    lines, previous = text.splitlines(), 0
    shown: list[str] = []
    for node in tree:
        shown += [] if draws(node) else lines[previous : node.end_lineno]
        previous = node.end_lineno or 0
    return "\n".join(shown).strip("\n")


def draws(node: ast.stmt) -> bool:
    """Say whether a statement does nothing but show something: its output says all.

    Parameters
    ----------
    node : ast.stmt
    """
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith(("plots.", "widgets.", "compared("))


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


def output_block(output: Any) -> Block | None:
    """Return what a cell printed or drew; None if there is nothing to show.

    Parameters
    ----------
    output : output of a cell
    """
    data = output.get("data", {})
    html = data.get("text/html", "")
    if html.startswith("<img"):
        text = data.get("text/plain", "")
        play = (
            "<figcaption>In the notebook this figure is interactive.</figcaption>"
            if text.startswith(INTERACTIVE)
            else ""
        )
        height = (540, 60) if play else (420, 80)  # it takes more where there is room, and less if it must
        return Block(f"<figure>{html.strip()}{play}</figure>", height[0], gives=height[1])
    if html:
        return Block(f'<div class="report">{html}</div>', 60 + 34 * (1 + len(re.sub("<[^>]*>", "", html)) // 90))
    text = (output.get("text", "") or data.get("text/plain", "")).rstrip("\n")
    if not text:
        return None
    wide = max(len(line) for line in text.splitlines())
    return Block(
        f'<pre class="output" style="--columns: {wide}">{escape(text, quote=False)}</pre>', 24 + 28 * rows(text)
    )


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
    footer = label if section.title in label else f"{label} · {section.title}"
    return [page.slide(fragments(blocks), [b.notes for b in blocks if b.notes], footer) for blocks in found]


def stays(before: Sequence[Block], coming: Sequence[Block]) -> bool:
    """Say whether a block goes on the slide that holds those before it.

    Parameters
    ----------
    before, coming : sequence of Block
        The block is the first of those that come.
    """
    block = coming[0]
    if block.goes_on or all(is_heading(other) for other in before):
        return True
    if before[-1].closes or (block.opens and not (block.asks and all(b.told or is_heading(b) for b in before))):
        return False
    together = [block]
    for following in coming[1:]:
        if not together[-1].leads:
            break
        together.append(following)
    room, needed = HEIGHT - needs(before), needs(together)
    return needed <= room or (needs([block]) <= room and (before[-1].leads or needed > HEIGHT))


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
    html, waiting = [], False
    for number, block in enumerate(blocks):
        waiting = waiting or (block.later and number > 0)
        html.append(
            f'<div class="block fragment">{block.html}</div>' if waiting else f'<div class="block">{block.html}</div>'
        )
    return "".join(html)


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
