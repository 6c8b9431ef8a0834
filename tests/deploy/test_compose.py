"""compose.yaml and what it hands over: parsed, and held against what its parts really take. Its containers are run by
test_image.py; nothing here runs a compose file."""
import subprocess

import pytest
import yaml

from conftest import ROOT, run
from howdah import BINARY, clean_environment

PROMTOOL = ROOT / ".tools" / "prometheus" / "usr" / "bin" / "promtool"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_its_settings_are_ones_that_howdah_takes(compose):
    howdah = compose["services"]["howdah"]
    # As the Dockerfile sets it, where that is not said anew.
    dockerfile = dict(word.split("=", 1) for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ENV ")
                      for word in line.split()[1:])
    printed = run(BINARY, "config", "print", env={**clean_environment(), **dockerfile, **howdah["environment"]}).stdout
    assert "auth: none" in printed and "database-url: (set, not shown)" in printed
    refused = run(BINARY, "config", "print", env={**clean_environment(), **dockerfile}, check=False)
    assert refused.returncode != 0 and "--auth=none" in refused.stderr


def test_services_find_each_other_and_nothing_is_open_to_others(compose):
    services = compose["services"]
    assert services["howdah"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert "healthcheck" in services["postgres"]
    database = services["postgres"]["environment"]
    assert services["howdah"]["environment"]["HOWDAH_DATABASE_URL"] == (
        f"postgresql://{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}@postgres/{database['POSTGRES_DB']}")
    for service in services.values():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))
        assert ":" in service["image"] and not service["image"].endswith(":latest")
    for volume in services["prometheus"]["volumes"]:
        assert (ROOT / volume.split(":")[0]).is_file()
    assert {volume.split(":")[0] for volume in services["postgres"]["volumes"]} == set(compose["volumes"])


def test_prometheus_takes_its_configuration(compose):
    file = ROOT / "docs" / "examples" / "prometheus.yaml"
    done = subprocess.run([PROMTOOL, "check", "config", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    targets = yaml.safe_load(file.read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == ["howdah:9325"] and "howdah" in compose["services"]
