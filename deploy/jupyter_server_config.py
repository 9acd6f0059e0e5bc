"""Makes every Jupyter server of an environment serve the course: for ``etc/jupyter/`` of that environment.

The container file copies it there, and on The Littlest JupyterHub ``tljh/install.sh`` does. At each start the
lessons that are missing are copied into the learner's home; nothing there is ever overwritten.
"""

from bptt_lessons.course import hosted

hosted.configure(get_config())  # noqa: F821  (Jupyter provides it)
