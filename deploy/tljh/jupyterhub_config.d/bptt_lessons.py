"""What The Littlest JupyterHub cannot be told by tljh-config; install.sh puts it into its jupyterhub_config.d.

Memory, cores and idle servers are tljh-config's: see install.sh.
"""

c = get_config()  # noqa: F821  (JupyterHub provides it)

# Learners may share their results here, if they say yes; see "The class's folder" in deploy/README.md.
c.Spawner.environment.update({"BPTT_LESSONS_CLASS": "/srv/class"})

c.SystemdSpawner.unit_extra_properties = {
    "OOMPolicy": "continue",  # a kernel that runs out of memory ends alone; systemd's default ends the whole server
    "TasksMax": "256",  # processes and threads of one learner
    "IPAddressDeny": "any",  # the course needs no network: learners' code reaches the hub and nothing else
    "IPAddressAllow": "localhost",
}
c.SystemdSpawner.isolate_tmp = True

# When a class arrives at once, servers start in turn, and nobody's start is given up too early.
c.JupyterHub.concurrent_spawn_limit = 10
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 120
