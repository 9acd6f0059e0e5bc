"""Hosting: what can be checked without a container engine, a cluster or a hub; deploy/README.md says what was run."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import bptt_lessons
from bptt_lessons.course import cli, hosted, learner_folder, sharing

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
STEMS = [path.stem for path in learner_folder.shipped_lessons(ROOT / "notebooks")]


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def load(name: str) -> Any:
    """Import one of deploy's scripts."""
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", DEPLOY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(path: Path) -> dict[str, str]:
    """Return the versions in a lock file; every line must hold one."""
    lines = [line.split(";")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return dict(line.split("==") for line in lines)


MEMORY = json.loads(read("memory.json"))
LIMITS = json.loads(read("limits.json"))
VALUES = yaml.safe_load(read("kubernetes/values.yaml"))
VOLUME, MODE = yaml.safe_load_all(read("kubernetes/class-volume.yaml"))
COMPOSE = yaml.safe_load(read("container/compose.yaml"))["services"]["course"]
CONTAINERFILE = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", read("container/Containerfile"))).splitlines()
TLJH = read("tljh/install.sh")
LOCKED, HUB_LOCKED = pins(ROOT / "requirements.lock"), pins(DEPLOY / "container" / "hub.lock")


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in CONTAINERFILE if line.startswith(f"{name} ")]


# limits


def test_the_limits_follow_from_what_was_measured() -> None:
    assert load("limits").by_rule(MEMORY["typical"], MEMORY["worst"]) == LIMITS


def test_what_was_measured_is_every_lesson_with_the_pinned_versions() -> None:
    assert list(MEMORY["kernels"]) == STEMS
    pinned = {name.replace("-", "_"): version for name, version in (LOCKED | HUB_LOCKED).items()}
    found = {name: version for name, version in MEMORY["versions"].items() if name != "python"}
    assert found == {name: pinned[name] for name in found}
    assert MEMORY["worst"] >= max(kernel["peak"] for kernel in MEMORY["kernels"].values())


def test_every_way_of_hosting_has_the_same_limits() -> None:
    memory, cpu = f"{LIMITS['memory_limit_mib']}M", LIMITS["cpu_limit"]
    assert VALUES["singleuser"]["memory"] == {"guarantee": f"{LIMITS['memory_guarantee_mib']}M", "limit": memory}
    assert VALUES["singleuser"]["cpu"] == {"guarantee": LIMITS["cpu_guarantee"], "limit": cpu}
    assert (COMPOSE["mem_limit"].upper(), COMPOSE["cpus"]) == (memory, cpu)
    assert re.search(r"^tljh-config set limits.memory (\S+)$", TLJH, re.M)[1] == memory  # type: ignore[index]
    assert re.search(r"^tljh-config set limits.cpu (\S+)$", TLJH, re.M)[1] == str(cpu)  # type: ignore[index]
    assert VALUES["cull"]["timeout"] == hosted.KERNEL_SECONDS
    assert f"services.cull.timeout {hosted.KERNEL_SECONDS}" in TLJH


def test_the_readme_has_the_table_of_machines_and_the_measured_memory() -> None:
    readme = read("README.md")
    assert load("limits").table(LIMITS) in readme
    assert load("limits").measured(MEMORY) in readme


# versions and files


