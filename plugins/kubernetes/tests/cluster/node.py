"""The node of a cluster: a kubelet, and a Docker Engine of its own that runs the pods."""

import json
import tarfile
from pathlib import Path

from docker_engine import Engine
from own_engine import OwnEngine
from ports import free_port

from .programs import FOLDER, KUBELET, NEVER_ALONE, Program

NAME = "127.0.0.1"
"""Also the address at which the API server asks it for logs."""
RUNTIME = Path(__file__).with_name("clamped-runc")
PAUSE = "launchkit-test-pause:1"
FIXED = ("/var/log/pods", "/var/log/containers", "/var/lib/kubelet", "/var/lib/dockershim")
"""Where a kubelet looks whatever it is told; it removes there what it does not know."""
SLEEP = "trap 'exit 0' TERM; /bin/busybox sleep 2147483647 & wait"
"""Ends when it is told to: else each pod would take ten seconds more."""
PREPARE = """\
set -e
ip link set lo up
for place in $PLACES; do
  mkdir -p $place
  mount -t tmpfs tmpfs $place
done
exec dockerd --iptables=false --ip6tables=false "$@"
"""


class NodeEngine(OwnEngine):
    """The Engine of a node, with network and mounts that nobody else sees."""

    command = (
        *(*NEVER_ALONE, "TERM", "env", f"PLACES={' '.join(FIXED)}"),
        *("unshare", "--net", "--mount", "sh", "-c", PREPARE, "dockerd"),
    )

    def __init__(self, *options: str) -> None:
        clamped = ("--add-runtime", f"clamped={RUNTIME}", "--default-runtime", "clamped")
        super().__init__(*clamped, *options)

    @property
    def pid(self) -> int:
        """The process of the daemon."""
        return int((self.folder / "pid").read_text())


def load_pause(engine: Engine, folder: Path) -> None:
    """Give the Engine the image that holds the network of each pod."""
    path = folder / "pause.tar"
    with tarfile.open(path, "w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
    engine.load(path, PAUSE, f"ENTRYPOINT {json.dumps(['/bin/busybox', 'sh', '-c', SLEEP])}")


def kubelet(engine: NodeEngine, folder: Path, kubeconfig: Path) -> Program:
    """The kubelet, which sees the same mounts as its Engine."""
    settings = {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "address": "127.0.0.1",
        "port": free_port(),
        "healthzPort": 0,
        "readOnlyPort": 0,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
        "nodeStatusUpdateFrequency": "1s",
        "nodeStatusReportFrequency": "10s",
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 0,
        "syncFrequency": "1s",
    }
    config = folder / "kubelet.json"
    config.write_text(json.dumps(settings))
    return Program(
        *("nsenter", "--mount", "--target", str(engine.pid), "--"),
        FOLDER / KUBELET,
        f"--kubeconfig={kubeconfig}",
        f"--config={config}",
        f"--root-dir={folder / 'kubelet'}",
        f"--cert-dir={folder / 'kubelet-keys'}",
        f"--hostname-override={NAME}",
        "--container-runtime=docker",
        f"--docker-endpoint={engine.url}",
        f"--pod-infra-container-image={PAUSE}",
        "--network-plugin=",
        log=folder / "kubelet.log",
    )
