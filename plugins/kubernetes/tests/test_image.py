"""The agent's image: small, without rights, and with all that an agent needs."""

from docker_engine import Engine

LARGEST = 90 * 2**20
"""What may be added to a base, which has some 60 MB with Python, git and ssh."""


def output(engine: Engine, image: str, *command: str) -> str:
    """What a command prints in the image, as a container with as few rights as in the chart."""
    config = {
        "Image": image,
        "Cmd": command[1:],
        "Entrypoint": command[:1],
        "HostConfig": {
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "NetworkMode": "none",
            "Tmpfs": {"/tmp": "", "/home/launchkit": "uid=1000"},
        },
    }
    made = engine.http.post("/containers/create", json=config).raise_for_status().json()["Id"]
    try:
        engine.http.post(f"/containers/{made}/start").raise_for_status()
        code = engine.http.post(f"/containers/{made}/wait").json()["StatusCode"]
        params = {"stdout": "1", "stderr": "1"}
        told = engine.http.get(f"/containers/{made}/logs", params=params).text
        assert code == 0, told
        return told
    finally:
        engine.http.delete(f"/containers/{made}", params={"force": "1"})


def test_it_is_small_and_belongs_to_nobody_with_rights(
    node_engine: Engine, agent_images: tuple[str, str]
) -> None:
    image, base = agent_images
    found = node_engine.http.get(f"/images/{image}/json").raise_for_status().json()
    assert found["Config"]["User"] == "1000:1000"
    assert found["Config"]["Entrypoint"] == ["launchkit"]
    added = found["Size"] - node_engine.http.get(f"/images/{base}/json").json()["Size"]
    assert added < LARGEST


def test_it_has_the_plugins_of_a_cluster_and_git(
    node_engine: Engine, agent_images: tuple[str, str]
) -> None:
    image, engine = agent_images[0], node_engine
    assert "uid=1000" in output(engine, image, "id")
    assert "git version" in output(engine, image, "git", "--version")
    code = "import launchkit_kubernetes, launchkit_server, asyncpg, prometheus_client"
    output(engine, image, "python", "-c", code)
    assert "launchkit" in output(engine, image, "launchkit", "--version")
