"""Consent: what a learner is shown before anything is shared, and how they say yes and stop."""

from __future__ import annotations

import os
from pathlib import Path

from bptt_lessons.course import progress
from bptt_lessons.course.pseudonym import made_up_name, safe_name
from bptt_lessons.course.report import Text
from bptt_lessons.course.sharing import (
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
    """Say exactly what would be shared, where, and who can read it there.

    Parameters
    ----------
    home : Path
    agreement : Agreement
    """
    lines = lines_to_share(home)
    return Text(
        "Nothing is shared yet. If you say yes, the results of your checks are copied, each as one line: when (UTC), "
        "which lesson and exercise, its status, and the mistake that was named. Never your code.",
        so_far(len(lines)),
        f"Your name there: {agreement.name}",
        f"Your file there: {agreement.file}",
        f"Who can read it there, as far as this computer can tell: {readers(agreement.folder)}. If that folder is "
        "shared over a network, then whoever can open it. Whoever can write there can copy or remove it, too.",
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
    lines : list of str
    path : Path
        Where to find all of them.
    """
    if len(lines) > SHOWN:
        few = SHOWN // 3
        lines = [*lines[:few], f"... {len(lines) - 2 * few} more such lines: all are in {path} ...", *lines[-few:]]
    return "\n".join(line.rstrip("\n") for line in lines)


def state(home: Path) -> Text:
    """Say what is shared where, now.

    Parameters
    ----------
    home : Path

    Raises
    ------
    OSError
        If something was agreed to that does not hold here.
    """
    agreement = agreed(home)
    if agreement is None:
        left = left_over(home)
        return Text(
            "Nothing of yours is shared.", *([f"What was shared before is still there: {left}"] if left else [])
        )
    count = len(lines_to_share(home))
    return Text(
        f"You share the results of your checks ({count} so far), as {agreement.name}.",
        f"Your file there: {agreement.file}",
        f"Who can read it there, as far as this computer can tell: {readers(agreement.folder)}.",
    )


def left_over(home: Path) -> Path | None:
    """Return the file that was shared until the learner stopped, if it is still there.

    Parameters
    ----------
    home : Path
    """
    was = remembered(home / STOPPED)
    return was.file if was is not None and os.path.lexists(was.file) else None


_offers: set[Agreement] = set()  # the one that this kernel has shown last


def share(
    folder: object = None, name: object = None, *, yes: bool = False, stop: bool = False, remove: bool = False
) -> None:
    """Show what would be shared with your class; then ``yes=True`` shares it, and ``stop=True`` ends it.

    Never raises: what goes wrong is said, and then nothing is shared that was not before.

    Parameters
    ----------
    folder : str or Path, optional
        The class's folder; on a hub it is known already.
    name : str, optional
        The name you go by there, which need not be your own; made up if it is not given.
    yes : bool
        You have read what would be shared, and agree.  Counts only after it was shown.
    stop : bool
        Share no more.
    remove : bool
        With `stop`: remove also what was shared.
    """
    from bptt_lessons.course.checking import show

    try:
        show(answer(progress.home(), folder, name, yes=yes is True, stop=stop is True, removing=remove is True))
    except Exception as error:  # nothing here is to stop a lesson
        show(Text(f"That was not done: {reason(error)}."))


def answer(home: Path, folder: object, name: object, *, yes: bool, stop: bool, removing: bool) -> Text:
    """Do what `share` was asked for, and return what to say."""
    if stop:
        return stopped(home, removing=removing)
    if agreed(home) is not None:
        trouble = in_time(catch_up, home)
        late = [f"It is not up to date there: {trouble}."] if trouble else []
        return Text(*state(home).lines, *late, "To stop it: `share(stop=True)`")
    if folder is None and not os.environ.get(VARIABLE):
        return Text(
            *state(home).lines, 'To see what would be shared: `share("FOLDER")`, with the folder of your class.'
        )
    agreement = wanted(folder, name)
    if yes and agreement in _offers:
        begin(home, *agreement)
        _offers.clear()
        return Text(f"Shared, as {agreement.name}: {agreement.file}", "To stop it: `share(stop=True)`")
    shown = offer(home, agreement)
    _offers.clear()
    _offers.add(agreement)
    given = "" if folder is None else f"{str(agreement.folder)!r}, "
    ask = f"To say yes: `share({given}name={agreement.name!r}, yes=True)`. If you would rather not, do nothing."
    return Text(*shown.lines, ask, f"For another name: `share({given}name=...)`.", block=shown.block)


def wanted(folder: object, name: object) -> Agreement:
    """Return what the learner asks to be shown: under the name shown last, if they give none."""
    place = class_folder(folder)
    if name is not None:
        return Agreement(place, safe_name(name))
    last = next((offered for offered in _offers if offered.folder == place), None)
    return last or Agreement(place, made_up_name(place))


def stopped(home: Path, *, removing: bool) -> Text:
    """End it, and return what to say."""
    end(home)
    if removing:
        gone = remove_shared(home)
        return Text("Nothing of yours is shared.", *([f"Removed: {gone}"] if gone else []))
    left = left_over(home)
    if left is None:
        return Text("Nothing of yours is shared.")
    return Text(
        "From now on nothing more is shared.",
        f"What was shared is still there: {left}",
        "To remove it: `share(stop=True, remove=True)`",
    )
