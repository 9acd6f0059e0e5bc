"""Open the course, or test it, from a clone: ``python start.py``.

    python start.py                   set everything up and open the course
    python start.py test              set everything up and test it, in about five minutes
    python start.py test --all        run every test, in about twenty
    python start.py progress          any other command of the course: doctor, copy, reset, share
    python start.py slides            what an instructor needs: slides, handout, class
    python start.py --help            this text; after a command, what that command does

Further arguments go to the course, or to pytest.  Everything is installed in the folder
``.venv`` beside this file, at the versions in requirements.lock; no other Python is
touched.  After a failure or an interrupt, just run it again.

This file needs only Python's standard library.  Any Python 3 can read it, so that one
that is too old can say so.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = VENV / "start.lock"  # written first: a .venv without it belongs to the user
STAMP = VENV / "start.json"  # written last: a .venv without it is incomplete
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TEST_MINUTES = {(): 10, ("--all",): 40, ("--rest",): 31}  # on one core
UNWANTED = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__", "PYTHONDONTWRITEBYTECODE")


def say(text):
    print(text, flush=True)


def stop(text):
    print("\n" + text, file=sys.stderr, flush=True)
    raise SystemExit(1)


def check_python():
    """Stop with advice if this Python is too old or incomplete."""
    if sys.version_info < OLDEST:
        stop(
            "The course needs Python 3.11 or newer, and this is Python %s (%s).\n"
            "Install a newer one, then start with it, for example: python3.13 start.py"
            % (platform.python_version(), sys.executable)
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = "%d.%d" % sys.version_info[:2]
        stop(
            "This Python (%s) cannot make virtual environments: its module venv or ensurepip is missing.\n"
            "On Debian and Ubuntu: sudo apt install python%s-venv\n"
            "Elsewhere: install the complete Python, then run this again." % (sys.executable, version)
        )


def wanted_stamp(tests):
    """Return what an up-to-date environment is made from."""
    digest = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return {
        "folder": str(ROOT),
        "python": "%s %d.%d, %s" % (sys.implementation.name, *sys.version_info[:2], sys.base_prefix),
        "requirements": digest.hexdigest(),
        "tests": tests,
    }


def stamp():
    """Read what the environment was made from; empty if it is incomplete."""
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and PYTHON.exists() else {}


def is_ready(found, wanted):
    """Accept an environment with the test tools for the course, too."""
    return found == wanted or found == dict(wanted, tests=True)


@contextlib.contextmanager
def one_at_a_time():
    """Wait until no other start.py is setting up; the system releases the lock if this process dies."""
    if VENV.exists() and not LOCK.exists() and any(VENV.iterdir()):
        stop(
            "%s was not made by start.py, so it is left alone.\nMove it away or delete it, then run this again." % VENV
        )
    VENV.mkdir(exist_ok=True)
    with LOCK.open("a") as lock:
        if not try_lock(lock):
            say("Another start.py is setting things up: waiting for it ...")
            while not try_lock(lock):
                time.sleep(0.2)
        yield lock


def try_lock(file):
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks: carry on without one
        return True
    return True


def run(lock, *command):
    """Run one step of the set-up; stop if it fails."""
    # The step holds the lock too: if this process is killed, the next start waits for the step to end.
    held = () if os.name == "nt" else (lock.fileno(),)
    try:
        code = subprocess.call([str(part) for part in command], env=environment(), cwd=str(ROOT), pass_fds=held)
    except KeyboardInterrupt:
        stop("Interrupted. Run this again to finish.")
    if code:
        stop(
            "This step failed; see its message above.\n"
            "The usual reasons are no network (behind a proxy, set HTTPS_PROXY), a full disk, or a Python\n"
            "that is too new for the pinned packages (3.11 to 3.14 work; this is %s).\n"
            "Fix that, then run this again: it carries on by itself." % platform.python_version()
        )


def environment():
    """Return the user's environment without variables that mislead Python or slow it down."""
    return {name: value for name, value in os.environ.items() if name not in UNWANTED}


def set_up(tests):
    """Bring ``.venv`` up to date, if it is not."""
    wanted = wanted_stamp(tests)
    if is_ready(stamp(), wanted):
        return
    with one_at_a_time() as lock:
        found = stamp()
        if is_ready(found, wanted):
            return
        with contextlib.suppress(FileNotFoundError):
            STAMP.unlink()  # incomplete from here to the end
        tests = tests or bool(found.get("tests"))
        same_python = found.get("folder") == wanted["folder"] and found.get("python") == wanted["python"]
        if not same_python:
            make_venv(lock)
        install = [PYTHON, "-m", "pip", "install", "--no-build-isolation", "--prefer-binary"]
        install += ["--no-user", "--disable-pip-version-check", "--quiet", "--constraint", ROOT / "requirements.lock"]
        say("Installing the build tool ...")
        run(lock, *install, "hatchling")
        say("Installing the course%s: one or two minutes the first time ..." % (" and its tests" if tests else ""))
        run(lock, *install, "--editable", ".[test]" if tests else ".")
        write_path_in_ascii()
        part = STAMP.with_suffix(".part")
        part.write_text(json.dumps(dict(wanted, tests=tests), indent=2), encoding="utf-8")
        os.replace(str(part), str(STAMP))


def make_venv(lock):
    """Make an empty environment in ``.venv``, keeping only the lock."""
    say("Making a Python environment in %s ..." % VENV)
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif path != LOCK:
            path.unlink()
    run(lock, sys.executable, "-m", "venv", VENV)


def write_path_in_ascii():
    """Rewrite the file that points the environment to this folder, if Python might misread it.

    It holds the folder's path in UTF-8, but before 3.13 Python reads it in the system's encoding: on
    Windows, Python does not start if the path has an accent.  A line of Python code may hold escapes.
    """
    folder = str(ROOT)
    if folder.isprintable() and (folder.isascii() or sys.version_info >= (3, 13)):
        return
    for path in [*VENV.glob("lib/python*/site-packages/*.pth"), *VENV.glob("Lib/site-packages/*.pth")]:
        if os.fsdecode(path.read_bytes()).strip() == folder.strip():
            path.write_text("import sys; sys.path.append(%s)\n" % ascii(folder), encoding="ascii")


def hand_over(*command):
    """Continue as another program."""
    command = [str(part) for part in command]
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment())
    process = subprocess.Popen(command, env=environment())
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the other program answers Ctrl-C
            raise SystemExit(process.wait())


def test(arguments):
    """Say how long it takes, then run pytest, with ruff and mypy beside it."""
    minutes = TEST_MINUTES.get(tuple(arguments))
    cores = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    say("Testing: about %d minutes on %d cores ..." % (round(minutes / cores), cores) if minutes else "Testing ...")
    os.chdir(str(ROOT))
    spread = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
    hand_over(PYTHON, "-m", "pytest", "--checks", *spread, "-ra", *arguments)


def main():
    check_python()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # the terminal may lack a letter of the folder's name
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        say(__doc__)
        return
    tests = arguments[:1] == ["test"]
    try:
        set_up(tests)
    except OSError as error:
        stop(
            "%s\nThe folder %s must be writable, and its disk not full. If the course is open, close it first.\n"
            "Then run this again." % (error, ROOT)
        )
    except KeyboardInterrupt:
        stop("Interrupted. Run this again to finish.")
    if tests:
        test(arguments[1:])
    hand_over(PYTHON, "-m", "bptt_lessons", *arguments)


if __name__ == "__main__":
    main()