def test_versions_agree() -> None:
    version = bptt_lessons.__version__
    assert VALUES["singleuser"]["image"]["tag"] == version
    image = f"{VALUES['singleuser']['image']['name']}:{version}"
    assert MODE["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert COMPOSE["image"] == f"bptt-lessons:{version}"
    assert any(f'image.version="{version}"' in label for label in instructions("LABEL"))
    for name in ("container/Containerfile", "tljh/install.sh", "README.md"):
        named = re.findall(r"bptt[-_]lessons[-:](\d+\.\d+\.\d+)", read(name))
        assert set(named) == {version}, name
    assert f"(JupyterHub {HUB_LOCKED['jupyterhub']}," in read("kubernetes/values.yaml")
    assert not set(LOCKED) & set(HUB_LOCKED)


def test_every_file_that_is_referred_to_exists() -> None:
    for path in [DEPLOY / "README.md", *DEPLOY.glob("container/*"), *DEPLOY.glob("tljh/**/*"), *DEPLOY.glob("kub*/*")]:
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            named = [ROOT / name for name in re.findall(r"(?<![\w/])deploy/[\w./-]*\w", text)]
            links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
            missing = [name for name in [*named, *(path.parent / link for link in links)] if not name.exists()]
            assert missing == [], path


# the container


def test_the_image_is_pinned_runs_as_a_user_and_is_watched() -> None:
    base = instructions("ARG")[0].removeprefix("PYTHON=")
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-[a-z]+", base)
    assert [line.split()[0] for line in instructions("FROM")] == ["${PYTHON}", "${PYTHON}"]
    assert int(instructions("USER")[-1]) == VALUES["singleuser"]["uid"] == 1000
    installs = [line for line in instructions("RUN") if "pip install" in line]
    assert all(line.count("--constraint requirements.lock") == line.count("pip install") for line in installs)
    assert "--constraint deploy/container/hub.lock /wheels/*.whl jupyterhub" in installs[-1]
    assert any("PIP_NO_CACHE_DIR=1" in line for line in instructions("ENV"))
    assert "healthy.py" in instructions("HEALTHCHECK")[0]
    home = VALUES["singleuser"]["storage"]["homeMountPath"]
    command = json.loads(instructions("CMD")[0])
    assert command[:3] == ["bptt-lessons", "open", f"{home}/bptt-lessons"]
    assert cli.split_open(command[2:])[0] == Path(hosted.FOLDER.replace("~", home))
    for name in hosted.ONE_THREAD:
        assert f"{name}=1" in instructions("ENV")[-1]


def test_everything_that_is_copied_is_there_and_let_in() -> None:
    sources = [name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]]
    ignored, *patterns = [line for line in read("container/Containerfile.dockerignore").splitlines() if line[0] != "#"]
    assert ignored == "*"
    let_in = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    assert set(sources) == let_in
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_compose_holds_the_course_in() -> None:
    assert COMPOSE["read_only"] is True
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert [port.split(":")[0] for port in COMPOSE["ports"]] == ["127.0.0.1"]
    assert [volume.split(":")[1] for volume in COMPOSE["volumes"]] == ["/home/jovyan"]
    build = COMPOSE["build"]
    context = (DEPLOY / "container" / build["context"]).resolve()
    assert (context, context / build["dockerfile"]) == (ROOT, DEPLOY / "container" / "Containerfile")


