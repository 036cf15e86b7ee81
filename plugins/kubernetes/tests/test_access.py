"""How a cluster is reached, and a login that expires."""

import json
import os
import re
import shlex
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from encrypted_key import SAID as REFUSED
from encrypted_key import with_pass_phrase
from launchkit_kubernetes.cluster.access import MAX_BYTES
from launchkit_kubernetes.cluster.access import Access as Way
from launchkit_kubernetes.cluster.client import ClusterClient, Request, open_client
from launchkit_kubernetes.cluster.discovery import PODS
from launchkit_kubernetes.cluster.errors import ClusterAway
from launchkit_kubernetes.cluster.findings import RIGHTS
from launchkit_kubernetes.runner import KubernetesRunner
from rights import like_others
from saying import CRUMBS, saying
from waiting import PATIENCE, until

from launchkit.testing import make_submission, site_at, started
from launchkit.testing.recording import RecordingOutput

from .cluster.access import Access
from .cluster.cluster import Cluster


def by_program(cluster: Cluster, user: str, place: Path, first: str = ":") -> Path:
    """A kubeconfig whose token a shell gives, which reads it from a file, and does something else
    before.
    """
    told = place / "credential.json"
    told.write_text(credential(cluster.tokens[user]))
    config = yaml.safe_load(cluster.kubeconfig(user))
    program = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "sh"}
    args = ["-c", f"{first}; cat {shlex.quote(str(told))}"]
    config["users"][0]["user"] = {"exec": {**program, "args": args}}
    path = place / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def credential(token: str) -> str:
    kind = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}
    return json.dumps({**kind, "status": {"token": token}})


async def test_a_token_that_is_no_longer_taken_is_asked_for_again(
    control_plane: Cluster, tmp_path: Path
) -> None:
    user = control_plane.add_user()
    path = by_program(control_plane, user, tmp_path)
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        assert (await client.json("GET", "version"))["major"] == "1"
        control_plane.remove_user(user)
        (tmp_path / "credential.json").write_text(credential(control_plane.tokens["admin"]))
        await until(lambda: control_plane.status_for(user, "/version") == HTTPStatus.UNAUTHORIZED)
        assert (await client.json("GET", "api/v1/namespaces"))["kind"] == "NamespaceList"


async def test_a_program_for_a_login_may_say_much_else(
    control_plane: Cluster, tmp_path: Path
) -> None:
    path = by_program(control_plane, "admin", tmp_path, "head -c 300000 /dev/zero >&2")
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        assert (await client.json("GET", "version"))["major"] == "1"


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("exec sleep 987", "the login that it names took more than 0.3 s"),
        ("exec yes", "said more than"),
        ("echo no luck >&2; exit 3", "returned 3. no luck"),
        ("echo '{'", "no JSON"),
        ("echo {}; exit", "the program speaks"),
    ],
)
async def test_a_program_that_gives_no_login_is_told_in_time(
    control_plane: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    said: str,
) -> None:
    if "sleep" in first:
        monkeypatch.setattr("launchkit_kubernetes.cluster.session.LOGIN_SECONDS", 0.3)
    path = by_program(control_plane, "admin", tmp_path, first)
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        for ask in (answered, watched):
            with pytest.raises(ClusterAway, match=re.escape(said)), anyio.fail_after(PATIENCE):
                await ask(client)


async def answered(client: ClusterClient) -> None:
    await client.json("GET", "version")


async def watched(client: ClusterClient) -> None:
    async with client.request(Request("GET", PODS.path("default"), {"watch": "true"})):
        pass


async def test_who_watches_waits_for_a_login_no_longer_than_for_an_answer(
    control_plane: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.cluster.client.ANSWER_SECONDS", 0.3)
    path = by_program(control_plane, "admin", tmp_path, "exec sleep 987")
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ClusterAway, match="no login within"), anyio.fail_after(PATIENCE):
            await watched(client)


async def test_a_program_for_a_login_ends_with_all_that_it_has_started_when_nobody_waits_for_it(
    control_plane: Cluster, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    first = f"sleep 987 & echo $$ $! >{started}; wait"
    path = by_program(control_plane, "admin", tmp_path, first)
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answered, client)
            await until(lambda: started.exists() and started.read_text().endswith("\n"))
            tasks.cancel_scope.cancel()
        await until(lambda: not any(map(is_alive, started.read_text().split())))


