"""Hosting: what can be checked without a container engine, a cluster or a hub; deploy/README.md says what was run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
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


def test_compose_confines_the_course() -> None:
    assert COMPOSE["read_only"] is True
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert [port.split(":")[0] for port in COMPOSE["ports"]] == ["127.0.0.1"]
    assert [volume.split(":")[1] for volume in COMPOSE["volumes"]] == ["/home/jovyan"]


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
