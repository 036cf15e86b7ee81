"""For each value of the chart: one that is given, and where it must then be seen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .charts import NAME, WITH_SERVER

CONTAINER = "spec template spec containers"
AGENT = f"{CONTAINER} agent"
SERVER = f"{CONTAINER} server"
PROBE = {"exec": {"command": ["true"]}, "httpGet": None, "initialDelaySeconds": 7}
SSD = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
WANTED = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [SSD]}}
AFFINITY = {"nodeAffinity": WANTED}
SPREAD = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
           "labelSelector": {"matchLabels": {"a": "b"}}}]  # fmt: skip
VOLUME = [{"name": "mine", "emptyDir": {"sizeLimit": "1Gi"}}]
MOUNT = [{"name": "mine", "mountPath": "/mine"}]
INIT = [{"name": "first", "image": "busybox:1", "securityContext": {"runAsUser": 5}}]


@dataclass(frozen=True)
class Case:
    """A value, and what becomes of it. What is a map must be part of the map that is found."""

    path: str
    value: object
    kind: str
    place: str
    expected: object
    name: str = NAME
    more: Mapping[str, Any] = field(default_factory=dict)


def _deployed(path: str, value: object, place: str, expected: object, **more: Any) -> Case:
    return Case(path, value, "Deployment", place, expected, more=more)


def _server(path: str, value: object, place: str, expected: object) -> Case:
    name = f"{NAME}-server"
    return Case(f"server.{path}", value, "Deployment", place, expected, name, WITH_SERVER)


def _with_url(path: str, value: object, place: str, expected: object, **more: Any) -> Case:
    """A queue service whose database is somewhere else."""
    given = {"baseUrl": None, "server": {"enabled": True, "database": more}}
    path = f"server.database.{path}"
    return Case(path, value, "Deployment", place, expected, f"{NAME}-server", given)


def _postgresql(path: str, value: object, kind: str, place: str, expected: object) -> Case:
    path, name = f"postgresql.{path}", f"{NAME}-postgresql"
    return Case(path, value, kind, place, expected, name, WITH_SERVER)


def _of_pods(part: str, kind: str, name: str, container: str) -> Iterator[Case]:
    """What all components have."""
    more = {} if part == "agent" else WITH_SERVER
    main = f"{CONTAINER} {container}"
    spec = "spec template spec"
    first = f"{spec} initContainers first securityContext runAsUser"
    cases: Sequence[tuple[str, object, str, object]] = [
        ("imagePullPolicy", "Never", f"{main} imagePullPolicy", "Never"),
        ("imagePullSecrets", [{"name": "pull"}], f"{spec} imagePullSecrets", [{"name": "pull"}]),
        ("revisionHistoryLimit", 0, "spec revisionHistoryLimit", 0),
        ("terminationGracePeriodSeconds", 0, f"{spec} terminationGracePeriodSeconds", 0),
        ("livenessProbe", PROBE, f"{main} livenessProbe initialDelaySeconds", 7),
        ("readinessProbe", PROBE, f"{main} readinessProbe initialDelaySeconds", 7),
        ("startupProbe", PROBE, f"{main} startupProbe exec command", ["true"]),
        ("env", [{"name": "N", "value": "7"}], f"{main} env N value", "7"),
        ("envFrom", [{"secretRef": {"name": "more"}}], f"{main} envFrom 0 secretRef name", "more"),
        ("labels", {"team": "a", "n": 1234567}, "spec template metadata labels",
         {"team": "a", "n": "1234567"}),
        ("annotations", {"team/a": True, "no": None}, "spec template metadata annotations",
         {"team/a": "true"}),
        ("resources", {"limits": {"cpu": 3}}, f"{main} resources limits cpu", 3),
        ("podSecurityContext", {"fsGroup": 0}, f"{spec} securityContext fsGroup", 0),
        ("securityContext", {"runAsUser": 7}, f"{main} securityContext runAsUser", 7),
        ("nodeSelector", {"disk": "ssd"}, f"{spec} nodeSelector", {"disk": "ssd"}),
        ("tolerations", [{"operator": "Exists"}], f"{spec} tolerations", [{"operator": "Exists"}]),
        ("affinity", AFFINITY, f"{spec} affinity", AFFINITY),
        ("topologySpreadConstraints", SPREAD, f"{spec} topologySpreadConstraints", SPREAD),
        ("priorityClassName", "system-node-critical", f"{spec} priorityClassName",
         "system-node-critical"),
        ("podSpec", {"hostNetwork": True}, f"{spec} hostNetwork", True),
        ("initContainers", INIT, first, 5),
        ("extraContainers", [{"name": "x", "image": "x:1"}], f"{CONTAINER} x image", "x:1"),
        ("extraVolumes", VOLUME, f"{spec} volumes mine", VOLUME[0]),
    ]  # fmt: skip
    for path, value, place, expected in cases:
        yield Case(f"{part}.{path}", value, kind, place, expected, name, more)
    beside = {**more, part: {**more.get(part, {}), "extraVolumes": VOLUME}}
    place = f"{main} volumeMounts mine mountPath"
    yield Case(f"{part}.extraVolumeMounts", MOUNT, kind, place, "/mine", name, beside)


NODES = f"ml-{NAME}-nodes"
RAY = [{"apiGroups": ["ray.io"], "resources": ["rayjobs"]}]
PVC = [{"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get"]}]
ROLE_ARN = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/agent"}
KEY = [{"name": "deploy-key", "host": "git.example.com"}]
CREDENTIALS = "https://me:it@git.example.com\n"

CASES: Sequence[Case] = [
    Case("launchConfig", "queues: [x]\n", "ConfigMap", "data launch-config.yaml",
         "builder:\n  type: noop\ndrain_timeout: 60\nqueues:\n- x\n"),
    Case("agentConfig", {"queues": ["x"], "builder": {"type": "kaniko"}}, "ConfigMap",
         "data launch-config.yaml",
         "builder:\n  type: kaniko\ndrain_timeout: 60\nqueues:\n- x\n",
         more={"launchConfig": None}),
    _deployed("baseUrl", "http://q", f"{AGENT} env LAUNCHKIT_BACKEND value", "http://q"),
    _deployed("namespace", "other", "metadata namespace", "other"),
    Case("additionalTargetNamespaces", ["ml", "a", "a"], "RoleBinding", "subjects 0",
         {"kind": "ServiceAccount", "name": f"launchkit-{NAME}", "namespace": "ml"},
         f"{NAME}-ml"),
    Case("nameOverride", "x", "Deployment", "metadata name", "demo-x", "demo-x"),
    Case("fullnameOverride", "x", "Deployment", "metadata name", "x", "x"),
    Case("agent.apiKey", "t", "Secret", "stringData token", "t"),
    _deployed("agent.existingSecret", "mine", "spec template spec volumes token secret secretName",
              "mine", agent={"apiKey": None}),
    _deployed("agent.existingSecretKey", "k", "spec template spec volumes token secret items 0 key",
              "k", agent={"apiKey": None, "existingSecret": "mine"}),
    _deployed("agent.image", "r/a@sha256:0", f"{AGENT} image", "r/a@sha256:0"),
    _deployed("agent.name", "east", f"{AGENT} env LAUNCHKIT_NAME value", "east"),
    _deployed("agent.replicas", 0, "spec replicas", 0),
    _deployed("agent.strategy", {"type": "RollingUpdate"}, "spec strategy type", "RollingUpdate"),
    Case("agent.podDisruptionBudget", {"enabled": True, "maxUnavailable": 0},
         "PodDisruptionBudget", "spec maxUnavailable", 0, more={"agent": {"replicas": 2}}),
    Case("agent.drainTimeout", 0, "ConfigMap", "data launch-config.yaml",
         "builder:\n  type: noop\ndrain_timeout: 0\nqueues:\n- train\n"),
    _deployed("agent.metricsPort", 1000, f"{AGENT} ports metrics containerPort", 1000),
    _deployed("agent.startTimeout", 0, f"{AGENT} env LAUNCHKIT_START_TIMEOUT value", "0"),
    Case("agent.secretEnv", {"N": 1234567}, "Secret", "stringData env.N", "1234567"),
    _deployed("agent.workVolume", {"hostPath": {"path": "/x"}}, "spec template spec volumes work",
              {"name": "work", "hostPath": {"path": "/x"}}),
    Case("serviceAccount.create", True, "ServiceAccount", "metadata name",
         f"launchkit-{NAME}"),
    _deployed("serviceAccount.name", "me", "spec template spec serviceAccountName", "me"),
    Case("serviceAccount.annotations", ROLE_ARN, "ServiceAccount", "metadata annotations",
         ROLE_ARN),
    Case("rbac.create", True, "Role", "rules 2 resources", ["pods/log"]),
    Case("rbac.customResources", RAY, "Role", "rules 5 resources", ["rayjobs"]),
    Case("rbac.extraRules", PVC, "Role", "rules 5", PVC[0]),
    Case("rbac.nodes", True, "ClusterRole", "rules 0 verbs", ["get"], NODES),
    Case("gitCreds", CREDENTIALS, "Secret", "stringData .git-credentials", CREDENTIALS),
    _deployed("gitCredsSecret", "g", "spec template spec volumes git secret secretName", "g"),
    _deployed("gitCredsSecretKey", "k", "spec template spec volumes git secret items 0 key", "k",
              gitCredsSecret="g"),
    _deployed("sshAuthSecrets", KEY, "spec template spec volumes ssh-deploy-key secret secretName",
              "deploy-key"),
    _deployed("customCABundle.configMap.name", "c", "spec template spec volumes ca configMap name",
              "c"),
    _deployed("customCABundle.configMap.key", "k",
              "spec template spec volumes ca configMap items 0 key", "k",
              customCABundle={"configMap": {"name": "c"}}),
    _deployed("proxy.http", "http://p", f"{AGENT} env HTTP_PROXY value", "http://p"),
    _deployed("proxy.https", "http://p", f"{AGENT} env https_proxy value", "http://p"),
    _deployed("proxy.no", "x.org", f"{AGENT} env NO_PROXY value",
              "127.0.0.1,localhost,.svc,.cluster.local,$(KUBERNETES_SERVICE_HOST),x.org",
              proxy={"https": "http://p"}),
    Case("azureStorageAccessKey", "a", "Secret", "stringData azure-storage-key", "a"),
    *_of_pods("agent", "Deployment", NAME, "agent"),
    *_of_pods("server", "Deployment", f"{NAME}-server", "server"),
    *_of_pods("postgresql", "StatefulSet", f"{NAME}-postgresql", "postgresql"),
    _server("enabled", True, f"{SERVER} args 0", "server"),
    _server("image", "s:1", f"{SERVER} image", "s:1"),
    _server("replicas", 0, "spec replicas", 0),
    _server("strategy", {"type": "Recreate"}, "spec strategy type", "Recreate"),
    _server("workVolume", {"hostPath": {"path": "/x"}}, "spec template spec volumes work",
            {"name": "work", "hostPath": {"path": "/x"}}),
    _with_url("url", "postgresql://u@h/d", f"{SERVER} env LAUNCHKIT_BACKEND value",
              "postgresql://u@h/d"),
    _with_url("passwordSecret", "s", f"{SERVER} env PGPASSWORD valueFrom secretKeyRef name", "s",
              url="postgresql://u@h/d"),
    _with_url("passwordSecretKey", "k", f"{SERVER} env PGPASSWORD valueFrom secretKeyRef key", "k",
              url="postgresql://u@h/d", passwordSecret="s"),
    _with_url("existingSecret", "s", f"{SERVER} env LAUNCHKIT_BACKEND valueFrom secretKeyRef name",
              "s"),
    _with_url("existingSecretKey", "k",
              f"{SERVER} env LAUNCHKIT_BACKEND valueFrom secretKeyRef key", "k",
              existingSecret="s"),
    *(Case(f"server.service.{key}", value, "Service", place, expected, f"{NAME}-server",
           WITH_SERVER)
      for key, value, place, expected in (
        ("type", "NodePort", "spec type", "NodePort"),
        ("port", 80, "spec ports http port", 80),
        ("labels", {"a": 1}, "metadata labels", {"a": "1"}),
        ("annotations", {"a": 1}, "metadata annotations", {"a": "1"}),
      )),
    _postgresql("enabled", True, "Service", "spec clusterIP", "None"),
    _postgresql("image", "p:1", "StatefulSet", f"{CONTAINER} postgresql image", "p:1"),
    _postgresql("password", "p", "Secret", "stringData password", "p"),
    Case("postgresql.existingSecret", "s", "StatefulSet",
         f"{CONTAINER} postgresql env POSTGRES_PASSWORD valueFrom secretKeyRef name", "s",
         f"{NAME}-postgresql", {**WITH_SERVER, "postgresql": {"enabled": True}}),
    Case("postgresql.existingSecretKey", "k", "Deployment",
         f"{SERVER} env PGPASSWORD valueFrom secretKeyRef key", "k", f"{NAME}-server",
         {**WITH_SERVER, "postgresql": {"enabled": True, "existingSecret": "s"}}),
    _postgresql("storage.size", "1Ti", "PersistentVolumeClaim", "spec resources requests storage",
                "1Ti"),
    _postgresql("storage.storageClassName", "", "PersistentVolumeClaim", "spec storageClassName",
                ""),
    _postgresql("storage.accessModes", ["ReadWriteOncePod"], "PersistentVolumeClaim",
                "spec accessModes", ["ReadWriteOncePod"]),
    _postgresql("storage.keep", True, "PersistentVolumeClaim", "metadata annotations",
                {"helm.sh/resource-policy": "keep"}),
    _postgresql("volume", {"emptyDir": {}}, "StatefulSet", "spec template spec volumes data",
                {"name": "data", "emptyDir": {}}),
]  # fmt: skip
