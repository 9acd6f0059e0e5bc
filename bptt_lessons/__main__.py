"""``python -m bptt_lessons``: the same as the command ``bptt-lessons``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line, or say what to do where the course cannot even be loaded."""
    try:
        from bptt_lessons.course import cli
        from bptt_lessons.workshop import commands
    except ImportError as error:
        print(f"bptt-lessons: the course cannot be loaded ({error}).", file=sys.stderr)
        print("In a clone: delete the folder .venv and run: python start.py", file=sys.stderr)
        print(f'Else install the wheel of the course anew: "{sys.executable}" -m pip install FILE.whl', file=sys.stderr)
        return 1
    return cli.main(add_more=commands.add)


if __name__ == "__main__":
    sys.exit(main())
