"""Every expression of the rules, the dashboards and the runbooks, put to a Prometheus that has seen known traffic: it
must name metrics that there are, and answer."""
import json
import math
import re

import pytest

from howdah import ROOT, eventually
from prometheus import promtool

DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "helm" / "dashboards").glob("*.json"))}
# The traffic may be minutes ago on a busy machine, and a ratio of rates without any is no number.
VARIABLES = {"$__rate_interval": "10m", "$job": "howdah", "$queue": "work"}
# Of the queue dashboard, what an ordinary queue has not.
OTHER_QUEUES = {"howdah_queue_groups_in_flight": "steps.fifo"}
# Alerts that traffic cannot provoke within a test, beside those of test_outages.py; rules_test.yaml has them.
UNIT_TESTED_ONLY = {"HowdahVersionSkew", "HowdahTableBloat"}


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield from panel.get("panels", [panel])


def filled(expression):
    values = dict(VARIABLES)
    for metric, queue in OTHER_QUEUES.items():
        if metric in expression:
            values["$queue"] = queue
    for variable, value in values.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


def dashboard_expressions():
    return {f"{name}: {panel['title']} {target['refId']}": filled(target["expr"])
            for name, dashboard in DASHBOARDS.items() for panel in panels(dashboard) for target in panel["targets"]}


def numbers(prometheus, expression):
    return [value for _, value in prometheus.query(expression) if not math.isnan(value)]


def unanswered(prometheus, expressions, seconds=30):
    """Of {what: expression}, those that give no number. Rates need two scrapes after the traffic."""
    waiting = dict(expressions)

    def done():
        for what in [what for what, expression in waiting.items() if numbers(prometheus, expression)]:
            del waiting[what]
        return not waiting
    try:
        eventually(done, "all answers", seconds)
    except AssertionError:
        pass
    return waiting


def documented():
    """{name: type} of docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE))


def metrics_in(expression):
    """The servers' metrics that it names; those of recording rules have a colon."""
    names = re.findall(r"[a-zA-Z_:][\w:]*", re.sub(r'"[^"]*"', "", expression))
    return {name for name in names if re.match(r"(howdah|process)_", name)}


def base(name, known):
    """A histogram's or summary's own name."""
    short = re.sub(r"_(bucket|sum|count)$", "", name)
    return short if known.get(short) in ("histogram", "summary") else name


def all_expressions(prometheus):
    rules = {rule["name"]: rule["query"] for rule in prometheus.rules()}
    return {**rules, **dashboard_expressions(), **dict(runbook_queries())}


def runbook_blocks(language):
    for page in sorted((ROOT / "docs" / "runbooks").glob("*.md")):
        for number, block in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)):
            yield f"{page.stem} {number}", block


def runbook_queries():
    return runbook_blocks("promql")


def test_what_is_named_is_documented_and_exported(loaded, prometheus):
    known = documented()
    exported = set(re.findall(r"^# TYPE (\w+)", "".join(one.admin("GET", "/metrics").text for one in loaded.servers),
                              re.MULTILINE))
    recorded = {rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"}
    for what, expression in all_expressions(prometheus).items():
        for name in metrics_in(expression):
            assert base(name, known) in known, f"{what}: {name} is not in docs/metrics.md"
            assert base(name, known) in exported, f"{what}: no server exports {name}"
        for name in re.findall(r"\w+:howdah_[\w:]+|howdah:\w+", expression):
            assert name in recorded, f"{what}: no rule records {name}"


def test_metrics_are_as_promtool_wants_them(loaded):
    for one in loaded.servers:
        code, said = promtool("check", "metrics", given=one.admin("GET", "/metrics").text)
        assert (code, said) == (0, "")


def test_every_recording_rule_gives_numbers(loaded, prometheus):
    names = {rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"}
    assert len(names) > 25
    assert not unanswered(prometheus, {name: name for name in names})


def test_the_configuration_is_sound(prometheus):
    code, said = promtool("check", "config", prometheus.config)
    assert code == 0, said


def test_no_rule_fails(loaded, prometheus):
    bad = {rule["name"]: rule.get("lastError") for rule in prometheus.rules() if rule["health"] != "ok"}
    assert not bad


def test_every_panel_gives_numbers(loaded, prometheus):
    expressions = dashboard_expressions()
    assert len(expressions) > 60
    assert not unanswered(prometheus, expressions)


def test_every_alert_with_a_threshold_fires_when_the_threshold_is_passed(loaded, prometheus):
    """So its labels match the threshold's. What else an expression asks for is in test_outages.py."""
    alerts = {rule["name"]: rule["query"] for rule in prometheus.rules() if rule["type"] == "alerting"}
    passed = {}
    for name, expression in alerts.items():
        if "howdah:threshold" in expression and name not in UNIT_TESTED_ONLY | {"HowdahBacklogGrowing"}:
            beyond = "1e12" if "< on" in expression else "-1"
            passed[name] = re.sub(r"howdah:threshold\{[^}]*\}", f"vector({beyond})", expression)
    assert len(passed) >= 14
    assert not unanswered(prometheus, passed)


def test_every_threshold_is_read_by_its_alert(prometheus):
    rules = prometheus.rules()
    alerts = {rule["name"]: rule["query"] for rule in rules if rule["type"] == "alerting"}
    thresholds = {rule["labels"]["alert"] for rule in rules if rule["name"] == "howdah:threshold"}
    for alert, expression in alerts.items():
        assert set(re.findall(r'howdah:threshold\{alert="(\w+)"', expression)) == {alert} & thresholds, alert
    assert thresholds <= alerts.keys()


def test_every_query_of_a_runbook_is_understood(loaded, prometheus):
    for _, query in runbook_queries():
        prometheus.query(query)  # asserts that it is; some answer only in an outage


def test_every_statement_of_a_runbook_runs(loaded):
    statements = dict(runbook_blocks("sql"))
    assert len(statements) > 8
    for statement in statements.values():
        loaded.postgres.run(statement, loaded.database)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboards_are_complete(name):
    dashboard = DASHBOARDS[name]
    assert {"datasource", "job"} <= {variable["name"] for variable in dashboard["templating"]["list"]}
    assert dashboard["uid"] == f"howdah-{name}" and dashboard["description"]
    ids = [panel["id"] for panel in panels(dashboard)]
    assert len(ids) == len(set(ids))
    for panel in panels(dashboard):
        assert panel["title"] and panel["description"], panel
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel
        assert panel["fieldConfig"]["defaults"]["unit"], panel
        for target in panel["targets"]:
            assert target["legendFormat"], panel
            assert 'job=~"$job"' in target["expr"], panel
            assert re.search(r"\brate\(", target["expr"]) is None or "[$__rate_interval]" in target["expr"], panel
            # A label that the legend shows is one that the expression keeps.
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert re.search(rf"by \([^)]*\b{label}\b[^)]*\)", target["expr"]), panel


def test_every_metric_is_on_a_dashboard():
    shown = {name for expression in dashboard_expressions().values() for name in metrics_in(expression)}
    known = documented()
    assert known.keys() - {base(name, known) for name in shown} == {"howdah_queue_info"}
