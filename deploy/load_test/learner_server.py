"""What runs for one learner: their own copy of the lessons is made if it is missing, then their server starts."""

from __future__ import annotations

from pathlib import Path

from jupyterhub.singleuser import main

from bptt_lessons.course.learner_folder import prepare

if __name__ == "__main__":
    prepare(Path.home() / "bptt-lessons")
    main()
