"""As much of Kubernetes' API as Helm needs to install, upgrade, roll back, test and uninstall: objects in memory, discovery,
patches in the forms that Helm 3 (strategic merge) and Helm 4 (server-side apply) send, and watches of what is there. What
runs on its own in a cluster is done at once: Deployments are available, Jobs complete, Pods succeeded.

Only a real API server tells whether it takes our objects; docs/kubernetes.md has a run against one."""
import http.server
import json
import re
import threading
import time
import urllib.parse

# group/version: {plural: (kind, namespaced)}
RESOURCES = {
    "v1": {"configmaps": ("ConfigMap", True), "secrets": ("Secret", True), "services": ("Service", True),
           "serviceaccounts": ("ServiceAccount", True), "pods": ("Pod", True), "namespaces": ("Namespace", False)},
    "apps/v1": {"deployments": ("Deployment", True), "statefulsets": ("StatefulSet", True),
                "replicasets": ("ReplicaSet", True)},
    "batch/v1": {"jobs": ("Job", True)},
    "autoscaling/v2": {"horizontalpodautoscalers": ("HorizontalPodAutoscaler", True)},
    "policy/v1": {"poddisruptionbudgets": ("PodDisruptionBudget", True)},
    "networking.k8s.io/v1": {"ingresses": ("Ingress", True), "networkpolicies": ("NetworkPolicy", True)},
    "gateway.networking.k8s.io/v1": {"httproutes": ("HTTPRoute", True), "backendtlspolicies": ("BackendTLSPolicy", True)},
    "monitoring.coreos.com/v1": {"servicemonitors": ("ServiceMonitor", True), "podmonitors": ("PodMonitor", True),
                                 "prometheusrules": ("PrometheusRule", True)},
    "cert-manager.io/v1": {"certificates": ("Certificate", True)},
}
PATH = re.compile(r"/(?:api|apis/(?P<group>[a-z0-9.-]+))/(?P<version>v\d+)(?:/namespaces/(?P<namespace>[a-z0-9-]+))?"
                  r"/(?P<plural>[a-z]+)(?:/(?P<name>[a-z0-9.-]+))?")
DONE = {"Deployment": {"conditions": [{"type": "Available", "status": "True"}]},
        "Job": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]},
        "Pod": {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "True"}]}}


def merged(old, patch):
    """A strategic merge: maps by key, lists of named things by name, other lists whole; null removes."""
    if isinstance(old, dict) and isinstance(patch, dict):
        if patch.get("$patch") == "replace":
            return {key: value for key, value in patch.items() if not key.startswith("$")}
        kept = patch.get("$retainKeys")
        result = {key: value for key, value in old.items() if kept is None or key in kept}
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merged(result.get(key), value)
        return result
    by = next((key for key in ("mountPath", "name", "containerPort", "topologyKey", "port") if isinstance(patch, list)
               and isinstance(old, list) and old and patch and all(isinstance(one, dict) and key in one for one in [*old, *patch])),
              None)
    if by is None:
        return patch
    result = {one[by]: one for one in old}
    for one in patch:
        if one.get("$patch") == "delete":
            result.pop(one[by], None)
        else:
            result[one[by]] = merged(result.get(one[by]), one)
    return list(result.values())


