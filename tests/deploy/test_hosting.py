"""Hosting: what can be checked without a container engine, a cluster or a hub; deploy/README.md says what was run."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from traitlets.config import Config, PyFileConfigLoader

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


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in CONTAINERFILE if line.startswith(f"{name} ")]


MEMORY = json.loads(read("memory.json"))
LIMITS = load("limits").limits(MEMORY)
VALUES = yaml.safe_load(read("kubernetes/values.yaml"))
VOLUME, MODE = yaml.safe_load_all(read("kubernetes/class-volume.yaml"))
COMPOSE = yaml.safe_load(read("container/compose.yaml"))["services"]["course"]
CONTAINERFILE = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", read("container/Containerfile"))).splitlines()
TLJH = read("tljh/install.sh")
LOCKED, HUB_LOCKED = pins(ROOT / "requirements.lock"), pins(DEPLOY / "container" / "hub.lock")


# limits and versions


def test_what_was_measured_is_every_lesson_with_the_pinned_versions() -> None:
    assert list(MEMORY["kernels"]) == STEMS
    pinned = {name.replace("-", "_"): version for name, version in (LOCKED | HUB_LOCKED).items()}
    found = {name: version for name, version in MEMORY["versions"].items() if name != "python"}
    assert found == {name: pinned[name] for name in found}


def test_every_way_of_hosting_has_the_limits_that_follow_from_the_measured_memory() -> None:
    memory, cpu = f"{LIMITS.limit}M", LIMITS.cpu_limit
    assert VALUES["singleuser"]["memory"] == {"guarantee": f"{LIMITS.guarantee}M", "limit": memory}
    assert VALUES["singleuser"]["cpu"] == {"guarantee": LIMITS.cpu_guarantee, "limit": cpu}
    assert (COMPOSE["mem_limit"].upper(), COMPOSE["cpus"]) == (memory, cpu)
    assert f"\ntljh-config set limits.memory {memory}\n" in TLJH
    assert f"\ntljh-config set limits.cpu {cpu}\n" in TLJH
    assert VALUES["cull"]["timeout"] == hosted.KERNEL_SECONDS
    assert f"services.cull.timeout {hosted.KERNEL_SECONDS}" in TLJH


def test_the_limit_holds_as_many_lessons_as_it_says() -> None:
    limits = load("limits")
    assert "lesson 09 with\nthree others left open, or for six of the others" in str(limits.__doc__)
    room = LIMITS.limit * limits.MIB / 1e6 - MEMORY["server"]["at the end"]["now"]
    heaviest, *others = sorted((kernel["peak"] for kernel in MEMORY["kernels"].values()), reverse=True)
    usual = sorted(others)[len(others) // 2]
    assert max(heaviest + 3 * usual, 6 * usual) < room


def test_the_readme_has_the_measured_memory_and_the_machines() -> None:
    readme, limits = read("README.md"), load("limits")
    assert limits.memory_table(MEMORY) in readme
    assert limits.rooms_table(LIMITS) in readme
    assert f"{LIMITS.guarantee} MiB guaranteed and at most {LIMITS.limit} MiB" in readme


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
    assert set(sources) == {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_compose_confines_the_course() -> None:
    assert COMPOSE["read_only"] is True
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert [port.split(":")[0] for port in COMPOSE["ports"]] == ["127.0.0.1"]
    assert [volume.split(":")[1] for volume in COMPOSE["volumes"]] == ["/home/jovyan"]


@pytest.fixture
def service() -> Iterator[Callable[[dict[tuple[str, str], Any]], str]]:
    """Serve answers by method and path; unknown paths are 404."""
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
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
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
    assert healthy("http://0.0.0.0:1/") == 1


# the configuration that every server reads


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own; the environment is put back afterwards."""
    for name in ("BPTT_LESSONS_HOME", "JUPYTER_CONFIG_PATH", *hosted.ONE_THREAD):
        monkeypatch.setenv(name, "to be put back")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def read_configuration() -> Config:
    """Read the configuration file as Jupyter reads it."""
    found: Config = PyFileConfigLoader("jupyter_server_config.py", str(DEPLOY)).load_config()
    return found


