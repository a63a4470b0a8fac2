"""The container file and the compose file: checked, and what they do where no container is needed."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from tests.deploy.conftest import DEPLOY, run
from tests.e2e.serving import ADMIN_KEY, free_port

SECRETS = dict.fromkeys(
    ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "SEKISHO_ADMIN_KEY", "SEKISHO_SIGV4_SECRET"), "canary-55d"
)


def compose(**variables: str) -> dict[str, Any]:
    """The compose file with these variables in place, as Compose puts them there. Raises KeyError for one
    that must be set and is not."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        return variables[name] if kind == ":?" else variables.get(name) or rest

    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(re.sub(r"(?<!\$)\$\{(\w+)(:[?-])([^}]*)\}", value, text))
    return document


def test_the_compose_file_fits_the_specification_and_runs_three_hardened_gateways() -> None:
    document = compose(**SECRETS)
    packaged = distribution("docker-compose").locate_file("compose/config/compose_spec.json")
    schema = json.loads(Path(str(packaged)).read_text("utf-8"))
    schema["properties"]["name"] = {"type": "string"}  # is younger than the schema
    jsonschema_rs.validate(schema, document)
    services = document["services"]
    gateways = [service for name, service in services.items() if name.startswith("gateway-")]
    assert len(gateways) == 3
    for gateway in gateways:
        assert (gateway["read_only"], gateway["cap_drop"]) == (True, ["ALL"])
        drain = [float(gateway["environment"][f"SEKISHO_DRAIN_{name}"]) for name in ("DELAY", "LIMIT")]
        assert sum(drain) < 320
        assert gateway["stop_grace_period"] == "320s"
        assert all(needed in services for needed in gateway["depends_on"])
    assert len({gateway["volumes"][0].partition(":")[0] for gateway in gateways}) == 3
    used = {place.partition(":")[0] for service in services.values() for place in service.get("volumes", ())}
    assert {name for name in used if not name.startswith(".")} == set(document["volumes"])
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"balancer"}


def test_compose_starts_nothing_without_its_secrets() -> None:
    example = (DEPLOY / ".env.example").read_text("utf-8")
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    for name in SECRETS:
        assert re.search(rf"^{name}=$", example, re.MULTILINE)
        assert f"${{{name}:?see .env.example}}" in text
        with pytest.raises(KeyError, match=name):
            compose(**{other: value for other, value in SECRETS.items() if other != name})


def test_the_document_of_the_compose_file_passes_the_check() -> None:
    document = DEPLOY / "config" / "sekisho.yaml"
    assert set(yaml.safe_load(document.read_text("utf-8"))["providers"]) == {"openai", "anthropic"}
    command = (sys.executable, "-m", "sekisho", "check", str(document))
    done = run(*command, OPENAI_API_KEY="sk-any", ANTHROPIC_API_KEY="sk-any")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the container file does it, from nothing but what it is let see."""
    folder = tmp_path_factory.mktemp("container")
    checkout, target = folder / "checkout", folder / "sekisho"
    seen = (DEPLOY.parent / ".containerignore").read_text("utf-8").splitlines()
    for name in [line[1:] for line in seen if line.startswith("!")]:
        source, copy = DEPLOY.parent / name, checkout / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    command = ("sh", str(checkout / "deploy" / "install.sh"), str(checkout), str(target), sys.executable)
    subprocess.run(command, check=True, timeout=280)
    return target


@pytest.mark.timeout(300)
async def test_what_the_container_holds_serves_with_one_folder_to_write_to(
    installed: Path, tmp_path: Path
) -> None:
    before = files_of(installed)
    assert not any(file.name.startswith("xllamacpp") for file in before)
    data, place, port = tmp_path / "data", tmp_path / "place", free_port()
    data.mkdir(mode=0o700)
    place.mkdir(mode=0o555)
    around = {
        "PATH": f"{installed}/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SEKISHO_DATA_DIR": str(data),
        "SEKISHO_ADMIN_KEY": ADMIN_KEY,
    }
    process = await asyncio.create_subprocess_exec(
        str(installed / "bin" / "sekisho"), "serve", "--port", str(port), env=around, cwd=place
    )
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(answers, f"http://127.0.0.1:{port}/readyz"):
                assert process.returncode is None
                await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert os.listdir(place) == []
    assert files_of(installed) == before
    assert (data / "sekisho.db").exists()


def files_of(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
