"""Grafana's own types accept the dashboards. What their expressions answer is in tests/prometheus."""
import subprocess

import tools

TYPES = "../@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.d.ts"


def test_grafana_knows_every_field():
    with tools.alone():
        tools.install_packages()
        directory = tools.HERE / "node_modules" / ".dashboards"
        directory.mkdir(exist_ok=True)
        source = f"import type {{Dashboard}} from '{TYPES}';\n"
        dashboards = sorted((tools.ROOT / "helm" / "dashboards").glob("*.json"))
        assert len(dashboards) == 4
        for dashboard in dashboards:
            source += f"export const {dashboard.stem}: Dashboard =\n{dashboard.read_text()};\n"
        (directory / "dashboards.ts").write_text(source)
        done = subprocess.run([tools.HERE / "node_modules" / ".bin" / "tsc", "--noEmit", "--strict", "--skipLibCheck",
                               "--allowImportingTsExtensions", "--module", "nodenext", "dashboards.ts"],
                              cwd=directory, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
