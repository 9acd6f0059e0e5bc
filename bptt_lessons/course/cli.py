"""The command line: ``bptt-lessons`` opens the course, copies it, checks it, and shows progress.

In a clone, ``start.py`` sets up an environment and then runs this.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bptt_lessons
from bptt_lessons.course import consent, doctor, learner_folder, progress, sharing
from bptt_lessons.course.learner_folder import Prepared

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
FIRST = "00_start_here.ipynb"
WORKSPACE = "bptt-lessons"  # a JupyterLab layout of its own, apart from the user's other work


def main(argv: Sequence[str] | None = None, *, add_more: Callable[[Any], None] = lambda commands: None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The process's arguments if it is not given.
    add_more : callable
        Adds the commands of ``workshop``, which this part may not import; takes what `argparse` returns from
        ``add_subparsers``.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a folder's name may have letters that the terminal lacks
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments = ["open", *arguments]
    try:
        if arguments[0] == "open" and not {"-h", "--help"} & set(arguments):
            return open_course(*split_open(arguments[1:]))
        options = parser(add_more).parse_args(arguments)
        result: int = options.run(options)
        return result
    except BrokenPipeError:  # the reader, such as `head`, has stopped reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except (OSError, ValueError) as error:
        return complain(error)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def parser(add_more: Callable[[Any], None]) -> argparse.ArgumentParser:
    """Return the parser of every command except ``open``, which it only describes."""
    top = argparse.ArgumentParser(prog="bptt-lessons", description="Lessons on backpropagation through time.")
    top.add_argument("--version", action="version", version=f"bptt-lessons {bptt_lessons.__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    folder = "your lessons (in a clone: my-lessons, else: ./bptt-lessons)"

    command = commands.add_parser(
        "open",
        help="open the course in JupyterLab; copies the lessons first if need be",
        usage="bptt-lessons open [FOLDER] [--no-browser] [options of JupyterLab]",
    )
    command.add_argument("folder", nargs="?", help=folder)
    command.add_argument("--no-browser", action="store_true", help="only print the address")

    command = commands.add_parser("copy", help="copy the lessons into a folder, never over anything in it")
    command.add_argument("folder", help="made if it is missing")
    command.set_defaults(run=lambda options: copy(options.folder))

    command = commands.add_parser("doctor", help="check everything that the course needs")
    command.add_argument("folder", nargs="?", help=folder)
    command.set_defaults(run=lambda options: run_doctor(lessons_folder(options.folder)))

    command = commands.add_parser("progress", help="show what is solved and what comes next")
    command.add_argument("folder", nargs="?", help=folder)
    command.set_defaults(run=lambda options: show_progress(progress_folder(options.folder)))

    command = commands.add_parser("reset", help="begin again: move the progress file aside")
    command.add_argument("folder", nargs="?", help=folder)
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.set_defaults(run=lambda options: reset(progress_folder(options.folder), sure=options.yes))

    command = commands.add_parser(
        "share", help="show what your class would see of your progress, and share it if you say yes"
    )
    command.add_argument(
        "folder", nargs="?", help=f"your class's (default: ${sharing.VARIABLE}); without one: what is shared"
    )
    command.add_argument("--as", dest="name", metavar="NAME", help="the name you go by there (default: made up)")
    command.add_argument("--stop", action="store_true", help="share no more")
    command.set_defaults(
        run=lambda options: share(progress_folder(None), options.folder, options.name, stop=options.stop)
    )
    add_more(commands)
    return top


def split_open(arguments: Sequence[str]) -> tuple[Path, bool, list[str]]:
    """Split the arguments of ``open`` into the folder, whether to start a browser, and options for JupyterLab.

    The folder, if there is one, comes before JupyterLab's options.
    """
    rest = [argument for argument in arguments if argument != "--no-browser"]
    named = rest.pop(0) if rest and not rest[0].startswith("-") else None
    return lessons_folder(named), len(rest) + (named is not None) == len(arguments), rest


def lessons_folder(named: str | None) -> Path:
    """Return the learner's folder: the one named, the current one if it is one, or the usual place."""
    if named is not None:
        return learner_folder.full_path(named)
    here = Path.cwd()
    return here if (here / learner_folder.OWN).is_dir() else learner_folder.default_folder()


