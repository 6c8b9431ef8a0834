"""Values: what is refused and what the sentence says, and that schema, table and settings agree with values.yaml."""
import importlib.machinery
import importlib.util
import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml

import tools
from conftest import CHART, KUBE, Helm, containers, feature, of_kind, pod_specs

sys.path.insert(0, str(tools.ROOT / "tests" / "e2e"))
from howdah import Howdah, Postgres, eventually, new_directory, sqs_client  # noqa: E402


def load_script():
    loader = importlib.machinery.SourceFileLoader("chart_script", str(tools.ROOT / "scripts" / "chart"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("chart_script", loader))
    loader.exec_module(module)
    return module


def test_schema_and_table_are_those_of_the_values_and_of_the_settings():
    for file, text in load_script().written().items():
        assert file.read_text() == text, f"{file.name} is old; run .venv/bin/python scripts/chart"


def test_every_level_of_ours_refuses_unknown_names(helm):
    script = load_script()
    paths = {path[:depth] for path in script.Values().leaves() for depth in range(len(path))} | {("config",)}
    typos = {".".join([*path, f"tpyo{number}"]) for number, path in enumerate(sorted(paths))}
    said = helm.refused("--values", feature("tryout"), "--set", ",".join(f"{typo}=1" for typo in typos))
    assert len(typos) == len(paths) > 20
    for typo in typos:
        assert re.search(rf"{typo.rpartition('.')[2]}\b", said), typo


@pytest.mark.parametrize("said, key", [
    ("image.pullPolicy=Sometimes", "pullPolicy"),
    ("image.digest=sha256:12", "digest"),
    ("image.repository=", "repository"),
    ("replicaCount=two", "replicaCount"),
    ("replicaCount=-1", "replicaCount"),
    ("auth.mode=basic", "mode"),
    ("database.mode=cnpg", "mode"),
    ("database.external.port=0", "port"),
    ("database.external.sslMode=always", "sslMode"),
    ("migrations.mode=never", "mode"),
    ("service.type=ExternalName", "type"),
    ("service.port=70000", "port"),
    ("listenAddress=localhost", "listenAddress"),
    ("config.workers=0", "workers"),
    ("config.workers=many", "workers"),
    ("config.drain-delay=5", "drain-delay"),
    ("config.http-body-bytes=1MB", "http-body-bytes"),
    ("config.log-level=loud", "log-level"),
    ("config.trusted-proxies=10.0.0.0/8", "trusted-proxies"),
    ("config.listen={0.0.0.0:1}", "listen"),
    ("config.database-url=postgresql://x", "database-url"),
    ("queues[0].nam=x", "nam"),
    ("queues[2].attributes.A=1", "name"),
    ("queues[0].name=a b", "name"),
    ("ingress.hosts[0]=", "hosts"),
    ("commonLabels.number=7", "commonLabels"),
    ("podDisruptionBudget.maxUnavailable=0", "maxUnavailable"),
    ("autoscaling.minReplicas=0", "minReplicas"),
    ("extraEnv.1X=a", "1X"),
    ("nameOverride=My_Queues", "nameOverride"),
    ("fullnameOverride=-x", "fullnameOverride"),
    ("fullnameOverride=queues.example", "fullnameOverride"),
    ("namespaceOverride=Shop", "namespaceOverride"),
    ("networkPolicy.apiFrom[0]=any", "apiFrom"),
    ("metrics.prometheusRule.thresholds[0].alert=HowdahDown", "value"),
])
def test_the_schema_refuses(helm, said, key):
    answer = helm.refused("--values", feature("tryout"), "--set", said)
    assert key in answer and "schema" in answer, answer


SIGNED = ["--set", "auth.existingSecret=keys"]
OPEN = ["--set", "auth.mode=none"]
DATABASE = ["--set", "database.external.existingSecret=db"]
EMBEDDED = ["--set", "database.mode=embedded,database.embedded.password=p"]


@pytest.mark.parametrize("arguments, sentence", [
    ([*DATABASE], "auth.existingSecret is missing"),
    ([*SIGNED], "database.external.existingSecret is missing"),
    ([*SIGNED, *OPEN, *DATABASE], "nobody is asked for them"),
    ([*OPEN, *DATABASE, "--set", "database.external.keys.uri="], "database.external.host is missing"),
    ([*OPEN, *DATABASE, "--set", "database.external.keys.uri=,database.external.keys.password="], "keys.password is missing"),
    ([*OPEN, *DATABASE, "--set", "database.external.host=h"], "the URI has a host already"),
    ([*OPEN, *DATABASE, "--set", "database.external.keys.host=host"], "the URI has a host already"),
    ([*OPEN, *DATABASE, "--set", "database.external.sslMode=verify-full"], "sslRootCert.existingSecret"),
    ([*OPEN, *DATABASE, "--set", "service.nodePort=30000"], "service.nodePort is not for service.type=ClusterIP"),
    ([*OPEN, *DATABASE, "--set", "service.externalTrafficPolicy=Local"], "service.externalTrafficPolicy is not for service.type=ClusterIP"),
    ([*OPEN, *DATABASE, "--set", "service.type=NodePort,service.loadBalancerClass=x"],
     "service.loadBalancerClass is not for service.type=NodePort"),
    ([*OPEN, *DATABASE, "--set", "service.loadBalancerSourceRanges[0]=192.0.2.0/24"],
     "service.loadBalancerSourceRanges is not for service.type=ClusterIP"),
    ([*OPEN, "--set", "database.mode=embedded"], "database.embedded needs a password"),
    ([*OPEN, "--set", "database.mode=embedded,database.embedded.password=null"], "database.embedded needs a password"),
    ([*OPEN, *EMBEDDED, "--set", "replicaCount=12"], "maxConnections=100 is too few: 13 pods with 8 connections"),
    ([*OPEN, *EMBEDDED, "--set", "migrations.mode=hook"], "use startup or job"),
    ([*OPEN, *EMBEDDED, "--set", "migrations.mode=job,migrations.existingSecret=x"], "for an external database"),
    ([*OPEN, *DATABASE, "--set", "migrations.existingSecret=x"], "for migrations.mode job and hook"),
    ([*OPEN, *DATABASE, "--set", "existingConfigMap=x,config.workers=5"], "takes the place of config and queues"),
    ([*OPEN, *DATABASE, "--set", "terminationGracePeriodSeconds=25"], "is not longer than drain-timeout=25s"),
    ([*OPEN, *DATABASE, "--set", "config.drain-timeout=2m"], "is not longer than drain-timeout=2m"),
    ([*OPEN, *DATABASE, "--set", "tls.enabled=true"], "tls.enabled needs"),
    ([*OPEN, *DATABASE, "--set", "tls.existingSecret=x"], "tls.enabled is false"),
    ([*OPEN, *DATABASE, "--set", "tls.enabled=true,tls.existingSecret=x,tls.certManager.enabled=true"], "exclude each other"),
    ([*OPEN, *DATABASE, "--set", "tls.enabled=true,tls.certManager.enabled=true"], "issuerRef.name is missing"),
    ([*OPEN, *DATABASE, "--set", "tls.enabled=true,tls.certManager.enabled=true,tls.certManager.issuerRef=null"],
     "issuerRef.name is missing"),
    ([*OPEN, *DATABASE, "--set", "gateway.enabled=true"], "gateway.parentRefs is missing"),
    ([*OPEN, *DATABASE, "--set", "gateway.backendTLSPolicy.enabled=true"], "needs gateway.enabled and tls.enabled"),
    ([*OPEN, *DATABASE, "--set", "ingress.enabled=true"], "ingress.hosts is missing"),
    ([*OPEN, *DATABASE, "--set", "metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true"], "twice"),
    ([*OPEN, *DATABASE, "--set", "metrics.serviceMonitor.enabled=true,adminService.enabled=false"], "needs adminService"),
    ([*OPEN, *DATABASE, "--set", "autoscaling.enabled=true,autoscaling.minReplicas=9"], "less than autoscaling.minReplicas"),
    ([*OPEN, *DATABASE, "--set", "autoscaling.enabled=true,autoscaling.targetCPUUtilizationPercentage=null"],
     "targetCPUUtilizationPercentage or metrics"),
    ([*OPEN, *DATABASE, "--set", "extraEnv.HOWDAH_LISTEN=x"], "extraEnv.HOWDAH_LISTEN is set by the chart"),
    ([*OPEN, *DATABASE, "--set", "metrics.prometheusRule.enabled=true,metrics.prometheusRule.disabled[0]=HowdahDwon"],
     "no alert is named HowdahDwon"),
])
def test_what_does_not_fit_together_is_told(helm, arguments, sentence):
    assert sentence in helm.refused(*arguments)


def test_all_mistakes_are_told_at_once(helm):
    said = helm.refused("--set", "ingress.enabled=true")
    assert said.count("\n  - ") == 3


def test_a_collection_whose_lines_are_all_comments_is_empty(helm, tmp_path):
    """YAML then says null, with which Helm removes the default."""
    script = load_script()
    values = script.Values()
    lists_and_maps = [path for path in values.leaves() if isinstance(values.at(path), (list, dict))]
    assert len(lists_and_maps) > 40
    everything = ["--set", "metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true,metrics.dashboards.enabled=true",
                  "--set", "tls.enabled=true,tls.certManager.enabled=true,tls.certManager.issuerRef.name=i",
                  "--set", "ingress.enabled=true,ingress.hosts[0]=a.example"]
    needed = {("tls", "certManager", "issuerRef"), ("gateway", "parentRefs"), ("ingress", "hosts")}
    nothing = {}
    for *above, last in (path for path in lists_and_maps if path not in needed):
        place = nothing
        for key in above:
            place = place.setdefault(key, {})
        place[last] = None
    nothing["database"].setdefault("external", {})["sslMode"] = None
    nothing["service"]["type"] = None
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(nothing))
    text = helm.template("--values", feature("external"), *everything, "--values", tmp_path / "values.yaml")
    assert of_kind(yaml.safe_load_all(text), "Deployment")


