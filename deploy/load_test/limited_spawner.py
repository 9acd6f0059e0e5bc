"""A spawner for the load test: local processes, a home for every learner, and limits that are kept."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cgroups import Tree
from jupyterhub.spawner import SimpleLocalProcessSpawner
from learner_limits import Limits
from traitlets import Any as AnyTrait


class LimitedSpawner(SimpleLocalProcessSpawner):
    """Starts each learner's server inside a control group of its own.

    Where no groups can be made, each single process is limited in its memory, and nothing else is.
    """

    tree = AnyTrait(None, help="Where the groups are; None if there are none.").tag(config=True)
    limits = AnyTrait(Limits(), help="What one learner may use.").tag(config=True)

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what the learner's process does before it becomes his server."""
        home, tree, limits = Path(self.home_dir), self.tree, self.limits
        files: list[str] = []
        if isinstance(tree, Tree):
            group = tree.group(name)
            group.make(limits)
            files = group.files()

        def enter() -> None:
            for file in files:
                with open(file, "w") as group_file:
                    group_file.write(str(os.getpid()))
            if not files:
                resource.setrlimit(resource.RLIMIT_DATA, (limits.memory, limits.memory))
            home.mkdir(parents=True, exist_ok=True)
            os.chdir(home)

        return enter

    def get_env(self) -> dict[str, Any]:
        """Return the environment of the learner's server: nothing of whoever runs the load test."""
        env = super().get_env()
        return {name: value for name, value in env.items() if not name.startswith(("PYTHONPATH", "MPL", "IPYTHON"))}