class KubernetesApi:
    """Listens at `url` until stop(). `objects` is {(namespace, kind, name): object}."""

    def __init__(self):
        self.objects = {}
        self.lock = threading.Lock()
        self.version = 0
        self.requests = []
        self.stopped = threading.Event()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, code, body):
                data = b"" if body is None else json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                api.requests.append((self.command, url.path, self.headers.get("Content-Type", "")))
                if url.path == "/openapi/v2":  # an empty document of protobuf: nothing to validate with
                    return self.answer(200, None)
                found = PATH.fullmatch(url.path)
                if not found:
                    return self.answer(*api.discovery(url.path))
                if query.get("watch") in ("true", "1"):
                    return self.watch(found, query)
                with api.lock:
                    code, answer = api.change(self.command, found, query, json.loads(body) if body else None,
                                              self.headers.get("Content-Type", ""))
                self.answer(code, answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def watch(self, found, query):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                kind = RESOURCES[api.group_version(found)][found["plural"]][0]
                with api.lock:
                    events = [{"type": "ADDED", "object": one} for one in api.selected(found, query)]
                    version = str(api.version)
                events.append({"type": "BOOKMARK", "object": {
                    "apiVersion": api.group_version(found), "kind": kind, "metadata": {
                        "resourceVersion": version, "annotations": {"k8s.io/initial-events-end": "true"}}}})
                try:
                    for event in events:
                        line = json.dumps(event).encode() + b"\n"
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                    api.stopped.wait(min(float(query.get("timeoutSeconds", 30)), 30))
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    pass
                self.close_connection = True

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def discovery(self, path):
        if path == "/version":
            return 200, {"major": "1", "minor": "36", "gitVersion": "v1.36.3"}
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [{"name": name.split("/")[0], "versions": [{"groupVersion": name, "version": name.split("/")[1]}],
                       "preferredVersion": {"groupVersion": name, "version": name.split("/")[1]}}
                      for name in RESOURCES if "/" in name]
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        name = re.sub("^/apis?/", "", path)
        if name not in RESOURCES:
            return 404, status(404, "NotFound", path)
        return 200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": [
            {"name": plural, "singularName": "", "kind": kind, "namespaced": namespaced,
             "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]}
            for plural, (kind, namespaced) in RESOURCES[name].items()]}

    @staticmethod
    def group_version(found):
        return f"{found['group']}/{found['version']}" if found["group"] else found["version"]

    def selected(self, found, query):
        kind = RESOURCES[self.group_version(found)][found["plural"]][0]
        wanted = dict(part.split("=", 1) for part in query.get("labelSelector", "").split(",") if "=" in part)
        fields = dict(part.split("=", 1) for part in query.get("fieldSelector", "").split(",") if "=" in part)
        return [one for (namespace, one_kind, name), one in self.objects.items()
                if one_kind == kind and found["namespace"] in (None, namespace)
                and wanted.items() <= one["metadata"].get("labels", {}).items()
                and fields.get("metadata.name", name) == name]

    def change(self, method, found, query, body, content_type):
        kind = RESOURCES.get(self.group_version(found), {}).get(found["plural"], (None,))[0]
        name = found["name"] or (body or {}).get("metadata", {}).get("name")
        key = (found["namespace"], kind, name)
        old = self.objects.get(key)
        if method == "GET" and not found["name"]:
            return 200, {"kind": f"{kind}List", "apiVersion": self.group_version(found), "items": self.selected(found, query),
                         "metadata": {"resourceVersion": str(self.version)}}
        if kind is None or (old is None and method in ("GET", "PUT", "DELETE")):
            return 404, status(404, "NotFound", f'{found["plural"]} "{name}" not found')
        if method == "GET":
            return 200, old
        if method == "POST" and old is not None:
            return 409, status(409, "AlreadyExists", f'{found["plural"]} "{name}" already exists')
        self.version += 1
        if method == "DELETE":
            del self.objects[key]
            return 200, status(200, "", "")
        if method == "PATCH" and "apply-patch" not in content_type:
            if old is None:
                return 404, status(404, "NotFound", f'{found["plural"]} "{name}" not found')
            body = merged(old, body)
        kept = old["metadata"] if old else {"uid": f"00000000-0000-0000-0000-{self.version:012}",
                                            "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        metadata = {**body["metadata"], "uid": kept["uid"], "creationTimestamp": kept["creationTimestamp"],
                    "resourceVersion": str(self.version), "generation": 1}
        new = {**body, "metadata": metadata}
        if kind in DONE:
            new["status"] = {**DONE[kind], "observedGeneration": 1}
        self.objects[key] = new
        return (201 if old is None else 200), new


def status(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "status": "Success" if code < 400 else "Failure", "code": code,
            "reason": reason, "message": message}