def progress_folder(named: str | None) -> Path:
    """Return the folder of the progress file: the one named, ``BPTT_LESSONS_HOME``, or the learner's folder."""
    if named is None and os.environ.get("BPTT_LESSONS_HOME"):
        return progress.home()
    return lessons_folder(named)


def complain(error: Exception) -> int:
    """Print what went wrong, and return the exit code."""
    print(f"bptt-lessons: {describe(error)}", file=sys.stderr)
    if isinstance(error, OSError) and error.errno is not None:  # errors of this package say what to do themselves
        first = "Make room on the disk" if error.errno in progress.DISK_FULL else "Make the folder writable"
        print("Nothing that was there before is lost.", file=sys.stderr)
        print(f"{first}, or choose another folder: {typed('open FOLDER')}", file=sys.stderr)
    return 1


def describe(error: Exception) -> str:
    """Return an error's text, starting with the file if it has one."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def typed(words: str) -> str:
    """Return a command as the learner types it: with ``start.py`` in the environment that it made."""
    root = learner_folder.clone()
    by_start = root is not None and Path(sys.prefix).resolve() == (root / ".venv").resolve()
    return f"{'python start.py' if by_start else 'bptt-lessons'} {words}"


def announce(prepared: Prepared) -> None:
    """Say what was copied."""
    print(f"Your lessons are in {prepared.folder}")
    for name in prepared.copied:
        print(f"  copied: {name}")
    for name in prepared.beside:
        print(f"  new version, beside yours: {name}")


def copy(folder: str) -> int:
    """Copy the lessons."""
    prepared = learner_folder.prepare(folder)
    announce(prepared)
    if not prepared.copied and not prepared.beside:
        print("Nothing to copy: every lesson is there already.")
    return 0


def run_doctor(folder: Path) -> int:
    """Print every check as soon as it is done."""
    broken = 0
    for check in doctor.all_checks(folder):
        print(doctor.line(check, detail=True), flush=True)
        broken += bool(check.problem)
    print("All is well." if not broken else f"Problems found: {broken}.")
    return 1 if broken else 0


def show_progress(folder: Path) -> int:
    """Print the learner's progress, and the folder it is kept in."""
    if not folder.is_dir():
        print(f"There are no lessons in {folder} yet.", file=sys.stderr)
        print(f"Open the course first, or name your folder: {typed('progress FOLDER')}", file=sys.stderr)
        return 1
    print(f"In {folder}:")
    print(progress.report_on(folder))
    if shared := sharing.read_agreement(folder / sharing.FILE):
        print(f"Shared with your class, as {shared.name}: {shared.file}. To stop it: {typed('share --stop')}")
    return 0


def share(home: Path, folder: str | None, name: str | None, *, stop: bool) -> int:
    """Show what would be shared, and share it if the learner says yes; or say what is shared; or stop.

    Parameters
    ----------
    home : Path
        The folder of the learner's progress.
    folder, name : str or None
        The class's folder, and the learner's name there.
    stop : bool
    """
    if not home.is_dir():
        print(f"There are no lessons in {home} yet: there is nothing to share. Open the course first.", file=sys.stderr)
        return 1
    try:
        if stop:
            return stop_sharing(home)
        shares = sharing.current_agreement(home) is not None
        if shares or (folder is None and not os.environ.get(sharing.VARIABLE)):
            print(consent.state(home))
            print(f"To stop it: {typed('share --stop')}" if shares else f"To share: {typed('share FOLDER')}")
            return 0
        agreement = consent.requested_agreement(folder, name)
        shown = consent.offer(home, agreement)
        print(*shown.lines, "", shown.block, "", sep="\n")
        if not says_yes("Type yes to share this: "):
            print("That was not the word yes: nothing is shared.")
            return 1
        sharing.start(home, *agreement)
    except OSError as error:
        raise ValueError(sharing.describe(error)) from error
    print(f"Shared. To stop it: {typed('share --stop')}")
    return 0


