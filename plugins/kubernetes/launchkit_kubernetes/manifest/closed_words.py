"""The words by which `policy.kubernetes: strict` knows what reaches out of a pod: as keys, in
whatever spelling, and written into a text.
"""

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

_SPLIT = re.compile(r"[./]")


def flat(key: str) -> str:
    """A key in one spelling, for operators take several."""
    return key.replace("_", "").replace("-", "").casefold()


def flat_words(key: str) -> set[str]:
    """The words of a key, which is a path in one where Spark and others write it."""
    words = set(_SPLIT.split(flat(key)))
    is_security = any(word.endswith("securitycontext") for word in words)
    return words | {"securitycontext"} if is_security else words


_OF_CONTEXTS = (
    *("sysctls", "procMount", "seccompProfile", "appArmorProfile", "seLinuxOptions"),
    *("windowsOptions", "capabilities", "privileged", "allowPrivilegeEscalation", "hostProcess"),
)
"""What stands in security contexts, and where operators write it beside them."""
_TRUE = (
    *("hostPID", "hostIPC", "hostNetwork", "shareProcessNamespace", "hostUsers", "hostPort"),
    *("nodePort", "externalIPs", "automountServiceAccountToken", "enableInTreeAutoscaling"),
    "manualSelector",
)
"""`enableInTreeAutoscaling` has Ray's operator give the head a service account that may change its
cluster; with `manualSelector` a Job takes over pods of others."""
NODE_SERVICES = frozenset({"nodeport", "loadbalancer"})
"""The types of Services that open a port at each node, in small letters, as some operators take
them."""
_OF_ENDS = ("ownerReferences", "finalizers", "persistentVolumeClaimRetentionPolicy")
"""With whom an object goes, whom it holds from going, who is waited for before it goes, and whose
claims go with it: with them a run and its Secrets stay, and keep or take along those of others."""
_FILLED = ("serviceAccountName", "serviceAccount", "nodeName")
"""Behind a dot a field of the downward API has these names."""
_DEVICES = (
    *("flexVolume", "gitRepo", "iscsi", "fc", "rbd", "scaleIO", "cephfs", "glusterfs"),
    *("quobyte", "flocker", "portworxVolume", "storageos", "photonPersistentDisk", "cinder"),
    *("awsElasticBlockStore", "azureDisk", "gcePersistentDisk", "vsphereVolume"),
)
"""Volumes for which a node runs a program of its own, logs in with a key of its own, or attaches a
device, also one that its cloud finds by an id alone."""
_OPAQUE = (
    *("podSpecPatch", "manifest", "manifestFrom", "podTemplateFile", "podTemplateContainerName"),
    "chartContent",
)
"""What an operator makes pods of, and nobody can look through here."""
_OF_DEPLOYERS = ("customParams", "execNewPod", "tagImages")
"""What OpenShift's deployer does for a DeploymentConfig besides making its pods: it starts an image
with rights of its own, pods for hooks without what was added to the template, and moves tags."""
_REFUSED = (
    *("securityContext", "hostPath", "serviceAccountToken", "podCertificate", "hostDisk"),
    *("hostDevices", "roleRef", *_OPAQUE, *_OF_DEPLOYERS),
)
REFUSED = frozenset(map(flat, _REFUSED))
"""Whatever they hold."""
IF_ANYTHING = frozenset(map(flat, (*_OF_CONTEXTS, *_TRUE, *_OF_ENDS, *_FILLED)))
"""Unless what they hold is empty or false."""
CLAIM = flat("controller-uid")
"""Part of a label by whose value a Job takes over a pod that nothing controls."""
IF_VOLUMES = frozenset(map(flat, _DEVICES))
"""If they hold a mapping or a list."""


def _one_of(words: Iterable[str]) -> str:
    """A pattern of them that gives up at most letters after a look at one."""
    rests = {
        first: "|".join(word[1:] for word in those)
        for first, those in groupby(sorted(words), key=itemgetter(0))
    }
    each = "|".join(f"{first}(?:{rest})" for first, rest in rests.items())
    return rf"(?=[{''.join(rests)}])(?:{each})"


_NO_OTHERS = tuple(
    word
    for word in (*_OF_CONTEXTS, *_TRUE, *_OF_ENDS, *_REFUSED)
    if not word.islower() or word == "privileged"
)
"""Those that stand for nothing else in a text."""
_IN_PATHS = (
    *("sysctls", "capabilities", "finalizers"),
    *(one for one in _DEVICES if not one.islower()),
)
_BELOW_VOLUMES = tuple(word for word in _DEVICES if word.islower())
"""Those that are names of directories, too: in a path they count soon behind `volumes`."""
_SEPARATOR = r"(?:[/.]|\[[\"'])"
WRITTEN = re.compile(
    rf"(?=[/.\[_])(?:{_SEPARATOR}{_one_of((*_NO_OTHERS, *_IN_PATHS))}(?![\w-])"
    rf"|/{_one_of((*_FILLED, 'metadata/annotations'))}(?![\w-])|[._]annotations?\.[a-z])"
    rf"|(?<!\w)(?:{_one_of((*_NO_OTHERS, *_FILLED))}\b[\"']?\s*+[:=]"
    rf"|volumes[/.\[][^\n]{{0,24}}?{_SEPARATOR}{_one_of(_BELOW_VOLUMES)}(?![\w-]))"
    rf"|[tT](?i:ype[\"']?\s*+[:=]\s*+[\"']?(?:{'|'.join(sorted(NODE_SERVICES))})\b)"
)
"""A pod's spec, or a piece of one, written into a text, also as a path."""
