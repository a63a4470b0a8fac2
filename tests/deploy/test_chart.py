"""The Helm chart, rendered by Helm and held against Kubernetes' own schemas."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from tests.deploy.conftest import DEPLOY, run

from sekisho.app import configuration
from sekisho.providers import catalog

CHART = DEPLOY / "helm" / "sekisho"
NO_SCHEMA = {"ServiceMonitor"}
"""Not of Kubernetes itself."""
VERSIONS = ("v1.28.0", "v1.37.0")
EVERYTHING = {
    "document": {"providers": {"openai": {"api_key": "${OPENAI_API_KEY}"}}},
    "imagePullSecrets": [{"name": "registry"}],
    "environment": {"HTTPS_PROXY": "http://proxy.internal:3128", "PLAIN": "007"},
    "journal": {"storageClass": "fast"},
    "autoscaling": {
        "enabled": True,
        "metrics": [
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "sekisho_connections"},
                    "target": {"type": "AverageValue", "averageValue": "500"},
                },
            }
        ],
    },
    "disruption": {"maxUnavailable": "25%"},
    "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
    "serviceAccount": {"annotations": {"a": "b"}},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {}}],
        "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
LEAST = {"journal": {"persistent": False}, "disruption": {"enabled": False}}


def rendered(helm: str, folder: Path, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the chart makes, by kind and name."""
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    home = {"HOME": str(folder)}
    linted = run(helm, "lint", "--strict", str(CHART), "-f", str(path), **home)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    done = run(helm, "template", "edge", str(CHART), "-f", str(path), **home)
    assert done.returncode == 0, done.stderr
    found = [one for one in yaml.safe_load_all(done.stdout) if one is not None]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


@pytest.mark.parametrize("values", [{}, EVERYTHING, LEAST], ids=["default", "everything", "least"])
def test_what_the_chart_makes_is_what_kubernetes_takes(
    helm: str, schemas: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    made = rendered(helm, tmp_path, values)
    for version in VERSIONS:
        folder = schemas / f"{version}-local-strict"
        for name, one in made.items():
            if one["kind"] not in NO_SCHEMA:
                errors = [f"{error.instance_path}: {error.message}" for error in errors_of(one, folder)]
                assert errors == [], (version, name)


def errors_of(made: dict[str, Any], folder: Path) -> Iterator[jsonschema_rs.ValidationError]:
    def beside(address: str) -> Any:
        return json.loads((folder / address.rpartition("/")[2]).read_text("utf-8"))

    group, _, level = made["apiVersion"].rpartition("/")
    parts = (made["kind"].lower(), *filter(None, (group.partition(".")[0], level)))
    schema = beside(f"{'-'.join(parts)}.json")
    return jsonschema_rs.Draft7Validator(schema, retriever=beside).iter_errors(made)


def test_pods_may_do_nothing_that_a_gateway_does_not_need(helm: str, tmp_path: Path) -> None:
    made = rendered(helm, tmp_path, EVERYTHING)
    pod = made["StatefulSet/edge-sekisho"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not any(one["kind"] == "Secret" for one in made.values())


def test_pods_have_more_time_to_end_than_their_calls(helm: str, tmp_path: Path) -> None:
    made = rendered(helm, tmp_path, {"drain": {"delay": 20, "limit": 900}})
    pod = made["StatefulSet/edge-sekisho"]["spec"]["template"]["spec"]
    around = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
    assert around == {"SEKISHO_DRAIN_DELAY": "20", "SEKISHO_DRAIN_LIMIT": "900"}
    assert pod["terminationGracePeriodSeconds"] > 920


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["default", "everything"])
def test_the_document_that_is_mounted_is_one_that_the_gateway_takes(
    helm: str, tmp_path: Path, values: dict[str, Any]
) -> None:
    text = rendered(helm, tmp_path, values)["ConfigMap/edge-sekisho"]["data"]["sekisho.yaml"]
    compiled = configuration(text.encode(), "sekisho.yaml", catalog.load(), {"OPENAI_API_KEY": "sk-any"})
    assert set(compiled.snapshot.providers) == set(values.get("document", {}).get("providers", {}))


@pytest.mark.parametrize(
    "wrong",
    [
        "replicas=0",
        "service.port=0",
        "drain.delay=-1",
        "image.digest=latest",
        "journal.size=2GB",
        "replica=2",
    ],
)
def test_values_that_make_no_sense_are_refused(helm: str, tmp_path: Path, wrong: str) -> None:
    done = run(helm, "template", "edge", str(CHART), "--set", wrong, HOME=str(tmp_path))
    assert done.returncode != 0
    assert wrong.partition("=")[0].rpartition(".")[2] in done.stderr
