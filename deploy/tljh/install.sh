#!/usr/bin/env bash
# Puts the course on a machine that runs The Littlest JupyterHub: run it as root in a clone, again after each update.
#
#     sudo deploy/tljh/install.sh bptt_lessons-0.1.0-py3-none-any.whl
#
# The wheel is made by: /opt/tljh/user/bin/python -m pip wheel --no-deps .
# It changes the learners' environment, the hub's configuration and /srv/class, and nothing in anybody's home.
set -euo pipefail

wheel=$(realpath -- "${1:?name the wheel}")
here=$(cd "$(dirname "$0")" && pwd)
environment=${TLJH_INSTALL_PREFIX:-/opt/tljh}
python=$environment/user/bin/python
server=$environment/user/etc/jupyter/jupyter_server_config.py
class=/srv/class

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "The course needs Python 3.11 or newer in $environment/user: install The Littlest JupyterHub 2.0 or newer afresh." >&2
    exit 1
}
if [ -e "$server" ] && ! grep -q bptt_lessons "$server"; then
    echo "$server is not ours. Add to it: from bptt_lessons.course import hosted; hosted.configure(get_config())" >&2
    exit 1
fi

# The course, at the versions it was tested with. The hub brought jupyterhub itself: its version is left as it is.
"$python" -m pip install --constraint "$here/../../requirements.lock" "$wheel"
"$python" -m pip install --force-reinstall --no-deps "$wheel" # of the same version, too, if it was made anew
install -D --mode=0644 "$here/../jupyter_server_config.py" "$server"

# The class's folder: learners may drop a file there and change their own; only instructors see what is there.
install --directory --owner=root --group=jupyterhub-admins --mode=1773 "$class"

# Limits of each learner, from deploy/limits.py; servers are stopped after two idle hours, not after ten minutes.
tljh-config set user_environment.default_app jupyterlab
tljh-config set limits.memory 1024M
tljh-config set limits.cpu 1
tljh-config set services.cull.timeout 7200
tljh-config set services.cull.every 300
install -D --mode=0600 "$here/jupyterhub_config.d/bptt_lessons.py" \
    "$environment/config/jupyterhub_config.d/bptt_lessons.py"
tljh-config reload
echo "The course is installed. Servers that run already serve it after their next start."
