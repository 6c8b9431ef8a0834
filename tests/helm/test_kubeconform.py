"""Every object that the chart makes, by `kubeconform -strict` and the schemas of Kubernetes and of the operators."""
import json
import subprocess

import pytest
import yaml

import schemas
from conftest import CHART, FEATURES, feature, of_kind


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The schemas."""
    made = tmp_path_factory.mktemp("schemas")
    schemas.write(made)
    return made


@pytest.fixture(scope="module")
def kubeconform(programs, directory):
    """(exit code, what it says of each object that is not valid, how many are) about a folder."""
    def check(folder):
        done = subprocess.run([programs["kubeconform"], "-strict", "-summary", "-output", "json", "-schema-location",
                               f"{directory}/{schemas.LOCATION}", folder], capture_output=True, text=True, timeout=100)
        told = json.loads(done.stdout)
        return done.returncode, [f"{one['kind']} {one['name']}: {one['msg']}" for one in told.get("resources", [])], told["summary"]["valid"]
    return check


def test_every_object_is_valid(helm, kubeconform, tmp_path):
    for path in FEATURES:
        (tmp_path / path.name).write_text(helm.text(path))
    example = CHART / "examples" / "keda-consumer.yaml"
    (tmp_path / example.name).write_text(example.read_text())
    status, problems, valid = kubeconform(tmp_path)
    assert status == 0 and not problems, "\n".join(problems)
    assert valid == sum(len(helm.rendered(path)) for path in FEATURES) + 2


@pytest.mark.parametrize("name, kind, path, value", [
    ("external", "Deployment", "spec.replicas", "two"),
    ("external", "Deployment", "spec.replica", 2),
    ("external", "Deployment", "spec.template.spec.containers.0.imag", "x"),
    ("external", "Service", "spec.ports.0.port", None),
    ("gateway", "HTTPRoute", "spec.parentRef", []),
    ("gateway", "HTTPRoute", "spec.rules.0.backendRefs.0.port", 65536),
    ("service-monitor", "ServiceMonitor", "spec.endpoints.0.interval", "often"),
    ("service-monitor", "ServiceMonitor", "metadata.label", {}),
    ("tls-cert-manager", "Certificate", "spec.secretName", None),
])
def test_what_is_wrong_is_found(helm, kubeconform, tmp_path, name, kind, path, value):
    one = of_kind(yaml.safe_load_all(helm.text(feature(name))), kind)[0]
    *above, last = path.split(".")
    place = one
    for key in above:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    (tmp_path / "one.yaml").write_text(json.dumps(one))
    status, problems, valid = kubeconform(tmp_path)
    assert status == 1 and valid == 0 and len(problems) == 1 and problems[0].startswith(f"{kind} "), problems
    assert last in problems[0]


def test_no_list_has_an_entry_twice(helm, directory, values):
    assert [path for one in helm.rendered(values) for path in schemas.repeated(directory, one)] == []


def test_an_entry_that_is_there_twice_is_found(helm, directory):
    for kind, path in (("Deployment", "spec.template.spec.containers.0.env"), ("Service", "spec.ports")):
        one = of_kind(yaml.safe_load_all(helm.text(feature("external"))), kind)[0]
        entries = one
        for key in path.split("."):
            entries = entries[int(key) if key.isdigit() else key]
        entries.append(entries[0])
        assert schemas.repeated(directory, one) == [f"{kind}.{path}".replace(".0", "")]
