"""Rules that every object keeps, whatever the values: security, names, labels, and that what belongs together fits."""
import re

import pytest
import yaml

from conftest import CHART, containers, feature, of_kind, pod_specs

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
SELECTOR = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}


@pytest.fixture
def objects(helm, values):
    return helm.rendered(values)


def test_pods_keep_the_restricted_level(objects):
    for name, _, spec in pod_specs(objects):
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True and pod["runAsUser"] > 0 and pod["runAsGroup"] > 0, name
        assert pod["fsGroup"] > 0 and pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        for volume in spec.get("volumes", []):
            assert set(volume) - {"name"} <= {"configMap", "secret", "emptyDir"}, name
        for container in containers(spec):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"] is True, name
            assert security["runAsNonRoot"] is True and security["capabilities"] == {"drop": ["ALL"]}, name
            assert security["seccompProfile"] == {"type": "RuntimeDefault"} and "privileged" not in security, name


def test_pods_ask_kubernetes_nothing_and_hear_nothing_of_other_services(objects):
    for name, _, spec in pod_specs(objects):
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False, name
    for account in of_kind(objects, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    assert not [one["kind"] for one in objects if "Role" in one["kind"]]


def test_containers_say_what_they_need_and_where_they_may_write(objects):
    for name, _, spec in pod_specs(objects):
        for container in containers(spec):
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]) and "memory" in resources["limits"], name
            if container["name"] in ("howdah", "migrate", "selftest", "postgres"):
                assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}, name


def test_mounts_name_volumes_and_volumes_are_mounted(objects):
    for name, _, spec in pod_specs(objects):
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        assert len(volumes) == len(spec.get("volumes", [])), name
        mounted = {mount["name"] for container in containers(spec) for mount in container.get("volumeMounts", [])}
        claims = {"data"} if name.startswith("StatefulSet") else set()
        assert mounted - claims == volumes, name
        for container in containers(spec):
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert not [one for one in paths for other in paths if one.startswith(other + "/")], "a mount inside another"


def test_no_environment_name_or_port_is_there_twice(objects):
    for name, _, spec in pod_specs(objects):
        for container in containers(spec):
            names = [entry["name"] for entry in container.get("env", [])]
            ports = [(port["containerPort"], port["protocol"]) for port in container.get("ports", [])]
            port_names = [port["name"] for port in container.get("ports", [])]
            for listed in (names, ports, port_names):
                assert len(listed) == len(set(listed)), name


def test_no_secret_is_in_arguments_or_in_the_text_of_environment(objects):
    for name, _, spec in pod_specs(objects):
        for container in containers(spec):
            for entry in container.get("env", []):
                if re.search("PASSWORD|SECRET|TOKEN|URL", entry["name"]) and not entry["name"].endswith("_FILE"):
                    assert set(entry) == {"name", "valueFrom"}, (name, entry)
            text = " ".join(container.get("args", []) + container.get("command", []))
            assert not re.search("password|secret=|token=|postgresql://", text), name
    for one in objects:
        if one["kind"] != "Secret":
            assert "try-out" not in str(one), one["metadata"]["name"]


def test_secrets_are_for_their_group_alone(objects):
    for name, _, spec in pod_specs(objects):
        for volume in spec.get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, name


def test_images_have_a_fixed_tag_or_digest(objects):
    for name, _, spec in pod_specs(objects):
        for container in containers(spec):
            image = container["image"]
            assert re.search(r"(:[\w.-]+|@sha256:[0-9a-f]{64})$", image) and not image.endswith(":latest"), (name, image)


def test_labels_and_annotations_are_texts(objects):
    for one in objects:
        metadata = [one["metadata"]]
        metadata += [one["spec"]["template"]["metadata"]] if "template" in one.get("spec", {}) else []
        for each in metadata:
            for value in each.get("labels", {}).values():
                assert isinstance(value, str) and LABEL.fullmatch(value), (one["metadata"]["name"], value)
            assert all(isinstance(value, str) for value in each.get("annotations", {}).values()), one["metadata"]["name"]