def stop_sharing(home: Path) -> int:
    """Stop sharing, and ask whether to remove what was shared."""
    lines, left = consent.stop(home)
    print(*lines, sep="\n")
    if left:
        if says_yes("Type yes to remove it: "):
            print(f"Removed: {sharing.remove(home)}")
        else:
            print("It was left there.")
    return 0


def says_yes(question: str) -> bool:
    """Ask a question, and return whether the answer is yes; without anybody to answer it is no."""
    try:
        return input(question).strip().lower() == "yes"
    except EOFError:
        print()
        return False


def reset(folder: Path, *, sure: bool) -> int:
    """Rename the progress file, if the learner is sure."""
    if not os.path.lexists(folder / progress.FILE):
        print(f"There is no progress in {folder}: nothing to reset.")
        return 0
    if not sure:
        print(f"This begins again with no exercise solved. The record in {folder} is kept under another name;")
        print("your notebooks stay as they are.")
        sure = says_yes("Type yes to go on: ")
    if not sure:
        print("Nothing was changed.")
        return 1
    print(f"The record of before is now {progress.set_aside(folder)}")
    sharing.keep_up(folder)  # a shared copy begins again too
    return 0


def open_course(folder: Path, browser: bool, extra: Sequence[str]) -> int:
    """Prepare the learner's folder and serve it until stopped, with further arguments for JupyterLab."""
    print("Starting JupyterLab ...", flush=True)
    prepared = learner_folder.prepare(folder)
    announce(prepared)
    from jupyter_server.serverapp import list_running_servers

    if server := running_on(folder, list_running_servers()):
        url = server["url"] + page(folder).lstrip("/") + (f"?token={server['token']}" if server.get("token") else "")
        print(f"The course is open already: {url}", flush=True)
        if browser:
            webbrowser.open(url)
        return 0
    set_environment(folder)
    print("Leave this window open while you learn; press Ctrl-C here twice to stop.", flush=True)
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    LabApp.launch_instance([*jupyter_arguments(folder, browser), *extra])
    return 0


def set_environment(folder: Path) -> None:
    """Set the environment variables that the learner's kernels run with."""
    os.environ.setdefault("BPTT_LESSONS_HOME", str(folder))
    os.environ.pop("MPLBACKEND", None)  # would keep figures out of the notebooks
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")  # small products are slower on many threads, much slower on a busy machine
    os.environ["JUPYTER_CONFIG_PATH"] = config_path(os.environ.get("JUPYTER_CONFIG_PATH"))


def config_path(others: str | None) -> str:
    """Return Jupyter's search path for configuration: our folder, which turns off its question about news, first."""
    ours = str(Path(str(files("bptt_lessons.course"))) / "jupyter_config")
    return os.pathsep.join([ours, others]) if others else ours


def page(folder: Path) -> str:
    """Return the address of the first lesson on a server."""
    tree = f"/tree/{quote(FIRST)}" if (folder / FIRST).exists() else ""
    return f"/lab/workspaces/{WORKSPACE}{tree}"


def jupyter_arguments(folder: Path, browser: bool) -> list[str]:
    """Return JupyterLab's arguments: this folder, this Python, and no requests to other servers."""
    from bptt_lessons.course import kernels

    return [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url={page(folder)}",
        f"--ServerApp.kernel_spec_manager_class={kernels.NAME}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]


def running_on(folder: Path, servers: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first of Jupyter's servers that serves this folder and answers."""
    for server in servers:
        if Path(server.get("root_dir", "")).resolve() == folder.resolve() and answers(server):
            return server
    return None


def answers(server: Mapping[str, Any]) -> bool:
    """Return whether a server answers."""
    request = urllib.request.Request(
        server["url"] + "api/status", headers={"Authorization": f"token {server.get('token', '')}"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy
    try:
        with direct.open(request, timeout=3) as response:
            return "started" in json.load(response)
    except urllib.error.HTTPError as error:
        return error.code == 403  # it answers, and wants a password
    except (OSError, ValueError):
        return False
