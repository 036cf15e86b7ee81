"""What words of the policy open to launches in secure mode."""

OPTION_KEYS = frozenset(
    {"command", "args", "entrypoint", "script", "source", "arguments", "parameters", "params"}
    | {"env", "envFrom", "envVars", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}
    | {"volumes", "volumeMounts", "volumeDevices", "volumeClaimTemplates", "securityContext"}
    | {"annotations", "labels", "ports", "imagePullSecrets", "hostAliases", "dnsConfig"}
    | {"resourceClaims", "readinessGates", "schedulingGates", "podFailurePolicy", "successPolicy"}
    | {"rayStartParams", "sparkConf", "hadoopConf", "javaOptions", "deps", "flinkConfiguration"}
    | {"podSpecPatch", "runtimeEnvYAML"}
)
"""What a word of the policy may name as a whole, in Jobs and in objects of operators."""
EXPANDING_KEYS = frozenset({"command", "args", "env", "envVars", "subPathExpr"})
"""Where the node puts variables of a container in the place of `$(NAME)`. See
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container.
Spark's pods have them in `envVars`."""
LITERAL_WAYS = frozenset(
    ("lifecycle", hook, "exec", "command") for hook in ("postStart", "preStop")
)
"""Where it puts none: hooks are run as they are written, unlike probes. See `Run` in
https://github.com/kubernetes/kubernetes/blob/v1.32.0/pkg/kubelet/lifecycle/handlers.go."""
_OF_PODS = (
    *("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName"),
    *("activeDeadlineSeconds", "terminationGracePeriodSeconds"),
)
_OF_JOBS = (
    *("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"),
    "ttlSecondsAfterFinished",
)
_POD = ("spec", "template", "spec")
JOB_HARMLESS: frozenset[str | tuple[str, ...]] = frozenset(
    {
        "requeue",
        *(("spec", key) for key in _OF_JOBS),
        *((*_POD, key) for key in _OF_PODS),
        *((*_POD, "containers", "resources", key) for key in ("limits", "requests")),
    }
)
"""What gives the pods of a Job an amount, a time, or one of the nodes."""
_WHEN = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
_OF_SPREAD = (
    *("maxSkew", "topologyKey", "whenUnsatisfiable", "minDomains", "labelSelector"),
    *("nodeAffinityPolicy", "nodeTaintsPolicy", "matchLabelKeys"),
)
_AMOUNTS = (
    *("priorityClassName", "terminationGracePeriodSeconds", *_OF_JOBS),
    *("replicas", "minReplicas", "maxReplicas", "numNodes", "instances", "cores"),
    *("memory", "priority"),
)
_HOLDERS = (
    *("spec", "podTemplate", "templates", "tasks", "replicatedJobs", "runPolicy", "elasticPolicy"),
    *("driver", "executor", "batchSchedulerOptions", "jobManager", "taskManager", "resource"),
    *("headGroupSpec", "workerGroupSpecs", "trainer", "mlPolicy", "worker", "scheduler"),
    *("predictor", "predictors", "transformer", "explainer"),
)
"""Where Kubernetes and well-known operators have pods and their amounts: the fields below are
theirs. Elsewhere a key may be a name of its owner's, such as that of a hook or a variable."""
_REPLICAS = tuple(
    f"{of}ReplicaSpecs" for of in ("pytorch", "tf", "mpi", "xgb", "mx", "paddle", "jax")
)
_IN_HOLDERS = (
    ("nodeSelector", "*", ""),
    *(
        ("tolerations", key, "")
        for key in ("key", "operator", "value", "effect", "tolerationSeconds")
    ),
    *(
        ("affinity", kind, when)
        for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")
        for when in _WHEN
    ),
    *(("topologySpreadConstraints", key) for key in _OF_SPREAD),
    *((key, "") for key in _AMOUNTS),
)
CUSTOM_HARMLESS: frozenset[str | tuple[str, ...]] = frozenset(
    {
        "requeue",
        *(("*", holder, *way) for holder in _HOLDERS for way in _IN_HOLDERS),
        *(("*", of, "*", key, "") for of in _REPLICAS for key in _AMOUNTS),
        *(
            ("*", of, key, "*", "")
            for of in ("resources", "resourcesPerNode")
            for key in ("limits", "requests")
        ),
    }
)
"""What no operator makes a program of: in the very shapes that pods have, since another operator's
`affinity` or `instances` may hold containers.
"""
