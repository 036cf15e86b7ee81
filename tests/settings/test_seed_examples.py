"""Each agent configuration of the requirements loads. `data/seed` has them letter by letter, tabs
and all. A place to be filled in that stands in a key with a form of its own (a number, a kind, an
address) is filled in here, as a reader would.
"""

from pathlib import Path

import pytest
import yaml
from launchkit_aws.ecr import EcrRegistry
from launchkit_azure.acr import AcrRegistry
from launchkit_azure.environment import AzureEnvironment
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.gcr import GcrRegistry
from launchkit_kubernetes.builder import KanikoBuilder
from settings.clouds import cloud_plugins

from launchkit.agent.kit import registry_block
from launchkit.errors import ConfigError
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings, Loaded, load_settings, missing_components

SEED = Path(__file__).parents[1] / "data" / "seed"
FILLED = {
    "<kaniko|docker>": "kaniko",
    "docker | kaniko | noop": "noop",
    "<n concurrent jobs>": "5",
    "<account-id>": "123456789012",
    "<aws-region>": "us-east-1",
    "<gcp-region>": "us-east1",
    "<gcp-project-id>": "my-project",
    "<region>": "us-east1",
    "<your-region>": "us-east-1",
    "<repository-name>": "launch",
    "<project-id>": "my-project",
    "<image-name>": "train",
    "<registry-name>": "myregistry",
    "<storage-account-name>": "myaccount",
    "<container-name>": "contexts",
    "<bucket-name>": "my-bucket",
    "<path>": "contexts",
    "<my-build-context-store>": "s3://my-bucket/contexts",
    "<s3-bucket-uri>": "s3://my-bucket/contexts",
    "<my-image-destination>": "my-registry.example.com/my-repository",
    "<my-registry-uri>": "123456789012.dkr.ecr.us-east-1.amazonaws.com/launch",
    "<ecr-repo-arn>": "arn:aws:ecr:us-east-1:123456789012:repository/launch",
}
AGENT_CONFIGS = sorted(path.name for path in SEED.glob("*.yaml") if path.name != "helm-values.yaml")
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/launch"


def load(name: str, tmp_path: Path, plugins: Plugins | None = None) -> Loaded:
    return load_text((SEED / name).read_text(encoding="utf-8"), tmp_path, plugins)


def load_text(text: str, tmp_path: Path, plugins: Plugins | None = None) -> Loaded:
    for place, value in FILLED.items():
        text = text.replace(place, value)
    path = tmp_path / "launch-config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ={}, plugins=plugins or cloud_plugins())


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("name", AGENT_CONFIGS)
def test_an_example_loads_whether_its_plugins_are_installed_or_not(
    name: str, installed: bool, tmp_path: Path
) -> None:
    plugins = cloud_plugins() if installed else Plugins(entry_points=False)
    loaded = load(name, tmp_path, plugins)
    assert isinstance(loaded.settings, AgentSettings)
    assert any("is not installed" in text for text in loaded.warnings) <= (not installed)


def test_the_helm_values_hold_a_configuration_that_loads(tmp_path: Path) -> None:
    values = yaml.safe_load((SEED / "helm-values.yaml").read_text(encoding="utf-8"))
    settings = load_text(values["launchConfig"], tmp_path).settings
    assert settings.max_jobs == 5
    assert registry_uri(settings) == ECR


def registry_uri(settings: AgentSettings) -> str | None:
    """As the registry itself reads it."""
    assert settings.registry is not None
    return EcrRegistry.configured(settings.registry.options()).uri


def test_an_ecr_destination_without_dkr_is_put_right_with_a_warning(tmp_path: Path) -> None:
    loaded = load("aws.yaml", tmp_path)
    assert loaded.settings.builder is not None
    assert loaded.settings.builder.destination == ECR
    assert f"builder.destination: read as {ECR}" in loaded.warnings[0]


def test_a_registry_may_be_named_by_its_arn(tmp_path: Path) -> None:
    settings = load("sagemaker.yaml", tmp_path).settings
    assert settings.max_jobs == -1
    assert registry_uri(settings) == ECR


def test_gcps_project_and_other_word_for_destination_are_honoured(tmp_path: Path) -> None:
    loaded = load("gcp.yaml", tmp_path)
    settings = loaded.settings
    assert settings.environment is not None
    environment = GcpEnvironment.configured(settings.environment.options())
    assert (environment.region, environment.project) == ("us-east1", "my-project")
    registry = registry_block(settings, cloud_plugins())
    assert registry is not None
    images = GcrRegistry.configured(registry.options())
    assert images.image_ref("v1") == "us-east1-docker.pkg.dev/my-project/launch/train:v1"


def test_azure_needs_no_region_and_makes_the_environment_and_the_registry(tmp_path: Path) -> None:
    settings = load("azure.yaml", tmp_path).settings
    assert settings.environment is not None
    assert settings.environment.options() == {}
    AzureEnvironment.configured(settings.environment.options())
    registry = registry_block(settings, cloud_plugins())
    assert registry is not None
    images = AcrRegistry.configured(registry.options())
    assert images.image_ref("v1") == "myregistry.azurecr.io/launch:v1"


def test_tabs_are_read_as_indentation(tmp_path: Path) -> None:
    loaded = load("eks.yaml", tmp_path)
    assert loaded.settings.queues == ("<queue name>",)
    assert "tabs" in loaded.warnings[0]


def test_the_kaniko_config_reaches_the_builder_whole(tmp_path: Path) -> None:
    builder = load("kaniko-config.yaml", tmp_path).settings.builder
    assert builder is not None
    made = KanikoBuilder.configured(builder.options())
    assert made.build_job_name == "wandb-image-build"
    assert made.kaniko_config == {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            "args": ["--cache=false"],
                            "env": [{"name": "MY_ENV_VAR", "value": "my-env-var-value"}],
                        }
                    ]
                }
            }
        }
    }


@pytest.mark.parametrize("name", ["aws.yaml", "builder-kinds.yaml", "docker-core.yaml", "eks.yaml"])
def test_an_example_that_nobody_filled_in_says_so(name: str) -> None:
    with pytest.raises(ConfigError, match="is still the placeholder"):
        load_settings(SEED / name, environ={})


def test_plugins_that_are_not_installed_are_missing_and_not_wrong(tmp_path: Path) -> None:
    settings = load("eks.yaml", tmp_path).settings
    missing = missing_components(settings, Plugins(entry_points=False))
    assert {(str(error), error.hint) for error in missing} == {
        (f"{what} is not installed", f"it comes with the package {name}: pip install {name}")
        for what, name in {
            "environment 'aws'": "launchkit-aws",
            "registry 'ecr'": "launchkit-aws",
            "builder 'kaniko'": "launchkit-kubernetes",
        }.items()
    }