def test_every_object_of_ours_is_labelled_and_has_a_namespace(objects):
    for one in objects:
        if one["metadata"]["name"] in ("postgres-options", "r-howdah-more"):  # extraObjects
            continue
        labels = one["metadata"]["labels"]
        assert SELECTOR | {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"} <= set(labels)
        assert one["metadata"]["namespace"]


def test_no_two_objects_have_one_name(objects):
    names = [(one["apiVersion"], one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))


def test_no_two_groups_of_rules_have_one_name(objects):
    for one in of_kind(objects, "PrometheusRule"):  # a server-side apply refuses them
        names = [group["name"] for group in one["spec"]["groups"]]
        assert len(names) == len(set(names))


def test_selectors_are_frozen(objects):
    for one in of_kind(objects, "Deployment") + of_kind(objects, "StatefulSet"):
        selector = one["spec"]["selector"]["matchLabels"]
        assert set(selector) == SELECTOR
        assert selector.items() <= one["spec"]["template"]["metadata"]["labels"].items()


def test_selectors_hit_the_pods_that_they_are_for(objects):
    pods = [(name, labels) for name, labels, _ in pod_specs(objects)]

    def hit(selector):
        return [name for name, labels in pods if selector.items() <= labels.items()]

    server, database = of_kind(objects, "Deployment")[0], of_kind(objects, "StatefulSet")
    for one in of_kind(objects, "Service"):
        expected = database[0] if one["metadata"]["name"].endswith("-postgres") else server
        assert hit(one["spec"]["selector"]) == [f"{expected['kind']} {expected['metadata']['name']}"]
    for one in of_kind(objects, "PodDisruptionBudget") + of_kind(objects, "PodMonitor"):
        selector = one["spec"]["selector"]["matchLabels"]
        assert hit(selector) == [f"Deployment {server['metadata']['name']}"], one["kind"]
    for spread in server["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
        assert hit(spread["labelSelector"]["matchLabels"]) == [f"Deployment {server['metadata']['name']}"]
        assert spread["matchLabelKeys"] == ["pod-template-hash"]
    for one in of_kind(objects, "NetworkPolicy"):
        assert len(hit(one["spec"]["podSelector"]["matchLabels"])) == 1
    for one in of_kind(objects, "ServiceMonitor"):
        found = [service for service in of_kind(objects, "Service")
                 if one["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()]
        assert [service["metadata"]["name"] for service in found] == [f"{server['metadata']['name']}-admin"]
        assert one["spec"]["namespaceSelector"]["matchNames"] == [found[0]["metadata"]["namespace"]]
        assert one["spec"]["endpoints"][0]["port"] in {port["name"] for port in found[0]["spec"]["ports"]}


def test_ports_that_are_named_exist(objects):
    by_component = {labels["app.kubernetes.io/component"]: {
        port["name"] for container in containers(spec) for port in container.get("ports", [])}
        for _, labels, spec in pod_specs(objects)}
    for service in of_kind(objects, "Service"):
        component = service["spec"]["selector"]["app.kubernetes.io/component"]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= by_component[component]
    for policy in of_kind(objects, "NetworkPolicy"):
        component = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        named = {port["port"] for rule in policy["spec"]["ingress"] for port in rule.get("ports", [])}
        assert named <= by_component[component]
    for monitor in of_kind(objects, "PodMonitor"):
        assert monitor["spec"]["podMetricsEndpoints"][0]["port"] in by_component["server"]
    for name, labels, spec in pod_specs(objects):
        for container in containers(spec):
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                port = container.get(probe, {}).get("httpGet", {}).get("port")
                assert port is None or port in by_component[labels["app.kubernetes.io/component"]], name


def test_routes_lead_to_the_api_and_never_to_administration(objects):
    services = {service["metadata"]["name"]: service for service in of_kind(objects, "Service")}
    targets = [backend["name"] for route in of_kind(objects, "HTTPRoute") for rule in route["spec"]["rules"]
               for backend in rule["backendRefs"] if backend["port"] in
               {port["port"] for port in services[backend["name"]]["spec"]["ports"]}]
    targets += [path["backend"]["service"]["name"] for ingress in of_kind(objects, "Ingress")
                for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"] if path["backend"]["service"]["port"]["name"]
                in {port["name"] for port in services[path["backend"]["service"]["name"]]["spec"]["ports"]}]
    routes = of_kind(objects, "HTTPRoute") + of_kind(objects, "Ingress")
    assert bool(targets) == bool(routes)
    for target in targets:
        assert [port["targetPort"] for port in services[target]["spec"]["ports"]] == ["api"]
    for service in services.values():
        if service["metadata"]["name"].endswith("-admin"):
            assert service["spec"]["type"] == "ClusterIP"


def test_a_gateway_is_told_of_the_name_in_the_certificate(helm, objects, values):
    policies = of_kind(objects, "BackendTLSPolicy")
    assert bool(policies) == (values == feature("gateway-tls"))
    for policy in policies:
        backend = of_kind(objects, "HTTPRoute")[0]["spec"]["rules"][0]["backendRefs"][0]
        assert policy["spec"]["targetRefs"] == [{key: backend[key] for key in ("group", "kind", "name")}]
        assert policy["spec"]["validation"]["hostname"] in of_kind(objects, "Certificate")[0]["spec"]["dnsNames"]
    if policies:
        public = helm.rendered(values, "--set", "gateway.backendTLSPolicy.caConfigMap=,gateway.backendTLSPolicy.hostname=sqs.example.com")
        assert of_kind(public, "BackendTLSPolicy")[0]["spec"]["validation"] == {
            "hostname": "sqs.example.com", "wellKnownCACertificates": "System"}


def test_pods_are_told_to_stop_in_time_and_replaced_without_a_gap(objects):
    deployment = of_kind(objects, "Deployment")[0]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 45
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    for budget in of_kind(objects, "PodDisruptionBudget"):
        assert "minAvailable" not in budget["spec"] and budget["spec"]["maxUnavailable"] == 1
    container = next(one for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == "howdah")
    assert container["startupProbe"]["httpGet"]["path"] == container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] >= 300


def test_either_an_autoscaler_or_the_deployment_says_how_many_pods(objects):
    deployment = of_kind(objects, "Deployment")[0]
    scalers = of_kind(objects, "HorizontalPodAutoscaler")
    assert ("replicas" in deployment["spec"]) != bool(scalers)
    for scaler in scalers:
        assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]


def test_a_budget_is_there_where_more_than_one_pod_is(objects, values):
    deployment = of_kind(objects, "Deployment")[0]
    expected = deployment["spec"].get("replicas", 3) > 1 and values != feature("bare")
    assert bool(of_kind(objects, "PodDisruptionBudget")) == expected


def test_the_pods_restart_when_their_config_changes(helm):
    def checksum(*arguments):
        objects = helm.rendered(feature("tryout"), *arguments)
        return of_kind(objects, "Deployment")[0]["spec"]["template"]["metadata"]["annotations"]

    before = checksum()
    assert checksum("--set", "config.workers=5") != before
    assert checksum("--set", "queues[0].name=other") != before
    assert checksum("--set", "database.embedded.password=other") != before
    assert checksum("--set", "service.port=80") == before


def test_no_template_installs_definitions_of_others():
    assert not (CHART / "crds").exists()
    for template in (CHART / "templates").rglob("*.yaml"):
        assert "CustomResourceDefinition" not in template.read_text()


RELEASES = ["y", "on", "123", "1e3", "howdah", "my-howdah-2", "a" * 53, "9" * 53, "b" * 52 + "c", "b" * 52 + "d"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", ["tryout", "migrations-job"])
def test_names_and_labels_whatever_the_release_is_called(helm, release, name):
    text = helm.template("--values", feature(name), release=release)
    for one in yaml.safe_load_all(text):
        labels = one["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == release
        assert all(isinstance(value, str) and LABEL.fullmatch(value) for value in labels.values())
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", one["metadata"]["name"]), one["metadata"]["name"]
        if one["kind"] == "Service":
            assert re.match("[a-z]", one["metadata"]["name"])
        if one["kind"] == "StatefulSet":  # its pods bear name-hash as a label, and hashes have up to ten letters
            assert len(one["metadata"]["name"]) <= 63 - 11
    # YAML 1.1 readers take a bare y for true, and a bare 123 for a number.
    for line in text.splitlines():
        if "app.kubernetes.io/instance:" in line and release in ("y", "on", "123", "1e3", "9" * 53):
            assert line.endswith(f'"{release}"'), line


def test_long_names_that_differ_at_their_end_stay_different(helm):
    names = {of_kind(helm.rendered(feature("tryout"), release=release), "Deployment")[0]["metadata"]["name"]
             for release in RELEASES[-2:]}
    assert len(names) == 2