def test_numbers_in_the_environment_are_written_out(helm, tmp_path):
    """Helm reads every number of a file as a float, which Go writes as 1e+07."""
    (tmp_path / "values.yaml").write_text("extraEnv: {LARGE: 10000000, SMALL: 0, FLAG: true, TEXT: '1e7'}\n")
    text = helm.template("--values", feature("external"), "--values", tmp_path / "values.yaml")
    container = of_kind(yaml.safe_load_all(text), "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    found = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert [found[name] for name in ("LARGE", "SMALL", "FLAG", "TEXT")] == ["10000000", "0", "true", "1e7"]


def test_an_annotation_of_the_pods_goes_over_the_charts_own(helm):
    """Two lines of one key are YAML that some readers refuse."""
    text = helm.text(feature("extras"), "--set", "podAnnotations.kubectl\\.kubernetes\\.io/default-container=beside")
    assert [line.split()[1] for line in text.splitlines() if "default-container:" in line] == ["beside"]


def test_a_strategy_without_rolling_has_no_words_for_it(helm):
    """Kubernetes refuses rollingUpdate beside Recreate, and Helm merges the default into it."""
    objects = helm.rendered(feature("external"), "--set", "updateStrategy.type=Recreate")
    assert of_kind(objects, "Deployment")[0]["spec"]["strategy"] == {"type": "Recreate"}


def test_a_chart_that_this_one_is_part_of_may_have_a_condition(helm, tmp_path):
    """Helm hands the value of `condition: howdah.enabled` down as `enabled`."""
    (tmp_path / "charts").mkdir()
    shutil.copytree(CHART, tmp_path / "charts" / "howdah")
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump({
        "apiVersion": "v2", "name": "shop", "version": "1.0.0", "dependencies": [
            {"name": "howdah", "version": yaml.safe_load((CHART / "Chart.yaml").read_text())["version"],
             "repository": "file://charts/howdah", "condition": "howdah.enabled"}]}))
    for enabled in (True, False):
        values = {"howdah": {**yaml.safe_load(feature("external").read_text()), "enabled": enabled}, "global": {"of": "all"}}
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
        text = helm.run("template", "r", tmp_path, *KUBE).stdout
        assert ("kind: Deployment" in text) == enabled


