"""JupyterHub as the load test runs it: on loopback only, one password for all, limits for everyone.

The load test says in a file, named by the environment variable ``BPTT_LOAD_SETTINGS``, which ports, folders,
password and limits there are.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent if "__file__" in globals() else Path(os.environ["BPTT_LOAD_FOLDER"])
sys.path.insert(0, str(HERE))

from cgroups import Tree  # noqa: E402
from learner_limits import Limits  # noqa: E402

settings = json.loads(Path(os.environ["BPTT_LOAD_SETTINGS"]).read_text(encoding="utf-8"))
limits = Limits(*settings["limits"])
tree = settings["tree"] and Tree(
    settings["tree"]["version"], {name: Path(folder) for name, folder in settings["tree"]["folders"].items()}
)
folder = Path(settings["folder"])

c: Any = get_config()  # noqa: F821  (JupyterHub puts this name here)

c.JupyterHub.bind_url = settings["url"]
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = settings["hub_port"]
c.JupyterHub.db_url = f"sqlite:///{folder / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.JupyterHub.cleanup_servers = True
c.ConfigurableHTTPProxy.command = settings["proxy"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings['proxy_port']}"
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = settings["password"]
c.SharedPasswordAuthenticator.allow_all = True

c.JupyterHub.spawner_class = "limited_spawner.LimitedSpawner"
c.LimitedSpawner.tree = tree
c.LimitedSpawner.limits = limits
c.LimitedSpawner.home_dir_template = str(folder / "homes" / "{username}")
c.Spawner.cmd = [sys.executable, str(HERE / "learner_server.py")]
c.Spawner.notebook_dir = "~/bptt-lessons"
c.Spawner.default_url = "/lab"
c.Spawner.mem_limit = limits.memory
c.Spawner.cpu_limit = limits.cpu
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.Spawner.args = [
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    *(["--allow-root"] if os.geteuid() == 0 else []),
]
c.Spawner.environment = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