def is_alive(process: str) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_kubeconfigs_and_the_keys_that_they_name_are_known(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    users = [{"user": {"client-key": "ann.key"}}, {"user": {"tokenFile": "/token"}}, "none"]
    one.write_text(yaml.safe_dump({"users": users}))
    other.write_text("users: [")
    absent = tmp_path / "absent"
    way = Way(config_file=os.pathsep.join(map(str, (absent, other, one))))
    assert {*way.secret_files()} == {one, tmp_path / "ann.key", Path("/token"), other, absent}
    assert (
        KubernetesRunner(config_file=str(one)).secret_files()
        == Way(config_file=str(one)).secret_files()
    )


@pytest.mark.parametrize("odd", ["loop", "x" * 300, "closed/one", "pipe", "folder", "large"])
def test_a_kubeconfig_that_cannot_be_read_hides_no_other(tmp_path: Path, odd: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "closed").mkdir(0o000)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("#" * (MAX_BYTES + 1))
    (tmp_path / "one").write_text(yaml.safe_dump({"users": [{"user": {"tokenFile": "/token"}}]}))
    way = Way(config_file=f"{tmp_path / odd}{os.pathsep}{tmp_path / 'one'}")
    with like_others():
        assert {*way.secret_files()} == {tmp_path / odd, tmp_path / "one", Path("/token")}


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none"
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ClusterAway, match="no such kubeconfig") as caught:
            await client.json("GET", "version")
    assert str(path) in str(caught.value)
    assert "KUBECONFIG" in (caught.value.hint or "")


async def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\nusers: []\n")
    access = Way(config_file=str(path), context="nowhere")
    async with open_client(access, 100, 100) as client:
        with pytest.raises(ClusterAway, match="nowhere"):
            await client.json("GET", "version")


async def test_a_launch_waits_for_a_kubeconfig_that_is_not_there_yet(
    control_plane: Cluster, tmp_path: Path
) -> None:
    place, path, out = control_plane.make_namespace(), tmp_path / "kubeconfig", RecordingOutput()
    submission = make_submission("true", image="img:1", resource_args={"namespace": place})
    async with (
        site_at(tmp_path / "site") as site,
        started(KubernetesRunner(config_file=str(path)), site) as runner,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(runner.prepare, submission, out)  # the group ends when it does
        await until(lambda: "no such kubeconfig" in out.text)
        control_plane.write_kubeconfig(path)


@pytest.mark.parametrize(
    ("login", "token", "said"),
    [
        (
            "bob:hunter22@",
            "a-token",
            "has a login in it, beside the token of its user",
        ),
        ("", "a\nb", "control character"),
    ],
)
async def test_a_login_that_no_request_can_have_is_a_finding(
    login: str, token: str, said: str, control_plane: Cluster, tmp_path: Path
) -> None:
    config = yaml.safe_load(control_plane.kubeconfig("admin"))
    cluster = config["clusters"][0]["cluster"]
    cluster["server"] = cluster["server"].replace("://", f"://{login}")
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    async with (
        site_at(tmp_path / "site") as site,
        started(KubernetesRunner(config_file=str(path)), site) as runner,
    ):
        (finding,) = await runner.check()
    assert f"{path}: " in finding.message
    assert re.search(said, finding.message)
    assert "hunter22" not in finding.message
    assert "KUBECONFIG" in str(finding.hint)


SAID = "S3CR3T"
CLUSTER = "{server: 'https://127.0.0.1:1'}"


@pytest.mark.parametrize(
    ("user", "cluster", "said"),
    [
        (f"user: {{token: *{SAID}}}", CLUSTER, "line 5, column .*: found undefined alias$"),
        (f"user: {{token: !{SAID} x}}", CLUSTER, "line 5, .* a constructor for the tag$"),
        (f"user: {{token: !{SAID}'s x}}", CLUSTER, "line 5, .* a constructor for the tag$"),
        (f"user: {{token: !!int {SAID}}}", CLUSTER, "it makes no sense"),
        (f"user: {{token: !!bool {SAID}}}", CLUSTER, "it makes no sense"),
        (f"usr: {{token: {SAID}}}", CLUSTER, "Expected key user in u$"),
        (f"user: {{token: {SAID}}}", f"{{server: 'https://ann:{SAID}\u2100@h'}}", "server"),
        (f"user: {{token: {SAID}}}", "{server: 5}", "AssertionError"),
    ],
)
async def test_no_value_of_a_kubeconfig_that_makes_no_sense_is_told(
    user: str, cluster: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    lines = (
        "kind: Config",
        "current-context: c",
        "contexts: [{name: c, context: {cluster: c, user: u}}]",
        f"clusters: [{{name: c, cluster: {cluster}}}]",
        f"users: [{{name: u, {user}}}]",
    )
    path.write_text("\n".join(lines))
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ClusterAway, match=said) as caught:
            await client.json("GET", "version")
    assert SAID.lower() not in str(caught.value).lower()


async def test_a_key_with_a_pass_phrase_is_told_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    cert, key = with_pass_phrase(tmp_path)
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "a", "user": {"client-certificate": str(cert), "client-key": str(key)}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ClusterAway, match=REFUSED):
            await client.json("GET", "version")


@pytest.mark.parametrize("text", ["", "[", "- 1", "contexts: 7", "current-context: [x]"])
async def test_a_kubeconfig_that_makes_no_sense_is_a_finding(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ClusterAway):
            await client.json("GET", "version")
    async with (
        site_at(tmp_path / "site") as site,
        started(KubernetesRunner(config_file=str(path)), site) as runner,
    ):
        assert runner.default_namespace == "default"
        assert [finding.level for finding in await runner.check()] == ["warning"]