def test_a_start_copies_what_is_missing_and_overwrites_nothing(home: Path) -> None:
    folder = home / "bptt-lessons"
    read_configuration()
    assert [path.stem for path in learner_folder.shipped_lessons(folder)] == STEMS
    mine, gone = folder / f"{STEMS[1]}.ipynb", folder / f"{STEMS[2]}.ipynb"
    mine.write_text("my work")
    gone.unlink()
    (folder / "notes.txt").write_text("my notes")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    read_configuration()
    assert {path: path.read_bytes() for path in before} == before
    assert gone.is_file()


def test_a_server_is_configured_as_open_configures_it(home: Path) -> None:
    found = read_configuration()
    folder = home / "bptt-lessons"
    asked = [argument.removeprefix("--").split("=", 1) for argument in cli.jupyter_arguments(folder, True)]
    for name, value in (pair for pair in asked if len(pair) == 2):
        section, trait = name.split(".")
        assert str(found[section][trait]) == value, name
    assert found.ServerApp.default_url == cli.page(folder)
    assert os.environ["BPTT_LESSONS_HOME"] == str(folder)
    assert os.environ["JUPYTER_CONFIG_PATH"] == cli.config_path(None)


def test_a_server_starts_where_nothing_can_be_copied(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bptt-lessons").write_text("a file in the way")
    found = read_configuration()
    assert "could not be brought up to date" in capsys.readouterr().err
    assert str(found.ServerApp.root_dir) == str(home)


@pytest.mark.long
def test_jupyter_itself_reads_the_configuration(home: Path) -> None:
    environment = os.environ | {"JUPYTER_CONFIG_PATH": str(DEPLOY), "JUPYTER_CONFIG_DIR": str(home / "none")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment.pop("PYTHONWARNINGS", None)
    command = [sys.executable, "-m", "jupyter_server", "--show-config-json"]
    result = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    server = json.loads(result.stdout)["ServerApp"]
    assert server["default_url"] == f"/lab/workspaces/{cli.WORKSPACE}/tree/{cli.FIRST}"
    assert server["root_dir"] == str(home / "bptt-lessons")


# The Littlest JupyterHub and Kubernetes


def test_tljh_is_told_only_what_it_knows() -> None:
    known = {"user_environment.default_app", "limits.memory", "limits.cpu", "services.cull.timeout"}
    known.add("services.cull.every")  # all of them keys of TLJH's configurer.py
    assert set(re.findall(r"^tljh-config set (\S+)", TLJH, re.M)) == known
    found = Config()
    exec(compile(read("tljh/jupyterhub_config.d/bptt_lessons.py"), "snippet", "exec"), {"get_config": lambda: found})
    assert found.SystemdSpawner.unit_extra_properties["OOMPolicy"] == "continue"
    assert found.Spawner.environment.get_value({}) == {sharing.VARIABLE: "/srv/class"}
    assert "class=/srv/class" in TLJH
    assert "--group=jupyterhub-admins --mode=1773" in TLJH  # learners can drop a file there and see no other


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
    found = Config()
    exec(compile(VALUES["hub"]["extraConfig"]["course.py"], "course.py", "exec"), {"c": found})
    assert found.KubeSpawner.container_security_context["readOnlyRootFilesystem"] is True
    for admin, sub_path in ((False, "ada"), (True, None)):
        mounted = [SimpleNamespace(mount_path="/home/jovyan", sub_path="home")]
        mounted.append(SimpleNamespace(mount_path=place, sub_path="ada"))
        pod = SimpleNamespace(spec=SimpleNamespace(containers=[SimpleNamespace(volume_mounts=mounted)]))
        found.KubeSpawner.modify_pod_hook(SimpleNamespace(user=SimpleNamespace(admin=admin)), pod)
        assert [mount.sub_path for mount in mounted] == ["home", sub_path]


# scripts that talk to a hub


def test_servers_are_started_a_few_at_a_time(service: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("start_servers")
    monkeypatch.setattr(script.time, "sleep", lambda seconds: None)
    known, looks, most = {"ada", "bob", "eve"}, dict[str, int](), [0]

    def start(name: str) -> tuple[int, Any]:
        if name not in known:
            return 404, {}
        if name == "eve":
            return 403, {}
        looks[name] = 1
        most[0] = max(most[0], sum(0 < count < 3 for count in looks.values()))
        return 202, None

    def look(name: str) -> tuple[int, Any]:
        looks[name] += 1
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
