"""Hosted: what makes a Jupyter server serve the course, however it is started: by a hub, in a container, by hand.

A server reads ``etc/jupyter/jupyter_server_config.py`` of its environment each time it starts, as the
learner whom it serves.  Two lines there are enough::

    from bptt_lessons.course import hosted
    hosted.configure(get_config())

The learner's folder is then prepared at every start: what is missing is copied, what is there is never
touched, and nothing is downloaded.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from bptt_lessons.course import cli, learner_folder

FOLDER = "~/bptt-lessons"
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
KERNEL_SECONDS = 7200  # after which an idle kernel is stopped: a day of lessons would fill a learner's memory


def configure(config: Any, folder: Path | str = FOLDER) -> None:
    """Have a server serve the learner's copy of the course, as ``bptt-lessons open`` does.

    Parameters
    ----------
    config : traitlets.config.Config
        What ``get_config()`` returns in a configuration file.
    folder : Path or str
        The learner's; prepared now, and without disturbing the start if that fails.
    """
    place = prepared(folder)
    os.environ.setdefault("BPTT_LESSONS_HOME", str(place))
    os.environ.pop("MPLBACKEND", None)  # would keep figures out of the notebooks
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    os.environ["JUPYTER_CONFIG_PATH"] = cli.config_path(os.environ.get("JUPYTER_CONFIG_PATH"))
    for argument in cli.jupyter_arguments(place, browser=True):
        name, _, value = argument.removeprefix("--").partition("=")
        if value:
            section, trait = name.split(".")
            config[section][trait] = None if value == "None" else value
    config.ServerApp.default_url = cli.page(place)  # which a hub asks for, whatever application it starts
    config.MappingKernelManager.cull_idle_timeout = KERNEL_SECONDS
    config.MappingKernelManager.cull_interval = 300
    config.MappingKernelManager.cull_connected = True  # tabs stay open for days


def prepared(folder: Path | str) -> Path:
    """Prepare the learner's folder; where that fails, say so and return a folder that can be served.

    Returns
    -------
    Path
        The folder, or if there is none, the home: a full disk can only be put in order from within.
    """
    try:
        return learner_folder.prepare(folder).folder
    except (OSError, ValueError) as error:
        print(f"bptt-lessons: the lessons could not be brought up to date: {cli.describe(error)}", file=sys.stderr)
    place = learner_folder.full_path(folder)
    return place if place.is_dir() else Path.home()
