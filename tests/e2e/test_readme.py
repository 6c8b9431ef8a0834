"""What README.md and docs/metrics.md say is so."""
import re
import subprocess

from howdah import BINARY, ROOT, clean_environment


def test_the_table_of_settings_is_the_binary_own():
    printed = subprocess.run([BINARY, "config", "settings", "--markdown"], capture_output=True, text=True, check=True,
                             env=clean_environment()).stdout
    assert printed.startswith("| Setting |")
    assert printed.strip() in (ROOT / "README.md").read_text(), "run: build/release/howdah config settings --markdown"


def test_the_table_of_metrics_is_the_binary_own():
    printed = subprocess.run([BINARY, "metrics"], capture_output=True, text=True, check=True,
                             env=clean_environment()).stdout
    assert printed.startswith("| Name |")
    assert printed.strip() in (ROOT / "docs/metrics.md").read_text(), "run: build/release/howdah metrics"


def test_the_boto3_lines_run_as_they_are(server):
    readme = (ROOT / "README.md").read_text()
    python = re.search(r"```python\n(.*?)```", readme, re.S)[1]
    assert python.count("http://localhost:9324") == 1
    said = []
    exec(python.replace("http://localhost:9324", server.url), {"print": lambda *words: said.append(words)})
    assert said == [("hello",)]


def test_the_curl_line_runs_as_it_is(server):
    readme = (ROOT / "README.md").read_text()
    command = re.search(r"```sh\n(curl .*?)```", readme, re.S)[1]
    done = subprocess.run(["sh", "-c", command.replace("http://localhost:9324", server.url)], capture_output=True,
                          text=True, env=clean_environment())
    assert done.returncode == 0 and '"QueueUrls"' in done.stdout, done