def test_helm_test_reaches_an_api_that_is_open_to_some_alone(helm):
    def api(*arguments):
        policy = of_kind(helm.rendered(feature("network"), *arguments), "NetworkPolicy")[0]
        return next(rule["from"] for rule in policy["spec"]["ingress"] if rule.get("ports", [{}])[0].get("port") == "api")

    pod = next(one for one in of_kind(helm.rendered(feature("network")), "Pod"))
    selector = api()[-1]["podSelector"]["matchLabels"]
    assert len(api()) == 2
    assert selector.items() <= pod["metadata"]["labels"].items() and selector["app.kubernetes.io/component"] == "test"
    assert len(api("--set", "test.enabled=false")) == 1


def test_the_server_takes_the_config_file_that_the_chart_makes(helm, tmp_path):
    for name in ("tryout", "config"):
        text = of_kind(helm.rendered(feature(name)), "ConfigMap")[0]["data"]["howdah.yaml"]
        (tmp_path / "howdah.yaml").write_text(text)
        done = subprocess.run([tools.ROOT / "build" / "release" / "howdah", "config", "print", "--config",
                               tmp_path / "howdah.yaml"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        values = yaml.safe_load(feature(name).read_text())
        for setting, value in values.get("config", {}).items():
            shown = next(line for line in done.stdout.splitlines() if line.startswith(f"{setting}: "))
            assert "howdah.yaml" in shown, shown
            if isinstance(value, (int, str)):
                assert shown.startswith(f"{setting}: {value}  #") or setting == "drain-timeout", shown


# What the Dockerfile sets for those who run the image by hand.
IMAGE = {"HOWDAH_LISTEN": "0.0.0.0:9324", "HOWDAH_ADMIN_LISTEN": "0.0.0.0:9325", "HOWDAH_DATA_DIR": "/var/lib/howdah/data"}


@pytest.mark.parametrize("name", ["external", "auth-none", "migrations-job"])
def test_jobs_and_test_pods_are_not_refused_for_what_they_do_not_need(helm, name, tmp_path):
    """They listen nowhere, so that nobody asks how they would check signatures."""
    (tmp_path / "uri").write_text("postgresql://u@127.0.0.1:1/d")
    (tmp_path / "keys.yaml").write_text("- {access-key-id: HDKEY, secret-access-key: sixteen-letters-0, account: '000000000000'}\n")
    pods = [(pod, spec) for pod, _, spec in pod_specs(helm.rendered(feature(name))) if not pod.startswith("Deployment")]
    assert pods
    for pod, spec in pods:
        container = spec["containers"][0]
        environment = {entry["name"]: entry["value"].replace("/etc/howdah/database", str(tmp_path))
                       for entry in container["env"]}
        arguments = [re.sub("/etc/howdah/credentials", str(tmp_path / "keys.yaml"), argument).replace(
            "r-howdah.shop.svc:9324", "127.0.0.1:1") for argument in container["args"]]
        done = subprocess.run([tools.ROOT / "build" / "release" / "howdah", *arguments], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", **IMAGE, **environment}, timeout=60)
        expected = "cannot reach the database" if arguments == ["migrate"] else "create queue"
        assert done.returncode == 1 and expected in done.stderr, (pod, done.stderr)


def test_the_server_takes_the_environment_that_the_chart_gives(helm, tmp_path):
    """Secrets and ConfigMaps as files, as a kubelet would mount them."""
    for name in ("external", "split-keys", "verify-full", "tryout", "tls-secret", "admin-token"):
        objects = helm.rendered(feature(name))
        container = of_kind(objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
        mounts = tmp_path / name
        files = {"config/howdah.yaml": "log-format: json\n", "database/uri": "postgresql://u:hidden@h/d\n", "admin/token": "a token of sixteen\n",
                 "credentials/keys.yaml": "- {access-key-id: HDKEY, secret-access-key: sixteen-letters-0, account: '000000000000'}\n"}
        for path, text in files.items():
            (mounts / path).parent.mkdir(parents=True, exist_ok=True)
            (mounts / path).write_text(text)
        environment = {"PATH": "/usr/bin:/bin", **IMAGE}
        for entry in container["env"]:
            value = entry.get("value", "5432")
            environment[entry["name"]] = value.replace("/etc/howdah", str(mounts))
        done = subprocess.run([tools.ROOT / "build" / "release" / "howdah", "config", "print"], capture_output=True, text=True,
                              env=environment)
        assert done.returncode == 0, (name, done.stderr)
        assert "hidden" not in done.stdout and "HOWDAH_LISTEN" in done.stdout
        if name == "external":
            assert "# database-url: (set, not shown)  # HOWDAH_DATABASE_URL_FILE" in done.stdout


def test_the_database_of_each_form(helm):
    def environment(name):
        spec = of_kind(helm.rendered(feature(name)), "Deployment")[0]["spec"]["template"]["spec"]
        found = {entry["name"]: entry["value"] if "value" in entry else entry["valueFrom"]["secretKeyRef"]
                 for entry in containers(spec)[0]["env"]}
        return {key: value for key, value in found.items() if key.startswith(("PG", "HOWDAH_DATABASE"))}

    def key(name):
        return {"name": "orders-db-app", "key": name}

    assert environment("external") == {"HOWDAH_DATABASE_URL_FILE": "/etc/howdah/database/uri"}
    # CloudNativePG's Secret has username, password, host, port, dbname and uri among its keys.
    assert environment("split-keys") == {"PGHOST": key("host"), "PGPORT": key("port"), "PGUSER": key("username"),
                                         "PGPASSWORD": key("password"), "PGDATABASE": key("dbname")}
    assert environment("verify-full") == {
        "PGHOST": "db.example.com", "PGPORT": "6432", "PGUSER": "howdah_app", "PGDATABASE": "orders",
        "PGPASSWORD": {"name": "howdah-database", "key": "password"}, "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/howdah/database-ca/ca.crt"}
    assert environment("tryout") == {"PGHOST": "r-howdah-postgres", "PGUSER": "howdah", "PGDATABASE": "howdah",
                                     "PGPASSWORD": {"name": "r-howdah-postgres", "key": "password"}}


def test_a_server_keeps_two_connections_more_than_those_that_work():
    """The sums in NOTES.txt, of embedded.maxConnections and in docs/scaling.md stand on that."""
    assert "servers x (database-connections + 2)" in (tools.ROOT / "docs" / "scaling.md").read_text()
    postgres = Postgres()
    directory = new_directory()
    try:
        database = postgres.database()
        server = Howdah(directory, "--database-url", database, "--workers", "1", "--database-connections", "1").start()
        queue = sqs_client(server.url).create_queue(QueueName="q")["QueueUrl"]
        sqs_client(server.url).send_message(QueueUrl=queue, MessageBody="m")
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        eventually(lambda: postgres.run(count, database) == "3", "three connections are open")
        assert server.stop() == 0
    finally:
        postgres.stop()


def test_prometheus_shows_the_admin_token_where_it_is_asked_for(helm):
    def authorization(*arguments):
        return of_kind(helm.rendered(feature("admin-token"), *arguments), "ServiceMonitor")[0]["spec"]["endpoints"][0].get(
            "authorization")

    assert authorization() == {"type": "Bearer", "credentials": {"name": "howdah-admin", "key": "bearer"}}
    assert authorization("--set", "config.admin-metrics-open=true") is None
    assert authorization("--set", "admin.existingSecret=") is None


def test_alerts_can_be_left_out_and_changed(helm):
    rule = of_kind(helm.rendered(feature("prometheus-rule")), "PrometheusRule")[0]
    shipped = [rule for file in (CHART / "rules").glob("*.yaml") for group in yaml.safe_load(file.read_text())["groups"]
               for rule in group["rules"]]
    rules = [one for group in rule["spec"]["groups"] for one in group["rules"]]
    alerts = {one["alert"]: one for one in rules if "alert" in one}
    assert set(alerts) == {one["alert"] for one in shipped if "alert" in one} - {"HowdahVersionSkew"}
    assert alerts["HowdahDown"]["for"] == "10m" and alerts["HowdahDown"]["labels"] == {"severity": "warning", "team": "queues"}
    for name, alert in alerts.items():
        assert alert["labels"]["team"] == "queues"
        assert alert["annotations"]["runbook_url"] == f"https://wiki.example.com/runbooks/{name}.md"
    ages = {one["labels"].get("queue"): one["expr"] for one in rules
            if one.get("record") == "howdah:threshold" and one["labels"]["alert"] == "HowdahOldestMessageAge"}
    assert ages == {None: "vector(1200)", "orders": "vector(60)"}
    untouched = [one for one in rules if "record" in one and one["record"] != "howdah:threshold"]
    assert untouched == [one for one in shipped if "record" in one and one["record"] != "howdah:threshold"]


def test_rules_and_dashboards_come_as_they_are(helm):
    plain = helm.rendered(feature("external"), "--set",
                          "metrics.prometheusRule.enabled=true,metrics.dashboards.enabled=true")
    groups = [group for file in sorted((CHART / "rules").glob("*.yaml")) for group in yaml.safe_load(file.read_text())["groups"]]
    assert of_kind(plain, "PrometheusRule")[0]["spec"]["groups"] == groups
    boards = {name: json.loads(text) for one in of_kind(plain, "ConfigMap") for name, text in one["data"].items()
              if name.endswith(".json")}
    assert boards == {f"howdah-{file.name}": json.loads(file.read_text()) for file in (CHART / "dashboards").glob("*.json")}
    assert len(boards) >= 3


def notes(helm, *arguments):
    """Helm 3 wants a cluster even to show them; tests/helm/test_lifecycle.py has one."""
    return helm.run("install", "r", CHART, "--namespace", "shop", "--dry-run=client", *arguments).stdout.partition("NOTES:")[2]


def test_notes_say_where_it_is_and_warn(programs):
    helm = Helm(programs["helm4"])
    tryout = notes(helm, "--values", feature("tryout"))
    assert "http://r-howdah.shop.svc:9324" in tryout and "AWS_ENDPOINT_URL=http://localhost:9324" in tryout
    assert "2 pods at most (an update's included) x 8 = 16, of 100" in tryout
    for warning in ("for trying out", "auth.mode=none", "One pod", "No TLS"):
        assert warning in tryout
    signed = notes(helm, "--values", feature("gateway"))
    assert "https://sqs.example.com" in signed and "howdah-keys" in signed and "3 pods at most" in signed
    assert "for trying out" not in signed and "auth.mode=none" not in signed and "config.trusted-proxies" in signed
    assert "13 pods at most (an update's included) x 8 = 104;" in notes(helm, "--values", feature("autoscaling"))
    assert "3 pods at most (an update's included) x 8 = 24;" in notes(helm, "--values", feature("scheduling"))
    assert "3 pods at most (an update's included) x 14 = 42;" in notes(helm, "--values", feature("config"))
    # Version 1 of the command line, and Debian 12's, do not read the variable. The certificate has the Service's name, and the
    # try-out goes through localhost.
    assert "aws --endpoint-url $AWS_ENDPOINT_URL sqs create-queue" in signed
    for command in ("create-queue", "send-message"):
        assert f"aws --endpoint-url $AWS_ENDPOINT_URL --no-verify-ssl sqs {command}" in notes(helm, "--values", feature("tls-secret"))
    encrypted = ["--values", feature("gateway-tls"), "--set", "networkPolicy.enabled=false"]
    assert "Mind:" not in notes(helm, *encrypted)
    untold = notes(helm, *encrypted, "--set", "gateway.backendTLSPolicy.enabled=false")
    assert "tell the Gateway" in untold and "ingress controller" not in untold
    assert "tell the ingress controller" in notes(helm, *encrypted, "--set", "ingress.enabled=true,ingress.hosts[0]=a.example")
    assert "Mind:" not in notes(helm, "--values", feature("tls-secret"), "--set", "networkPolicy.enabled=false")
