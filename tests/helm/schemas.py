"""JSON schemas for `kubeconform -strict`, made of what Kubernetes and the operators publish in their Go modules: an OpenAPI
document and CustomResourceDefinitions. Go holds each module against its checksum database."""
import json
import pathlib
import subprocess

import yaml

KUBERNETES = "k8s.io/kubernetes@v1.36.3"
# module: where its CustomResourceDefinitions are
OPERATORS = {
    "sigs.k8s.io/gateway-api@v1.6.2": "config/crd/standard",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd",
    "github.com/cert-manager/cert-manager@v1.21.2": "deploy/crds",
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases",
}
LOCATION = "{{.Group}}/{{.ResourceAPIVersion}}/{{.ResourceKind}}.json"
DEFINITIONS = "../../definitions.json#/definitions/"
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Takes a bare = for a text, as Go does."""


Loader.add_constructor("tag:yaml.org,2002:value", Loader.construct_yaml_str)


def strict(schema):
    """OpenAPI as a JSON schema that knows no other fields than those told."""
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    made = dict(schema)
    if "$ref" in made:
        made["$ref"] = made["$ref"].replace("#/definitions/", DEFINITIONS)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = strict(made[key])
    if "properties" in made:
        made["properties"] = {name: strict(each) for name, each in made["properties"].items()}
        if not made.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made


def module(name):
    """The path of a module at a version."""
    done = subprocess.run(["go", "mod", "download", "-json", name], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["Dir"]


def custom_resources():
    """The CustomResourceDefinitions of the operators."""
    for name, folder in OPERATORS.items():
        for file in sorted(pathlib.Path(module(name), folder).glob("*.yaml")):
            for one in yaml.load_all(file.read_text(), Loader):
                if one and one["kind"] == "CustomResourceDefinition":
                    yield one


def write(directory):
    """A file for each kind, where LOCATION looks for it below `directory`."""
    def put(group, version, kind, schema):
        file = directory / group / version / f"{kind.lower()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))

    with open(f"{module(KUBERNETES)}/api/openapi-spec/swagger.json", encoding="utf-8") as file:
        definitions = json.load(file)["definitions"]
    definitions[QUANTITY]["type"] = ["string", "number"]  # it takes both, as its description says
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            # kubeconform calls the group of a core object by its version.
            put(kind["group"] or kind["version"], kind["version"], kind["kind"], {"$ref": DEFINITIONS + name})
    (directory / "definitions.json").write_text(json.dumps(
        {"definitions": {name: strict(each) for name, each in definitions.items()}}).replace('"../../definitions.json#', '"#'))
    for one in custom_resources():
        for version in one["spec"]["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"$ref": DEFINITIONS + METADATA}
            put(one["spec"]["group"], version["name"], one["spec"]["names"]["kind"], schema)


def repeated(directory, one):
    """The lists of an object that are maps to server-side apply, where two entries have the same keys: it refuses them, and
    kubeconform does not see it. `directory` is what write() wrote."""
    definitions = json.loads((directory / "definitions.json").read_text())["definitions"]

    def walk(schema, value, path):
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            for name, below in value.items():
                part = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
                if isinstance(part, dict):
                    yield from walk(part, below, f"{path}.{name}")
        elif isinstance(value, list):
            keys = [tuple(each.get(name) for name in schema.get("x-kubernetes-list-map-keys", [])) for each in value
                    if isinstance(each, dict)]
            if keys and keys[0] and len(keys) != len(set(keys)):
                yield path
            for each in value:
                yield from walk(schema["items"], each, path)

    group, _, version = one["apiVersion"].rpartition("/")
    file = directory / (group or version) / version / f"{one['kind'].lower()}.json"
    return list(walk(json.loads(file.read_text()), one, one["kind"]))
