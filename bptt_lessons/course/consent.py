"""Consent: what a learner is shown before anything is shared, and how they say yes and stop."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bptt_lessons.course import progress
from bptt_lessons.course.pseudonym import THINGS, made_up_name, safe_name
from bptt_lessons.course.report import Text
from bptt_lessons.course.sharing import (
    FILE,
    STOPPED,
    VARIABLE,
    Agreement,
    agreed,
    begin,
    catch_up,
    class_folder,
    end,
    in_time,
    lines_to_share,
    readers,
    reason,
    remembered,
)
from bptt_lessons.course.sharing import remove as remove_shared

SHOWN = 12  # lines; of more, the first and last few


def offer(home: Path, agreement: Agreement) -> Text:
    """Say exactly what would be shared, where, and who can read it there."""
    lines = lines_to_share(home)
    return Text(
        "Nothing is shared yet. If you say yes, the results of your checks are copied, each as one line: when (UTC), "
        "which lesson and exercise, its status, and the mistake that was named. Never your code.",
        f"{so_far(len(lines))} They are kept in {home / progress.FILE}.",
        f"Your name there: {agreement.name}",
        f"Your file there: {agreement.file}",
        f"Who can read it there, as far as this computer can tell: {readers(agreement.folder)}. If that folder is "
        "shared over a network, then whoever can open it. They can keep a copy, whatever you do later.",
        "A made-up name hides yours in what is made of these files. The file itself belongs to your account, as all "
        "your files do: whoever looks at the folder can see that.",
        block=excerpt(lines or [progress.line_of(EXAMPLE)], home / progress.FILE),
    )


def so_far(count: int) -> str:
    """Say how many lines there are."""
    if count == 0:
        return "There is none so far. Later ones will look like the one below, and be copied until you stop it."
    counted = "is 1" if count == 1 else f"are {count}"
    return f"There {counted} so far, shown below, and each later result adds one, until you stop it."


EXAMPLE = progress.Entry("2026-01-01T10:00:00+00:00", "00_start_here", "activations.sigmoid", "wrong", "no-return")


def excerpt(lines: list[str], path: Path) -> str:
    """Return lines as they stand: all of them, or of very many the first and last few.

    Parameters
    ----------
    path : Path
        Where to find all of them.
    """
    if len(lines) > SHOWN:
        few = SHOWN // 3
        lines = [*lines[:few], f"... {len(lines) - 2 * few} more such lines: all are in {path} ...", *lines[-few:]]
    return "\n".join(line.rstrip("\n") for line in lines)


def state(home: Path) -> Text:
    """Say what is shared where, now.

    Raises
    ------
    OSError
        If something was agreed to that does not hold here.
    """
    agreement = agreed(home)
    if agreement is None:
        left = left_over(home)
        return Text(nothing_from(home), *([f"What was shared before is still there: {left}"] if left else []))
    count = len(lines_to_share(home))
    return Text(
        f"You share the results of your checks ({count} so far), as {agreement.name}.",
        f"Your file there: {agreement.file}",
        f"Who can read it there, as far as this computer can tell: {readers(agreement.folder)}.",
    )


def left_over(home: Path) -> Path | None:
    """Return the file that was shared until the learner stopped, if it is still there."""
    was = remembered(home / STOPPED)
    return was.file if was is not None and os.path.lexists(was.file) else None


def nothing_from(home: Path) -> str:
    """Say that nothing is shared, and of what: a learner may have another folder, which is shared."""
    return f"Nothing is shared of the results in {home}."


_offers: dict[tuple[Path, Agreement], str] = {}  # what this kernel has shown last, and the word that says yes to it


def share(
    folder: object = None, name: object = None, *, yes: object = None, stop: bool = False, remove: bool = False
) -> None:
    """Show what would be shared with your class; then ``yes="WORD"`` shares it, and ``stop=True`` ends it.

    Never raises: what goes wrong is said, and then nothing is shared that was not before.

    Parameters
    ----------
    folder : str or Path, optional
        The class's folder; on a hub it is known already.
    name : str, optional
        The name you go by there, which need not be your own; made up if it is not given.
    yes : str, optional
        You have read what would be shared, and agree: the word that was shown with it.  It is another one each
        time, so that a cell that is run again, or in a copy of the notebook, says nothing for anybody.
    stop : bool
        Share no more.
    remove : bool
        With `stop`: remove also what was shared.
    """
    from bptt_lessons.course.checking import show

    try:
        show(answer(progress.home(), folder, name, yes=yes, stop=stop is True, removing=remove is True))
    except Exception as error:  # nothing here is to stop a lesson
        show(Text(f"That was not done: {reason(error)}."))


def answer(home: Path, folder: object, name: object, *, yes: object, stop: bool, removing: bool) -> Text:
    """Do what `share` was asked for, and return what to say."""
    if stop:
        lines, left = stopped(home)
        if left is None:
            return Text(*lines)
        if removing:
            return Text(lines[0], f"Removed: {remove_shared(home)}")
        return Text(*lines, "To remove it: `share(stop=True, remove=True)`")
    if agreed(home) is not None:
        trouble = in_time(catch_up, home)
        late = [f"It is not up to date there: {trouble}."] if trouble else []
        return Text(*state(home).lines, *late, "To stop it: `share(stop=True)`")
    if folder is None and not os.environ.get(VARIABLE):
        return Text(
            *state(home).lines, 'To see what would be shared: `share("FOLDER")`, with the folder of your class.'
        )
    agreement = wanted(folder, name)
    key = home.resolve(), agreement
    if isinstance(yes, str) and yes == _offers.get(key):
        begin(home, *agreement)
        _offers.clear()
        return Text(f"Shared, as {agreement.name}: {agreement.file}", "To stop it: `share(stop=True)`")
    shown = offer(home, agreement)
    _offers.clear()
    word = _offers[key] = secrets.choice(THINGS)
    given = "" if folder is None else f"{str(agreement.folder)!r}, "
    ask = f"To say yes: `share({given}name={agreement.name!r}, yes={word!r})`. If you would rather not, do nothing."
    return Text(*shown.lines, ask, f"For another name: `share({given}name=...)`.", block=shown.block)


def wanted(folder: object, name: object) -> Agreement:
    """Return what the learner asks to be shown: under the name shown last, if they give none."""
    place = class_folder(folder)
    if name is not None:
        return Agreement(place, safe_name(name))
    last = next((offered for _, offered in _offers if offered.folder == place), None)
    return last or Agreement(place, made_up_name(place))


def stopped(home: Path) -> tuple[list[str], Path | None]:
    """End it.

    Returns
    -------
    tuple
        What to say, and the file that was shared and is still there, if that can be told.
    """
    shared, was = os.path.lexists(home / FILE), remembered(home / FILE)
    end(home)
    left = left_over(home)
    first = "From now on nothing more is shared."
    if left is not None:
        return [first, f"What was shared is still there: {left}"], left
    if was is not None:
        return [first, f"What was shared cannot be found there now: {was.file}"], None
    if shared:  # and the folder was moved, say
        forgotten = "What was shared before may still be in the class's folder: if it is yours, remove it there."
        return [first, forgotten], None
    return [nothing_from(home)], None
