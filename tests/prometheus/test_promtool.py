"""What can be said of the rules without a server: promtool's checks and unit tests, and that rules, tests and runbooks
know each other."""
import re

from howdah import ROOT, new_directory
from prometheus import HASTY_QUEUE, RULES, TEST_THRESHOLDS, hasty, promtool

ALERTS = (RULES / "alerts.yaml").read_text()
UNIT_TESTS = (ROOT / "tests" / "prometheus" / "rules_test.yaml").read_text()
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ["What it means.", "Confirm.", "Likely causes.", "What to do.", "When to wake somebody."]


def alerts():
    """{name: the text of its rule}."""
    rules = re.split(r"^      - (?=alert: )", ALERTS, flags=re.MULTILINE)[1:]
    return {re.match(r"alert: (\w+)", rule)[1]: rule.partition("\n\n")[0] for rule in rules}


def test_rules_are_sound():
    code, said = promtool("check", "rules", RULES / "recording.yaml", RULES / "alerts.yaml")
    assert code == 0 and "duplicate" not in said, said


def test_the_configuration_of_the_docs_is_sound():
    """With the rules where it says."""
    (text,) = re.findall(r"```yaml\n# prometheus.yml\n(.*?)```", (ROOT / "docs" / "alerts.md").read_text(), re.DOTALL)
    directory = new_directory()
    (directory / "howdah").symlink_to(RULES)
    (directory / "prometheus.yml").write_text(text)
    code, said = promtool("check", "config", directory / "prometheus.yml")
    assert code == 0 and said.count("rules found") == 2, said


def test_unit_tests_pass():
    code, said = promtool("test", "rules", ROOT / "tests" / "prometheus" / "rules_test.yaml")
    assert code == 0, said


def test_every_alert_is_seen_firing_and_not_firing_by_a_unit_test():
    tests = {}
    for test in re.split(r"^  - name: ", UNIT_TESTS, flags=re.MULTILINE)[1:]:
        tests.setdefault(re.match(r"Howdah\w+|.*", test)[0], []).append(test)
    for alert in alerts():
        assert any(f'alertname="{alert}"' in test for test in tests.get(alert, [])), f"{alert} is not seen firing"
        # Either a moment when nothing fires, or a series beside it that must not make it fire.
        assert any("exp_samples: []" in test or "not" in test or "staging" in test for test in tests[alert]), alert


def test_every_alert_has_what_somebody_who_is_woken_needs():
    for name, rule in alerts().items():
        assert re.search(r"labels: \{severity: (critical|warning)\}", rule), name
        for annotation in ("summary", "description"):
            assert re.search(rf"^          {annotation}: \S.*", rule, re.MULTILINE), f"{name} has no {annotation}"
        assert f"runbook_url: docs/runbooks/{name}.md" in rule, name


def test_every_alert_has_its_runbook_and_every_runbook_its_alert():
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == alerts().keys()
    for path in RUNBOOKS.glob("*.md"):
        text = path.read_text()
        assert text.startswith(f"# {path.stem}\n"), path
        assert re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE) == SECTIONS, path
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert link.startswith("http") or (RUNBOOKS / link).exists(), f"{path}: {link}"
        assert len(text.splitlines()) < 70, f"{path} is longer than a page"


def test_alerts_are_listed_in_the_docs_with_their_severity_and_threshold():
    listed = dict(re.findall(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", (ROOT / "docs" / "alerts.md").read_text(),
                             re.MULTILINE))
    assert listed == {name: re.search(r"severity: (\w+)", rule)[1] for name, rule in alerts().items()}


def test_the_transformation_for_the_tests_changes_waits_and_some_thresholds_alone():
    before, after = ALERTS.splitlines(), hasty(ALERTS).splitlines()
    gone = [line for line in before if line not in after]
    new = [line for line in after if line not in before]
    assert all(re.match(r" +for: |        expr: vector\(", line) for line in gone), gone
    assert {line.strip() for line in new} == {
        *(f"expr: vector({value})" for value in TEST_THRESHOLDS.values()), "expr: vector(2)",
        f"labels: {{alert: HowdahOldestMessageAge, queue: {HASTY_QUEUE}}}"}
