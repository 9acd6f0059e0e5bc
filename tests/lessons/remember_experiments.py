"""A startup file for the kernels of the tests: each experiment of a lesson runs once, and its result is remembered.

Experiments never run a learner's code, so every run of a lesson gets the same result.
"""


def remember() -> None:
    """Replace `recording.live` by one that looks for a stored result first."""
    import json
    import os
    from pathlib import Path

    from bptt_lessons.experiments import recording

    run = recording.live
    folder = Path(os.environ["IPYTHONDIR"]) / "experiments"
    folder.mkdir(exist_ok=True)

    def live(experiment, seed=None):  # type: ignore[no-untyped-def]
        file = folder / f"{experiment.name} {seed}.json"
        if not file.exists():
            part = file.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(run(experiment, seed)))
            part.replace(file)
        return json.loads(file.read_text())

    recording.live = live


remember()
del remember
