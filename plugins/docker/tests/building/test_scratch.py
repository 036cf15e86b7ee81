"""The classic builder takes nobody's word for a step that starts from nothing."""

from docker_engine import Engine
from launchkit_docker.builder import DockerBuilder

from launchkit.testing import RecordingOutput

from ..pulled import load
from ..workshop import LABEL, Make


async def test_no_image_that_says_so_is_taken_for_the_first_step_from_scratch(
    builder: DockerBuilder, make: Make, word: str, docker_engine: Engine
) -> None:
    said = {
        "Cmd": ["/bin/sh", "-c", "#(nop) ", f"LABEL {LABEL}={word}"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Labels": {LABEL: word},
    }
    forged = load(docker_engine, f"{word}:1", "amd64", container_config=said)
    built = (await builder.build(make(), RecordingOutput())).ref
    assert not layers(docker_engine, built) & layers(docker_engine, forged)


def layers(engine: Engine, ref: str) -> set[str]:
    answer = engine.http.get(f"/images/{ref}/json").raise_for_status()
    return {*answer.json()["RootFS"]["Layers"]}


async def test_steps_on_a_base_image_are_not_done_again(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    base = (await builder.build(make(), RecordingOutput())).ref
    for step in ("a", "b"):
        request = make()
        (request.code / "Dockerfile").write_text(f"FROM {base}\nENV X=1\nLABEL of={step}\n")
        await builder.build(request, out)
    assert out.text.count(" ---> Using cache\n") == 1
