"""What the chart makes of each file in helm/ci, with both Helms. `--update` rewrites helm/golden: the whole render of some,
and of the others what makes them differ from that of "external"."""
import difflib
import json
import re
import subprocess

import pytest
import yaml

import tools
from conftest import CHART, FEATURES, KUBE, feature, of_kind

GOLDEN = CHART / "golden"
WHOLE = {feature("external"), feature("names")}  # the second has other names throughout
# What these render is in helm/rules and helm/dashboards already.
NOT_GOLDEN = {feature("prometheus-rule"), feature("dashboards")}


def test_there_are_features_enough():
    assert len(FEATURES) >= 20


def test_lint_finds_nothing(helm, values):
    helm.run("lint", "--strict", CHART, "--values", values, *KUBE)


def test_two_renders_are_the_same_to_the_byte(helm, values):
    assert helm.text(values) == helm.template("--values", values)


def texts(objects):
    return {f"{one['kind']} {one['metadata']['name']}": yaml.safe_dump(one, width=110) for one in objects}


def difference(objects, plain):
    """Objects that are more, fewer or other, as one diff."""
    old, new = texts(plain), texts(objects)
    lines = []
    for name in sorted({*old, *new}):
        changed = difflib.unified_diff(old.get(name, "").splitlines(True), new.get(name, "").splitlines(True), name, name, n=1)
        # Without numbers, which would change with each line above, and trailing blanks.
        lines += ["@@\n" if line.startswith("@@") else line.rstrip() + "\n" for line in changed]
    return "".join(lines)


def test_the_render_is_the_golden_one(helm, values, request):
    if values in NOT_GOLDEN:
        assert helm.rendered(values)
        return
    objects = sorted(helm.rendered(values), key=lambda one: (one["kind"], one["metadata"]["name"]))
    whole = values in WHOLE
    text = yaml.safe_dump_all(objects, width=110) if whole else difference(objects, helm.rendered(feature("external")))
    golden = GOLDEN / f"{values.stem.removesuffix('-values')}.{'yaml' if whole else 'diff'}"
    if request.config.getoption("--update"):
        golden.write_text(text)
    assert text == golden.read_text(), "if that is meant: pytest tests/helm -k golden --update"


def test_no_golden_render_is_left_over():
    assert {golden.stem for golden in GOLDEN.iterdir()} == {
        path.stem.removesuffix("-values") for path in FEATURES if path not in NOT_GOLDEN}


def validate(directory):
    return subprocess.run(["node", tools.HERE / "validate.mjs", directory], capture_output=True, text=True, timeout=100)


def test_every_object_is_what_kubernetes_and_the_operators_take(helm, tmp_path):
    count = 0
    for path in FEATURES:
        objects = helm.rendered(path)
        count += len(objects)
        (tmp_path / f"{path.stem}.json").write_text(json.dumps(objects))
    example = list(yaml.safe_load_all((CHART / "examples" / "keda-consumer.yaml").read_text()))
    (tmp_path / "keda-consumer.json").write_text(json.dumps(example))
    done = validate(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{count + len(example)} documents\n"


@pytest.mark.parametrize("path, value", [
    ("spec.replicas", "two"), ("spec.replica", 2), ("spec.template.spec.containers.0.imag", "x"), ("spec.selector", None)])
def test_the_validation_finds_wrong_values_and_unknown_fields(programs, tmp_path, path, value):
    objects = [json.loads(json.dumps(one)) for one in yaml.safe_load_all((GOLDEN / "external.yaml").read_text())]
    deployment = of_kind(objects, "Deployment")[0]
    *above, last = path.split(".")
    place = deployment
    for key in above:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    (tmp_path / "one.json").write_text(json.dumps([deployment]))
    done = validate(tmp_path)
    assert done.returncode == 1 and "Deployment r-howdah" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("version, taken", [("1.28.15", False), ("1.29.0", True), ("1.36.3", True), ("1.30.4-gke.1", True)])
def test_the_versions_of_kubernetes(helm, version, taken):
    done = helm.run("template", "r", CHART, "--values", feature("external"), "--kube-version", version, check=False)
    assert (done.returncode == 0) == taken, done.stderr


def test_the_chart_is_of_the_servers_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = re.search(r"project\(howdah VERSION ([0-9.]+)", (tools.ROOT / "CMakeLists.txt").read_text())
    assert chart["version"] == chart["appVersion"] == project[1]


def test_nothing_depends_on_what_a_cluster_answers():
    """`lookup` is empty where GitOps tools render, and random passwords would change with each render."""
    for template in (CHART / "templates").rglob("*"):
        if template.is_file():
            text = template.read_text()
            assert "lookup " not in text and "rand" not in text and "now" not in text.split(), template


def test_a_package_holds_what_it_needs_and_no_more(helm, tmp_path):
    helm.run("package", CHART, "--destination", tmp_path)
    package = next(tmp_path.glob("howdah-*.tgz"))
    names = subprocess.run(["tar", "tzf", package], check=True, capture_output=True, text=True).stdout.split()
    inside = {name.removeprefix("howdah/").split("/")[0] for name in names}
    assert inside == {"Chart.yaml", "values.yaml", "values.schema.json", "README.md", ".helmignore", "templates", "rules",
                      "dashboards"}
    helm.run("template", "r", package, "--values", feature("external"), *KUBE)
