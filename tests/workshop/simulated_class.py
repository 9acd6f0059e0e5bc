"""A class of simulated learners who try, make catalogued mistakes, solve exercises and get stuck.

    python tests/workshop/simulated_class.py FOLDER 30 [MINUTES]

writes the files that 30 learners would have shared after so many minutes of class (150 by default).
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bptt_lessons.course import EXERCISES, progress
from bptt_lessons.course.progress import Entry
from bptt_lessons.course.pseudonym import COLOURS, THINGS

HARD = {"rnn.step_backward": 2.5, "unrolled.backward": 4.0, "flow.step_jacobian": 2.0, "tbptt.windowed_gradient": 3.0}
NAMES = (
    "Amina", "Bo", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hiroshi", "Ines", "Jonas", "Kavya", "Liam", "Maja",
    "Noor", "Ola", "Priya", "Quentin", "Rosa", "Sven", "Tuan", "Ulla", "Viktor", "Wen", "Ximena", "Yusuf", "Zoë",
    "Aarav", "Beatriz", "Chidi", "Dilara",
)  # fmt: skip


def results(rng: random.Random, start: datetime, minutes: float) -> list[Entry]:
    """Return one learner's results in so many minutes."""
    pace = rng.lognormvariate(0, 0.35)  # 2 is half as fast as most learners
    leaves = start + timedelta(minutes=rng.uniform(10, minutes) if rng.random() < 0.08 else minutes)
    time = start + timedelta(minutes=rng.uniform(0, 8))
    entries: list[Entry] = []

    def add(status: str, misconception: str | None) -> None:
        if not entries or entries[-1][2:] != (name, status, misconception):
            entries.append(
                Entry(time.isoformat(timespec="seconds"), EXERCISES[name].lesson, name, status, misconception)
            )

    for name, exercise in EXERCISES.items():
        mistakes = list(exercise.misconceptions)
        common = [1 / (1 + rank) ** 1.6 for rank in range(len(mistakes))]
        tries = int(rng.expovariate(1 / (1.4 * HARD.get(name, 1))))
        time += timedelta(minutes=pace * exercise.minutes * rng.uniform(0.9, 1.5))
        for _ in range(tries):
            if time > leaves:
                return entries
            kind = rng.random()
            add("wrong", None if kind < 0.2 else "no-return" if kind < 0.24 else rng.choices(mistakes, common)[0])
            time += timedelta(minutes=pace * exercise.minutes * rng.uniform(0.2, 0.7))
        if time > leaves:
            return entries
        if not tries or rng.random() > 0.06:  # otherwise the learner gives up and goes on
            add("correct", None)
    return entries


def make(folder: Path, count: int, minutes: float = 150, seed: int = 1, end: datetime | None = None) -> list[str]:
    """Write a class's folder; return the names."""
    rng = random.Random(seed)
    end = end or datetime.now(UTC)
    pseudonyms = [f"{colour}-{thing}" for colour in COLOURS for thing in THINGS]
    names = [*rng.sample(NAMES, min(count // 2, len(NAMES))), *rng.sample(pseudonyms, count)][:count]
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        lines = [progress.line_of(entry) for entry in results(rng, end - timedelta(minutes=minutes), minutes)]
        (folder / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return names


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 150)