async def test_the_namespace_of_the_context_is_that_of_runs(
    control_plane: Cluster, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig", namespace="team-a")
    assert Way(config_file=str(path)).namespace() == "team-a"


IN_POD = """\
mount -t tmpfs tmpfs /run
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
cp "$ACCOUNT"/* /var/run/secrets/kubernetes.io/serviceaccount
exec "$0" "$@"
"""
"""Where a pod has the files of its service account; nobody else sees them there."""


def account(cluster: Access, user: str, namespace: str, folder: Path) -> Path:
    """The files of a service account."""
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(cluster.tokens[user])
    (folder / "ca.crt").write_text(cluster.authority)
    (folder / "namespace").write_text(namespace)
    return folder


def address(cluster: Access) -> dict[str, str]:
    """The variables by which a pod finds the API."""
    host, _, port = cluster.server.removeprefix("https://").partition(":")
    return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}


def test_an_agent_in_a_pod_uses_its_service_account_and_namespace(
    cluster: Access, namespace: str, busybox: str, tmp_path: Path
) -> None:
    user = cluster.add_user()
    rules: list[Any] = [
        {"apiGroups": [group], "resources": [resource], "verbs": [*verbs]}
        for (group, resource), verbs in RIGHTS.items()
    ]
    cluster.allow(user, *rules, namespace=namespace)
    environ = {
        **{name: value for name, value in os.environ.items() if name != "KUBECONFIG"},
        **address(cluster),
        "ACCOUNT": str(account(cluster, user, namespace, tmp_path / "account")),
        "LAUNCHKIT_BACKEND": f"sqlite:///{tmp_path}/q.db",
        "HOME": str(tmp_path),
    }

    def launchkit(*words: str) -> str:
        """What the program says that runs where a pod would."""
        program = (sys.executable, "-m", "launchkit", *words)
        command = ("unshare", "--mount", "sh", "-ec", IN_POD, *program)
        done = subprocess.run(
            command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    (tmp_path / "q.yaml").write_text(json.dumps(QUIETLY))
    told = launchkit("doctor")
    assert f"the agent has all rights that it needs in namespace {namespace}" in told
    launchkit("queue", "create", "q", "--resource", "kubernetes", "--config", "q.yaml")
    launch = launchkit("launch", "-q", "q", "-d", busybox, "-E", "echo from a pod", "-o", "name")
    launchkit("agent", "-q", "q", "--exit-when-idle")
    assert "from a pod" in launchkit("logs", launch.strip())
    jobs = cluster.request("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
    assert [job["status"].get("succeeded") for job in jobs] == [1]


QUIETLY = {"spec": {"template": {"spec": {"containers": [{"imagePullPolicy": "IfNotPresent"}]}}}}


async def test_the_token_of_a_pod_that_is_no_longer_taken_is_read_again(
    control_plane: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = control_plane.add_user()
    folder = account(control_plane, user, "team-a", tmp_path / "account")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr("launchkit_kubernetes.cluster.access.IN_CLUSTER", folder)
    library = "kubernetes_asyncio.config.incluster_config"
    monkeypatch.setattr(f"{library}.SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(f"{library}.SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
    for name, value in address(control_plane).items():
        monkeypatch.setenv(name, value)
    assert Way().namespace() == "team-a"
    async with open_client(Way(), 100, 100) as client:
        assert (await client.json("GET", "version"))["major"] == "1"
        control_plane.remove_user(user)
        account(control_plane, "admin", "team-a", folder)
        await until(lambda: control_plane.status_for(user, "/version") == HTTPStatus.UNAUTHORIZED)
        assert (await client.json("GET", "api/v1/namespaces"))["kind"] == "NamespaceList"


async def test_a_pod_without_the_files_of_an_account_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr("launchkit_kubernetes.cluster.access.IN_CLUSTER", tmp_path)
    assert Way().namespace() == "default"
    async with open_client(Way(), 100, 100) as client:
        with pytest.raises(ClusterAway, match="the pod's service account"):
            await client.json("GET", "version")


async def test_who_begins_tls_in_very_many_records_in_place_of_a_cluster_is_hung_up_on(
    tmp_path: Path,
) -> None:
    async with saying(CRUMBS) as place:
        cluster = {"server": f"https://{place}", "insecure-skip-tls-verify": True}
        config = {"clusters": [{"name": "c", "cluster": cluster}], "current-context": "c"}
        config |= {"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
        config |= {"users": [{"name": "u", "user": {"token": "t"}}]}
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        way = Way(config_file=str(tmp_path / "kubeconfig"))
        async with open_client(way, 100, 100) as client:
            with pytest.raises(ClusterAway, match="too many TLS records"):
                await answered(client)