@pytest.fixture
def service() -> Iterator[Callable[[dict[tuple[str, str], Any]], str]]:
    """Serve answers by method and path; those of a path that is not known are 404."""
    running: list[http.server.HTTPServer] = []

    def serve(answers: dict[tuple[str, str], Any]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = answers.get((self.command, self.path), (404, {}))
                status, content = found() if callable(found) else found
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *parts: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


def test_the_health_check_knows_a_server_alone_and_on_a_hub(service: Callable[..., str]) -> None:
    url = service({("GET", "/user/ada/api"): (200, {"version": "2"}), ("GET", "/other/api"): (200, {})})
    port = url.rpartition(":")[2]

    def healthy(address: str) -> int:
        command = [sys.executable, str(DEPLOY / "container" / "healthy.py")]
        environment = os.environ | {"JUPYTERHUB_SERVICE_URL": address}
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    assert healthy(f"http://0.0.0.0:{port}/user/ada/") == 0
    assert healthy(f"http://0.0.0.0:{port}/other/") == 1
    assert healthy(f"http://0.0.0.0:{port}/") == 1
    assert healthy("http://0.0.0.0:1/") == 1


# what every server reads


def config() -> Any:
    from traitlets.config import Config

    return Config()


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a home of its own, and put the environment back afterwards."""
    for name in ("BPTT_LESSONS_HOME", "JUPYTER_CONFIG_PATH", *hosted.ONE_THREAD):
        monkeypatch.setenv(name, "to be put back")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_a_start_copies_what_is_missing_and_overwrites_nothing(surroundings: Path) -> None:
    folder = surroundings / "bptt-lessons"
    hosted.configure(config())
    assert [path.stem for path in learner_folder.shipped_lessons(folder)] == STEMS
    mine, gone = folder / f"{STEMS[1]}.ipynb", folder / f"{STEMS[2]}.ipynb"
    mine.write_text("my work")
    gone.unlink()
    (folder / "notes.txt").write_text("my notes")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    hosted.configure(config())
    assert {path: path.read_bytes() for path in before} == before
    assert gone.is_file()


def test_a_server_is_configured_as_open_configures_it(surroundings: Path) -> None:
    found = config()
    hosted.configure(found)
    folder = surroundings / "bptt-lessons"
    asked = [argument.removeprefix("--").split("=", 1) for argument in cli.jupyter_arguments(folder, True)]
    for name, value in (pair for pair in asked if len(pair) == 2):
        section, trait = name.split(".")
        assert str(found[section][trait]) == value, name
    assert found.ServerApp.default_url == cli.page(folder)
    assert os.environ["BPTT_LESSONS_HOME"] == str(folder)
    assert os.environ["JUPYTER_CONFIG_PATH"] == cli.config_path(None)


def test_a_start_goes_on_where_nothing_can_be_copied(surroundings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (surroundings / "bptt-lessons").write_text("a file in the way")
    found = config()
    hosted.configure(found)
    assert "could not be brought up to date" in capsys.readouterr().err
    assert str(found.ServerApp.root_dir) == str(surroundings)


def test_jupyter_itself_reads_the_configuration(surroundings: Path) -> None:
    environment = os.environ | {"JUPYTER_CONFIG_PATH": str(DEPLOY), "JUPYTER_CONFIG_DIR": str(surroundings / "none")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment.pop("PYTHONWARNINGS", None)
    command = [sys.executable, "-m", "jupyter_server", "--show-config-json"]
    result = subprocess.run(command, env=environment, cwd=surroundings, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    server = json.loads(result.stdout)["ServerApp"]
    assert server["default_url"] == f"/lab/workspaces/{cli.WORKSPACE}/tree/{cli.FIRST}"
    assert server["root_dir"] == str(surroundings / "bptt-lessons")
    assert (surroundings / "bptt-lessons" / cli.FIRST).is_file()


# The Littlest JupyterHub

TLJH_KEYS = {  # of its configurer.py, as it was read
    "user_environment.default_app", "limits.memory", "limits.cpu", "services.cull.timeout", "services.cull.every",
}  # fmt: skip


def test_tljh_is_told_only_what_it_knows() -> None:
    assert set(re.findall(r"^tljh-config set (\S+)", TLJH, re.M)) == TLJH_KEYS
    found = config()
    exec(compile(read("tljh/jupyterhub_config.d/bptt_lessons.py"), "snippet", "exec"), {"get_config": lambda: found})
    assert found.SystemdSpawner.unit_extra_properties["OOMPolicy"] == "continue"
    assert found.Spawner.environment.get_value({}) == {sharing.VARIABLE: "/srv/class"}
    assert "class=/srv/class" in TLJH
    assert "--group=jupyterhub-admins --mode=1773" in TLJH  # drop a file, keep it one's own, see no others


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="needs bash")
def test_the_script_for_tljh_can_be_read() -> None:
    result = subprocess.run(["bash", "-n", str(DEPLOY / "tljh" / "install.sh")], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")


# Kubernetes

CHART_KEYS: dict[str, type | tuple[type, ...]] = {  # of its values.schema.yaml, as it was read
    "hub.config": dict, "hub.concurrentSpawnLimit": int, "hub.activeServerLimit": int, "hub.extraConfig": dict,
    "singleuser.image.name": str, "singleuser.image.tag": str, "singleuser.uid": int, "singleuser.fsGid": int,
    "singleuser.allowPrivilegeEscalation": bool, "singleuser.startTimeout": int,
    "singleuser.memory.guarantee": str, "singleuser.memory.limit": str,
    "singleuser.cpu.guarantee": (int, float), "singleuser.cpu.limit": (int, float), "singleuser.extraEnv": dict,
    "singleuser.storage.type": str, "singleuser.storage.capacity": str, "singleuser.storage.homeMountPath": str,
    "singleuser.storage.extraVolumes": list, "singleuser.storage.extraVolumeMounts": list,
    "singleuser.networkPolicy.enabled": bool, "singleuser.networkPolicy.egress": list,
    "singleuser.networkPolicy.egressAllowRules.cloudMetadataServer": bool,
    "singleuser.networkPolicy.egressAllowRules.dnsPortsCloudMetadataServer": bool,
    "singleuser.networkPolicy.egressAllowRules.dnsPortsKubeSystemNamespace": bool,
    "singleuser.networkPolicy.egressAllowRules.dnsPortsPrivateIPs": bool,
    "singleuser.networkPolicy.egressAllowRules.nonPrivateIPs": bool,
    "singleuser.networkPolicy.egressAllowRules.privateIPs": bool,
    "cull.enabled": bool, "cull.timeout": int, "cull.every": int,
    "prePuller.hook.enabled": bool, "prePuller.continuous.enabled": bool,
    "scheduling.userScheduler.enabled": bool, "scheduling.podPriority.enabled": bool,
    "scheduling.userPlaceholder.enabled": bool, "scheduling.userPlaceholder.replicas": int,
}  # fmt: skip


def leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what the values set, by the names that the chart knows."""
    if path in CHART_KEYS or not isinstance(values, dict):
        yield path, values
        return
    for name, value in values.items():
        yield from leaves(value, f"{path}.{name}".strip("."))


def test_the_values_are_ones_that_the_chart_knows() -> None:
    wrong = {path: value for path, value in leaves(VALUES) if not isinstance(value, CHART_KEYS.get(path, ()))}
    assert wrong == {}


def test_a_learner_on_kubernetes_reaches_the_hub_and_nothing_else() -> None:
    policy = VALUES["singleuser"]["networkPolicy"]
    allowed = {name for name, value in policy["egressAllowRules"].items() if value}
    assert (policy["enabled"], policy["egress"]) == (True, [])
    assert allowed == {"dnsPortsKubeSystemNamespace", "dnsPortsPrivateIPs"}


def test_volumes_are_there_and_an_instructor_sees_the_whole_class() -> None:
    storage = VALUES["singleuser"]["storage"]
    mounts = {mount["mountPath"]: mount for mount in storage["extraVolumeMounts"]}
    volumes = {volume["name"]: volume for volume in storage["extraVolumes"]}
    assert {mount["name"] for mount in mounts.values()} == set(volumes)
    assert volumes["class"]["persistentVolumeClaim"]["claimName"] == VOLUME["metadata"]["name"]
    place = VALUES["singleuser"]["extraEnv"][sharing.VARIABLE]
    assert mounts[place]["subPath"] == "{username}"
    found = config()
    exec(compile(VALUES["hub"]["extraConfig"]["course.py"], "course.py", "exec"), {"c": found})
    assert found.KubeSpawner.container_security_context["readOnlyRootFilesystem"] is True
    for admin, sub_path in ((False, "ada"), (True, None)):
        pod = Attributes(spec=Attributes(containers=[Attributes(volume_mounts=[
            Attributes(mount_path="/home/jovyan", sub_path="home"), Attributes(mount_path=place, sub_path="ada")
        ])]))  # fmt: skip
        spawner = Attributes(user=Attributes(admin=admin))
        mounted = found.KubeSpawner.modify_pod_hook(spawner, pod).spec.containers[0].volume_mounts
        assert [mount.sub_path for mount in mounted] == ["home", sub_path]


class Attributes:
    """An object with these attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


# servers started beforehand


def test_servers_are_started_a_few_at_a_time(service: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("start_servers")
    monkeypatch.setattr(script.time, "sleep", lambda seconds: None)
    known, looks, most = {"ada", "bob", "eve"}, dict[str, int](), [0]

    def starting() -> int:
        return sum(0 < count < 3 for name, count in looks.items() if name != "eve")

    def start(name: str) -> tuple[int, Any]:
        if name not in known:
            return 404, {}
        if name == "eve":
            return 403, {}
        looks[name] = 1
        most[0] = max(most[0], starting())
        return 202, None

    def look(name: str) -> tuple[int, Any]:
        looks[name] = looks.get(name, 0) + 1
        return 200, {"servers": {"": {"ready": looks[name] > 3, "pending": "spawn"}}}

    def add(name: str) -> tuple[int, Any]:
        known.add(name)
        return 201, {}

    answers: dict[tuple[str, str], Any] = {}
    for name in ("ada", "bob", "cyd", "dee", "eve"):
        path = f"/hub/api/users/{name}"
        answers["POST", f"{path}/server"] = lambda name=name: start(name)
        answers["GET", path], answers["POST", path] = lambda name=name: look(name), lambda name=name: add(name)
    hub = script.Hub(service(answers), "token")
    assert script.start_all(hub, ["ada", "bob", "cyd", "dee", "eve"], at_once=2, patience=100) == ["eve"]
    assert known == {"ada", "bob", "cyd", "dee", "eve"}
    assert most[0] == 2


def test_the_limit_holds_as_many_lessons_as_is_said() -> None:
    limits = load("limits")
    room = LIMITS["memory_limit_mib"] * limits.MIB / 1e6 - MEMORY["server"]["at the end"]["now"]
    heaviest, *others = sorted((kernel["peak"] for kernel in MEMORY["kernels"].values()), reverse=True)
    usual = sorted(others)[len(others) // 2]
    assert "lesson 09 with\nthree others left open, or for six of the others" in str(limits.__doc__)
    assert heaviest + 3 * usual < room
    assert 6 * usual < room
