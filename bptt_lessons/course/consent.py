"""Consent: what a learner sees before anything is shared, and how they say yes and stop."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bptt_lessons.course import progress, sharing
from bptt_lessons.course.pseudonym import THINGS, made_up_name, safe_name
from bptt_lessons.course.report import Text, show
from bptt_lessons.course.sharing import Agreement

SHOWN = 12  # lines; of more, the first and last few
EXAMPLE = progress.Entry("2026-01-01T10:00:00+00:00", "00_start_here", "activations.sigmoid", "wrong", "no-return")


def offer(home: Path, agreement: Agreement) -> Text:
    """Say exactly what would be shared, where, and who can read it there."""
    lines = sharing.results_in(home / progress.FILE)
    return Text(
        "Nothing is shared yet. If you say yes, the results of your checks are copied, each as one line: when (UTC), "
        "which lesson and exercise, its status, and the mistake that was named. Never your code.",
        f"{so_far(len(lines))} They are kept in {home / progress.FILE}.",
        f"Your name there: {agreement.name}",
        f"Your file there: {agreement.file}",
        READERS,
        "A made-up name hides yours in what is made of these files. The file itself belongs to your account, as all "
        "your files do: everyone who looks at the folder can see that.",
        block=excerpt(lines or [progress.line_of(EXAMPLE)], home / progress.FILE),
    )


READERS = (
    "Who can read it there: everyone who can open that folder, and administrators. "
    "They can keep a copy, whatever you do later."
)


def so_far(count: int) -> str:
    """Say how many lines there are."""
    if count == 0:
        return "There is none so far. Later ones will look like the one below, and be copied until you stop it."
    counted = "is 1" if count == 1 else f"are {count}"
    return f"There {counted} so far, shown below, and each later result adds one, until you stop it."


def excerpt(lines: list[str], path: Path) -> str:
    """Return all of the lines, or the first and last few of many and the file that has all of them."""
    if len(lines) > SHOWN:
        few = SHOWN // 3
        lines = [*lines[:few], f"... {len(lines) - 2 * few} more such lines: all are in {path} ...", *lines[-few:]]
    return "\n".join(line.rstrip("\n") for line in lines)


def state(home: Path) -> Text:
    """Say what is shared where, now.

    Raises
    ------
    OSError
        If there is an agreement that is not valid here.
    """
    agreement = sharing.current_agreement(home)
    if agreement is None:
        left = left_over(home)
        return Text(nothing_from(home), *([f"What was shared before is still there: {left}"] if left else []))
    count = len(sharing.results_in(home / progress.FILE))
    return Text(
        f"You share the results of your checks ({count} so far), as {agreement.name}.",
        f"Your file there: {agreement.file}",
        READERS,
    )


def left_over(home: Path) -> Path | None:
    """Return the file that was shared until the learner stopped, if it is still there."""
    agreement = sharing.read_agreement(home / sharing.STOPPED)
    return agreement.file if agreement is not None and os.path.lexists(agreement.file) else None


def nothing_from(home: Path) -> str:
    """Say that nothing is shared from this folder: a learner may have another one that is."""
    return f"Nothing is shared of the results in {home}."


_offers: dict[tuple[Path, Agreement], str] = {}  # what this kernel has shown last, and the word that says yes to it


def share(
    folder: object = None, name: object = None, *, yes: object = None, stop: bool = False, remove: bool = False
) -> None:
    """Show what would be shared with your class; then ``yes="WORD"`` shares it, and ``stop=True`` ends it.

    It never raises: it says what went wrong, and then shares nothing new.

    Parameters
    ----------
    folder : str or Path, optional
        The class's folder; on a hub it is known already.
    name : str, optional
        The name you go by there, which need not be your own; made up if it is not given.
    yes : str, optional
        You have read what would be shared, and agree: the word that was shown with it.  It is a new word
        each time, so that running a cell again, or in a copy of the notebook, agrees to nothing.
    stop : bool
        Share no more.
    remove : bool
        With `stop`: remove also what was shared.
    """
    try:
        show(answer(progress.home(), folder, name, yes=yes, stopping=stop is True, removing=remove is True))
    except Exception as error:  # nothing here may stop a lesson
        show(Text(f"That was not done: {sharing.describe(error)}."))


def answer(home: Path, folder: object, name: object, *, yes: object, stopping: bool, removing: bool) -> Text:
    """Do what `share` was asked for, and return what to say."""
    if stopping:
        lines, left = stop(home)
        if left is None:
            return Text(*lines)
        if removing:
            return Text(lines[0], f"Removed: {sharing.remove(home)}")
        return Text(*lines, "To remove it: `share(stop=True, remove=True)`")
    if sharing.current_agreement(home) is not None:
        trouble = sharing.with_patience(sharing.copy_new_results, home)
        late = [f"It is not up to date there: {trouble}."] if trouble else []
        return Text(*state(home).lines, *late, "To stop it: `share(stop=True)`")
    if folder is None and not os.environ.get(sharing.VARIABLE):
        return Text(
            *state(home).lines, 'To see what would be shared: `share("FOLDER")`, with the folder of your class.'
        )
    agreement = requested_agreement(folder, name)
    key = home.resolve(), agreement
    if isinstance(yes, str) and yes == _offers.get(key):
        sharing.start(home, *agreement)
        _offers.clear()
        return Text(f"Shared, as {agreement.name}: {agreement.file}", "To stop it: `share(stop=True)`")
    shown = offer(home, agreement)
    _offers.clear()
    word = _offers[key] = secrets.choice(THINGS)
    given = "" if folder is None else f"{str(agreement.folder)!r}, "
    ask = f"To say yes: `share({given}name={agreement.name!r}, yes={word!r})`. If you would rather not, do nothing."
    return Text(*shown.lines, ask, f"For another name: `share({given}name=...)`.", block=shown.block)


def requested_agreement(folder: object, name: object) -> Agreement:
    """Return the agreement that the learner asks about; without a name it has the name shown last."""
    place = sharing.class_folder(folder)
    if name is not None:
        return Agreement(place, safe_name(name))
    last = next((offered for _, offered in _offers if offered.folder == place), None)
    return last or Agreement(place, made_up_name(place))


def stop(home: Path) -> tuple[list[str], Path | None]:
    """Stop sharing; return what to say, and the shared file if it is still there."""
    shared = os.path.lexists(home / sharing.FILE)
    agreement = sharing.read_agreement(home / sharing.FILE)
    sharing.stop(home)
    left = left_over(home)
    first = "From now on nothing more is shared."
    if left is not None:
        return [first, f"What was shared is still there: {left}"], left
    if agreement is not None:
        return [first, f"What was shared cannot be found there now: {agreement.file}"], None
    if shared:  # and the folder was moved, for example
        forgotten = "What was shared before may still be in the class's folder: if it is yours, remove it there."
        return [first, forgotten], None
    return [nothing_from(home)], None
