"""Destinations and other places in clouds, read by the plugins that know their forms."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from settings.clouds import cloud_plugins
from wandb_cases import cases

from launchkit.abc import Registry
from launchkit.agent.kit import registry_block
from launchkit.errors import ConfigError
from launchkit.settings import AgentSettings, load_settings

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/repo"
PLUGINS = cloud_plugins()
KINDS = {
    "AzureContainerRegistry": "acr",
    "GoogleArtifactRegistry": "gcr",
    "ElasticContainerRegistry": "ecr",
    "AnonynmousRegistry": "oci",
}
Load = Callable[..., AgentSettings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a builder with these keys."""

    def load(**keys: str) -> AgentSettings:
        path = tmp_path / "c.yaml"
        path.write_text(
            "builder:\n  type: kaniko\n" + "".join(f"  {k}: '{v}'\n" for k, v in keys.items())
        )
        return load_settings(path, environ={}, plugins=PLUGINS).settings

    return load


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("arn:aws:ecr:us-east-1:123456789012:repository/team/repo", ECR),
        (
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/r",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/r",
        ),
        ("123456789012.ecr.us-east-1.amazonaws.com/team/repo", ECR),
        (f"https://{ECR}", ECR),
        ("us-docker.pkg.dev/project/repo/image/sub", "us-docker.pkg.dev/project/repo/image/sub"),
        ("ecr.example.com/r", "ecr.example.com/r"),
    ],
)
def test_a_destination_is_written_as_its_registry_does(
    load: Load, text: str, repository: str
) -> None:
    builder = load(destination=text).builder
    assert builder is not None
    assert builder.destination == repository


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("us-docker.pkg.dev/project/repo", "PROJECT/REPOSITORY/IMAGE"),
        ("reg.azurecr.io", "REGISTRY.azurecr.io/REPOSITORY"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "amazonaws.com/REPOSITORY"),
        ("arn:aws:ecr:us-east-1:123456789012:repository/r:tag", "without a tag"),
    ],
)
def test_what_its_registry_does_not_take_is_refused_with_the_place(
    load: Load, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"c.yaml:3: builder.destination: .*{message}"):
        load(destination=text)


@pytest.mark.parametrize(
    "text",
    ["s3://b", "s3://b/p/q", "gs://b_c/p", "https://acct.blob.core.windows.net/cont/pre"],
)
def test_a_store_for_build_contexts_is_accepted(load: Load, text: str) -> None:
    builder = load(**{"build-context-store": text}).builder
    assert builder is not None
    assert builder.options() == {"build-context-store": text}


@pytest.mark.parametrize(
    "text", ["s3a://b/p", "https://example.com/x", "s3://", "https://acct.blob.core.windows.net/"]
)
def test_another_store_is_refused(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"c.yaml:3: builder.build-context-store: must be s3://"):
        load(**{"build-context-store": text})


@pytest.mark.parametrize("case", cases("registry-from-uri"))
def test_the_kind_of_a_registry_follows_from_its_host(load: Load, case: dict[str, Any]) -> None:
    for uri, name in case["expected"].items():
        block = registry_block(load(destination=uri), PLUGINS)
        assert block is not None
        assert PLUGINS.get(Registry, block.type).kind == KINDS[name]
