#!/usr/bin/env python3
"""Tries the chart on a real API server, which tests/helm cannot start: `KUBECONFIG=… on_a_cluster.py HELM...`, by hand.

The namespaces that it makes enforce the Pod Security level "restricted". Every object of every file in helm/ci must be taken by
a strict dry run, every pod template also as a Pod, and each HELM must install, upgrade, roll back and uninstall. Controllers are
not needed. docs/kubernetes.md tells how to compile such a server. Needs PyYAML and Go: run it with .venv/bin/python.
"""
import json
import os
import subprocess
import sys

import yaml

import schemas
import tools
from conftest import CHART, FEATURES, feature, pod_specs

# Custom resources that the chart and its examples make.
CUSTOM = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "HTTPRoute", "BackendTLSPolicy", "Certificate", "ScaledObject",
          "TriggerAuthentication"}
# What helm/ci/scheduling-values.yaml names.
CLASSES = [{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "important"}, "value": 1000},
           {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "gvisor"}, "handler": "runsc"}]
NAMESPACES = ["shop", "queues", "monitoring"]


def run(*command, text=None, check=True):
    done = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, timeout=300)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done


def main(helms):
    kubectl = tools.packaged()["kubectl"]
    print(run(kubectl, "version").stdout.splitlines()[-1])
    for namespace in NAMESPACES:
        run(kubectl, "create", "namespace", namespace, check=False)
        run(kubectl, "label", "--overwrite", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted",
            "pod-security.kubernetes.io/warn=restricted")
    run(kubectl, "apply", "--server-side", "-f", "-", text=yaml.safe_dump_all(
        [*(one for one in schemas.custom_resources() if one["spec"]["names"]["kind"] in CUSTOM), *CLASSES]))
    run(kubectl, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    objects = pods = 0
    for path in [*FEATURES, CHART / "examples" / "keda-consumer.yaml"]:
        rendered = path.read_text() if path not in FEATURES else run(
            helms[0], "template", "r", CHART, "--namespace", "shop", "--kube-version", "1.36", "--values", path).stdout
        done = run(kubectl, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-",
                   text=rendered)
        if "Warning" in done.stderr:
            sys.exit(f"{path.name}: {done.stderr}")
        documents = [one for one in yaml.safe_load_all(rendered) if one]
        objects += len(documents)
        for name, labels, spec in pod_specs(documents):
            claims = [{"name": "data", "emptyDir": {}}] if name.startswith("StatefulSet") else []
            for constraint in spec.get("topologySpreadConstraints", []):
                constraint.pop("matchLabelKeys", None)  # a ReplicaSet's hash, which a Pod of its own has not
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "shop", "labels": labels},
                   "spec": {**spec, "restartPolicy": spec.get("restartPolicy", "Always"),
                            "volumes": spec.get("volumes", []) + claims}}
            run(kubectl, "create", "--dry-run=server", "--validate=strict", "-f", "-", text=json.dumps(pod))
            pods += 1
    print(f"taken by a strict dry run: {objects} objects of {len(FEATURES) + 1} files, {pods} pods under restricted")
    refused = run(kubectl, "run", "open", "--namespace", "shop", "--image=x", "--dry-run=server", check=False)
    if "violates PodSecurity" not in refused.stderr:
        sys.exit("the server does not enforce the restricted level: " + refused.stderr)

    for helm in helms:
        version = run(helm, "version", "--short").stdout.strip()
        shop = ["--namespace", "shop"]
        run(helm, "install", "r", CHART, *shop, "--values", feature("external"))
        steps = ["bare", "tls-cert-manager", "autoscaling", "config", "gateway-tls", "extras", "tryout", "service-monitor"]
        for name in steps:
            run(helm, "upgrade", "r", CHART, *shop, "--values", feature(name))
        run(helm, "rollback", "r", "1", *shop)
        wanted = run(helm, "get", "manifest", "r", *shop).stdout
        if run(kubectl, "diff", *shop, "-f", "-", text=wanted, check=False).returncode != 0:
            sys.exit(f"{version}: the cluster is not what the first revision was")
        run(helm, "uninstall", "r", *shop)
        kinds = "deploy,sts,svc,cm,secret,sa,pdb,hpa,netpol,ingress,job,httproutes,backendtlspolicies,servicemonitors,certificates"
        left = run(kubectl, "get", kinds, *shop, "-l", "app.kubernetes.io/instance=r", "-o", "name").stdout
        if left:
            sys.exit(f"{version}: left behind: {left}")
        print(f"Helm {version}: install, {len(steps)} upgrades, rollback and uninstall")


if __name__ == "__main__":
    if "KUBECONFIG" not in os.environ or len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
