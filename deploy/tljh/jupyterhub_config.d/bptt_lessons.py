"""Settings of The Littlest JupyterHub that tljh-config does not have; install.sh copies them to jupyterhub_config.d.

install.sh sets memory, cores and idle servers with tljh-config.
"""

c = get_config()  # noqa: F821  (JupyterHub provides it)

# Learners who say yes share their results here; see "The class's folder" in deploy/README.md.
c.Spawner.environment.update({"BPTT_LESSONS_CLASS": "/srv/class"})

c.SystemdSpawner.unit_extra_properties = {
    "OOMPolicy": "continue",  # without this, a kernel out of memory ends the whole server
    "TasksMax": "256",  # processes and threads of one learner
    "IPAddressDeny": "any",  # the course needs no network; code can reach the hub only
    "IPAddressAllow": "localhost",
}
c.SystemdSpawner.isolate_tmp = True

# When a class arrives at once, servers start in turn, so a start may take longer.
c.JupyterHub.concurrent_spawn_limit = 10
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 120
