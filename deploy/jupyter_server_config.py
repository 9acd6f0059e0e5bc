"""Make every Jupyter server of an environment serve the course, from ``etc/jupyter/`` in that environment.

The Containerfile copies this file there, and ``tljh/install.sh`` on The Littlest JupyterHub.  At each start, missing
lessons are copied into the learner's home; nothing there is ever overwritten.
"""

from bptt_lessons.course import hosted

hosted.configure(get_config())  # noqa: F821  (Jupyter provides it)
