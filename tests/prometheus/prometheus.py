"""Debian's Prometheus as a process, promtool, and what the tests ask them. scripts/bootstrap unpacks both."""
import http.client
import json
import re
import subprocess
import urllib.parse

from howdah import ROOT, eventually, free_port, new_directory

PROGRAMS = ROOT / ".tools" / "prometheus" / "usr" / "bin"
RULES = ROOT / "helm" / "rules"

# The thresholds of alerts that would take minutes to reach, and one of a queue of its own.
TEST_THRESHOLDS = {"HowdahMaintenanceStalled": 15, "HowdahSnapshotStale": 10, "HowdahAuthFailures": 0.01}
HASTY_QUEUE = "hasty"


def promtool(*arguments, given=None):
    """(exit code, what it said)."""
    done = subprocess.run([PROGRAMS / "promtool", *map(str, arguments)], input=given, capture_output=True, text=True,
                          timeout=110)
    return done.returncode, done.stdout + done.stderr


def hasty(alerts):
    """The alert rules as the tests run them: without waiting (every `for:` goes), with TEST_THRESHOLDS, and with a
    threshold of two seconds for the age of messages in HASTY_QUEUE. Everything else is as it is shipped."""
    alerts, waits = re.subn(r"^ +for: .*\n", "", alerts, flags=re.MULTILINE)
    assert waits > 10
    for alert, value in TEST_THRESHOLDS.items():
        alerts, count = re.subn(rf"(labels: {{alert: {alert}}}\n +expr: )vector\(\d+\)", rf"\1vector({value})", alerts)
        assert count == 1, alert
    own = ("      - record: howdah:threshold\n"
           f"        labels: {{alert: HowdahOldestMessageAge, queue: {HASTY_QUEUE}}}\n"
           "        expr: vector(2)\n")
    head, name, rest = alerts.partition("  - name: howdah.servers\n")
    assert name
    return f"{head.rstrip()}\n{own}\n{name}{rest}"


class Prometheus:
    """Scrapes `servers` as the job howdah and evaluates the rules, both every `seconds`."""

    def __init__(self, servers, rules=hasty, seconds=1):
        self.directory = new_directory()
        self.port = free_port()
        (self.directory / "recording.yaml").write_text((RULES / "recording.yaml").read_text())
        (self.directory / "alerts.yaml").write_text(rules((RULES / "alerts.yaml").read_text()))
        targets = [{"targets": [f"localhost:{one.admin_port}" if one.url.startswith("https") else
                                f"127.0.0.1:{one.admin_port}"],
                    "labels": {"__scheme__": one.url.partition(":")[0]}} for one in servers]
        self.config = self.directory / "prometheus.yaml"
        self.config.write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": f"{seconds}s", "scrape_timeout": f"{seconds}s",
                       "evaluation_interval": f"{seconds}s"},
            "rule_files": ["recording.yaml", "alerts.yaml"],
            "scrape_configs": [{"job_name": "howdah", "static_configs": targets,
                                "tls_config": {"insecure_skip_verify": True}}]}))
        with open(self.directory / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "prometheus", f"--config.file={self.config}",
                 f"--storage.tsdb.path={self.directory / 'data'}",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            eventually(self.ready, "Prometheus is ready", 30)
        except BaseException:
            self.stop()
            raise

    def log(self):
        return (self.directory / "prometheus.log").read_text()

    def ready(self):
        assert self.process.poll() is None, f"Prometheus ended:\n{self.log()}"
        try:
            return self.get("/-/ready")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def api(self, name, **parameters):
        status, text = self.get(f"/api/v1/{name}?{urllib.parse.urlencode(parameters)}")
        assert status == 200, f"{name} {parameters}: {text}"
        return json.loads(text)["data"]

    def query(self, expression):
        """[(labels, value)] now."""
        result = self.api("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def wait_for(self, expression, what=None, seconds=30):
        """Until the expression has an answer, which is returned."""
        return eventually(lambda: self.query(expression), what or f"Prometheus answers {expression}", seconds)

    def rules(self):
        """Every rule as Prometheus read it."""
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]

    def firing(self, alert, **labels):
        """The firing alerts of that name with these labels."""
        return [one for one in self.api("alerts")["alerts"]
                if one["state"] == "firing" and one["labels"]["alertname"] == alert
                and labels.items() <= one["labels"].items()]

    def wait_firing(self, alert, seconds=30, **labels):
        return eventually(lambda: self.firing(alert, **labels), f"{alert} {labels or ''} fires", seconds)[0]

    def wait_quiet(self, alert, seconds=30, **labels):
        eventually(lambda: not self.firing(alert, **labels), f"{alert} {labels or ''} ends", seconds)
