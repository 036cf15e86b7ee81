"""A real Kubernetes of the tests' own: etcd, API server, controllers, scheduler, and a node.

How tests use it
================

Fixtures (`conftest.py`):

* `cluster`: a whole one, whose pods really run. All processes of a test run share it, so make
  things in the fixture `namespace` alone, and do not stop anything.
* `namespace`: the name of a new namespace in `cluster`; removed afterwards.
* `busybox`: the name of an image with a shell (`sh`, `sleep`, `cat`, `env`, `true`, `echo`,
  `printf`) that the node has: `imagePullPolicy: IfNotPresent`, nothing can be pulled.
* `kubeconfig`: the path of a file with which the administrator comes to `cluster`.
* `control_plane`: one without a node for the module alone, that may be stopped and frozen; what a
  test stops runs again before the next. Its pods stay Pending; a test plays the node by binding a
  pod to a node (`POST {pod}/binding`) and patching its status.
* `own_cluster`: a whole one for the module alone, else the same; its pods really run.

With any of them:

    cluster.kubeconfig("agent")                    # text; also "admin", "nobody", added users
    cluster.kubeconfig("agent", server="http://127.0.0.1:1234", namespace=namespace)
    cluster.write_kubeconfig(path, "agent")
    cluster.server, cluster.authority, cluster.tokens["agent"]
    async with cluster.admin() as http:            # httpx, paths alone; also cluster.client(user)
        await http.get(f"/api/v1/namespaces/{namespace}/pods")
    cluster.request("POST", path, content)         # the same at once, for what is not async
    cluster.request("PATCH", f"{pod}/status", {"status": {"phase": "Failed", "reason": "Evicted"}})
    cluster.make_namespace()
    cluster.allow("agent", {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"]},
                  namespace=namespace)             # by RBAC; without namespace: everywhere
    user = cluster.add_user()                      # without rights; `remove_user` ends its token
    with cluster.engine() as engine:               # the node's own Docker Engine
        engine.load(tar, "name:1")                 # ... an image from a file system
    cluster.copy_image(docker_engine, "name:1")    # ... an image of the machine's Engine

With `control_plane` and `own_cluster` (programs: `etcd`, `apiserver`, `controllers`, `scheduler`,
`kubelet`; address, keys and data stay the same):

    cluster.apiserver.freeze(); cluster.apiserver.thaw()       # connections stay open, silent
    cluster.apiserver.stop(); cluster.apiserver.kill()         # connections are refused
    cluster.apiserver.start()                                  # does not wait,
    await cluster.ready()                                      # so wait: some 5 s
    cluster.kubelet.kill(); cluster.kubelet.start()            # its pods' processes go on

Start programs from the main thread: the kernel ends them when the thread dies that did it.
A cluster of special make, such as one whose controllers soon notice that a node is away, or whose
node keeps little of what containers print:

    with running(Cluster(node=True, controllers=("--node-monitor-grace-period=4s",))) as cluster:
    with running(Cluster(node=True, engine=("--log-opt", "max-size=8k"))) as cluster:

It is Kubernetes 1.20 with `TTLAfterFinished`: no `suspend`, no `podFailurePolicy`, no indexed jobs.
Pods reach no network beyond that of their node. To keep one between test runs while developing:

    mkdir -p /tmp/kept; export LAUNCHKIT_TESTS_CLUSTER=/tmp/kept
    flock --shared /tmp/kept/users sleep 1d &      # the cluster goes when nobody holds this
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ports import free_port

from .access import Access
from .keys import make_keys, make_tokens
from .node import NAME, NodeEngine, kubelet, load_pause
from .programs import FOLDER, Program

HERE = "127.0.0.1"
QUICK = ("--kube-api-qps=200", "--kube-api-burst=400")
GATES = "--feature-gates=TTLAfterFinished=true"
WITHOUT_CLOUD = "-cloud-node-lifecycle,-route,-service"
WITHOUT_NODE = f"{WITHOUT_CLOUD},-podgc,-nodelifecycle"
"""Nothing removes pods that tests bind to nodes of their imagination."""


class Cluster(Access):
    """A cluster that this process runs, with all that it has in one directory."""

    def __init__(
        self, *, node: bool, controllers: Sequence[str] = (), engine: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._options = engine
        self.folder = Path(tempfile.mkdtemp(prefix="lk-"))
        self._node = node
        self._stack = ExitStack()
        make_keys(self.folder)
        self.authority = (self.folder / "ca.crt").read_text()
        self.tokens = make_tokens(self.folder / "tokens.csv")
        self.port, self._store = free_port(), f"http://{HERE}:{free_port()}"
        self.server = f"https://{HERE}:{self.port}"
        self._kubeconfig = self.write_kubeconfig(self.folder / "kubeconfig")
        self.etcd = self._etcd()
        self.apiserver = self._apiserver()
        self.controllers = self._controllers(*controllers)
        self.scheduler = self._scheduler()
        self.kubelet: Program | None = None

    def start(self) -> None:
        """Start all of it, and wait until pods can be made.

        :raises RuntimeError: if a program ends, or it takes too long.
        """
        self.etcd.start()
        self.apiserver.start()
        if self._node:
            self._start_engine()
        self._wait_until(self.answers)
        self.controllers.start()
        self.scheduler.start()
        if self.kubelet:
            self.kubelet.start()
            self._wait_until(self._node_is_ready)
        self._wait_until(lambda: self._has_account("default"))

    def restore(self) -> None:
        """Have all of it run again, whatever was stopped or frozen, and wait as `start` does."""
        for program in self.programs:
            program.thaw()
            program.start()
        self._wait_until(self.answers)
        if self.kubelet:
            self._wait_until(self._node_is_ready)

    def stop(self) -> None:
        """End all of it at once, and remove what it had."""
        for program in reversed(self.programs):
            program.kill()
        self._stack.close()
        shutil.rmtree(self.folder)

    @property
    def programs(self) -> Sequence[Program]:
        """Those that it has, in the order of their start."""
        all_of_them = (self.etcd, self.apiserver, self.controllers, self.scheduler, self.kubelet)
        return [program for program in all_of_them if program]

    def access(self) -> Access:
        """What another process needs to use it."""
        return Access(self.server, self.authority, self.tokens, self.socket)

    def _start_engine(self) -> None:
        engine = self._stack.enter_context(NodeEngine(*self._options))
        load_pause(engine, self.folder)
        self.socket = str(engine.socket)
        self.kubelet = kubelet(engine, self.folder, self._kubeconfig)

    def _node_is_ready(self) -> bool:
        for node in self.request("GET", "/api/v1/nodes")["items"]:
            conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
            if node["metadata"]["name"] == NAME and conditions.get("Ready") == "True":
                return "taints" not in node["spec"]
        return False

    def _wait_until(self, condition: Callable[[], object]) -> None:
        def met_or_in_vain() -> bool:
            for program in self.programs:
                if program.started and not program.runs:
                    raise RuntimeError(program.last_words())
            return bool(condition())

        try:
            self.wait_for(met_or_in_vain)
        except TimeoutError as exc:
            words = (program.last_words() for program in self.programs)
            raise RuntimeError("\n\n".join(words)) from exc

    def _etcd(self) -> Program:
        peer = f"http://{HERE}:{free_port()}"
        return Program(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={self._store}",
            f"--advertise-client-urls={self._store}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            log=self.folder / "etcd.log",
        )

    def _apiserver(self) -> Program:
        accounts = self.folder / "accounts.key"
        return Program(
            FOLDER / "kube-apiserver",
            f"--etcd-servers={self._store}",
            f"--bind-address={HERE}",
            f"--advertise-address={HERE}",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--service-account-key-file={accounts}",
            f"--service-account-signing-key-file={accounts}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            GATES,
            log=self.folder / "apiserver.log",
        )

    def _controllers(self, *more: str) -> Program:
        return Program(
            FOLDER / "kube-controller-manager",
            f"--kubeconfig={self._kubeconfig}",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            f"--root-ca-file={self.folder / 'ca.crt'}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            *("--port=0", "--secure-port=0"),
            f"--controllers=*,{WITHOUT_CLOUD if self._node else WITHOUT_NODE}",
            *QUICK,
            GATES,
            *more,
            log=self.folder / "controllers.log",
        )

    def _scheduler(self) -> Program:
        return Program(
            FOLDER / "kube-scheduler",
            f"--kubeconfig={self._kubeconfig}",
            "--leader-elect=false",
            *("--port=0", "--secure-port=0"),
            *QUICK,
            log=self.folder / "scheduler.log",
        )


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Start a cluster, and stop it at the end."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
