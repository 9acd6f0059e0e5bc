"""Hosted: makes a Jupyter server serve the course, whether a hub, a container or a person starts it.

Each time a server starts, it reads ``etc/jupyter/jupyter_server_config.py`` of its environment, as the
learner it serves.  Two lines there are enough::

    from bptt_lessons.course import hosted
    hosted.configure(get_config())

Every start then prepares the learner's folder: it copies what is missing, never touches what is there,
and downloads nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bptt_lessons.course import cli, learner_folder
from bptt_lessons.course.cli import ONE_THREAD as ONE_THREAD

FOLDER = "~/bptt-lessons"
KERNEL_SECONDS = 7200  # an idle kernel is stopped after this: a day of lessons would fill a learner's memory


def configure(config: Any, folder: Path | str = FOLDER) -> None:
    """Have a server serve the learner's copy of the course, as ``bptt-lessons open`` does.

    Parameters
    ----------
    config : traitlets.config.Config
        What ``get_config()`` returns in a configuration file.
    folder : Path or str
        The learner's; prepared now, and the server starts even if that fails.
    """
    place = prepare_or_explain(folder)
    cli.set_environment(place)
    for argument in cli.jupyter_arguments(place, browser=True):
        name, _, value = argument.removeprefix("--").partition("=")
        if value:
            section, trait = name.split(".")
            config[section][trait] = None if value == "None" else value
    config.ServerApp.default_url = cli.page(place)  # a hub asks for this, whatever application it starts
    config.MappingKernelManager.cull_idle_timeout = KERNEL_SECONDS
    config.MappingKernelManager.cull_interval = 300
    config.MappingKernelManager.cull_connected = True  # tabs stay open for days


def prepare_or_explain(folder: Path | str) -> Path:
    """Prepare the learner's folder and return it; if that fails, say so and return a folder that can be served.

    If the folder does not exist, that is the home folder: a full disk can only be cleaned up from a running server.
    """
    try:
        return learner_folder.prepare(folder).folder
    except (OSError, ValueError) as error:
        print(f"bptt-lessons: the lessons could not be brought up to date: {cli.describe(error)}", file=sys.stderr)
    place = learner_folder.full_path(folder)
    return place if place.is_dir() else Path.home()
