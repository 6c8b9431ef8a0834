"""The suite in tests/clients/js, with the AWS SDK for JavaScript v3."""
import hashlib
import os
import shutil
import subprocess

import pytest

from howdah import ROOT, clean_environment, new_directory
from signing import OWNER, SECRET, credentials_file

SUITE = ROOT / "tests" / "clients" / "js"


@pytest.fixture(scope="module")
def sdk():
    """Installs what package-lock.json pins, if it is not there yet."""
    wanted = hashlib.sha256((SUITE / "package-lock.json").read_bytes()).hexdigest()
    mark = SUITE / "node_modules" / ".installed"
    if not mark.exists() or mark.read_text() != wanted:
        assert shutil.which("npm"), "npm is missing: scripts/bootstrap test"
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=SUITE, check=True)
        mark.write_text(wanted)


def run_suite(url, **environment):
    done = subprocess.run(["node", "--test", "sqs.test.js"], cwd=SUITE, capture_output=True, text=True, timeout=100,
                          env={**clean_environment(), "SQS_URL": url, "NODE_OPTIONS": "", **environment})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# pass 0" not in done.stdout


def test_the_javascript_sdk(sdk, url):
    run_suite(url)


def test_what_the_javascript_sdk_signs_is_verified(sdk, new_server):
    directory = new_directory()
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4",
                        "--credentials", credentials_file(directory)).start()
    run_suite(server.url, SQS_ACCESS_KEY=OWNER, SQS_SECRET_KEY=SECRET)
    with pytest.raises(AssertionError):
        run_suite(server.url, SQS_ACCESS_KEY=OWNER, SQS_SECRET_KEY=SECRET[:-1])
