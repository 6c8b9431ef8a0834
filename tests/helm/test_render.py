"""What the chart makes of each file in helm/ci, with both Helms."""
import pytest

from conftest import CHART

FEATURES = sorted((CHART / "ci").glob("*-values.yaml"))


@pytest.fixture(params=FEATURES, ids=lambda path: path.stem.removesuffix("-values"))
def values(request):
    return request.param


def test_lint_finds_nothing(helm, values):
    helm.run("lint", "--strict", CHART, "--values", values)


def test_two_renders_are_the_same_to_the_byte(helm, values):
    assert helm.template("--values", values) == helm.template("--values", values)
