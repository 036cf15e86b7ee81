import pytest
from wandb_cases import cases

from launchkit.settings.images import (
    build_context_store,
    image_repository,
    lacks_dkr,
    registry_kind,
)

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/repo"


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("my-registry.example.com/my-repository", "my-registry.example.com/my-repository"),
        ("https://localhost:5000/r/", "localhost:5000/r"),
        ("[::1]:5000/r", "[::1]:5000/r"),
        ("user/repo", "user/repo"),
        ("host_1/team/repo", "host_1/team/repo"),
        ("registry-1.docker.io/user/repo", "registry-1.docker.io/user/repo"),
        ("Host.example.com/r", "Host.example.com/r"),
        ("arn:aws:ecr:us-east-1:123456789012:repository/team/repo", ECR),
        (
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/r",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/r",
        ),
        ("123456789012.ecr.us-east-1.amazonaws.com/team/repo", ECR),
        ("us-docker.pkg.dev/project/repo/image/sub", "us-docker.pkg.dev/project/repo/image/sub"),
    ],
)
def test_a_repository_is_read_in_each_usual_form(text: str, repository: str) -> None:
    assert image_repository(text) == repository


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host.io/repo:tag", "without a tag"),
        ("localhost:5000/repo:tag", "without a tag"),
        ("repo:tag", "without a tag"),
        ("host.io/repo@sha256:abc", "without a tag"),
        ("http://host.io/repo", "without a scheme"),
        ("host.io/Repo", "'Repo' cannot be a part"),
        ("host.io/a//b", "'' cannot be a part"),
        ("", "'' is not the name of a repository"),
        ("a b/c", "no spaces"),
        ("host_1:5000/r", "'host_1:5000' is not the name of a host"),
        ("us-docker.pkg.dev/project/repo", "PROJECT/REPOSITORY/IMAGE"),
        ("reg.azurecr.io", "REGISTRY.azurecr.io/REPOSITORY"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "amazonaws.com/REPOSITORY"),
    ],
)
def test_what_is_no_repository_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        image_repository(text)


def test_only_an_ecr_host_can_lack_dkr() -> None:
    assert lacks_dkr("https://123456789012.ecr.us-east-1.amazonaws.com/r")
    assert not lacks_dkr(ECR)
    assert not lacks_dkr("ecr.example.com/r")


@pytest.mark.parametrize(
    "text",
    ["s3://b", "s3://b/p/q", "gs://b_c/p", "https://acct.blob.core.windows.net/cont/pre"],
)
def test_a_store_for_build_contexts_is_accepted(text: str) -> None:
    assert build_context_store(text) == text


@pytest.mark.parametrize(
    "text", ["s3a://b/p", "https://example.com/x", "s3://", "https://acct.blob.core.windows.net/"]
)
def test_another_store_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be s3://bucket/prefix"):
        build_context_store(text)


KINDS = {
    "AzureContainerRegistry": "acr",
    "GoogleArtifactRegistry": "gcr",
    "ElasticContainerRegistry": "ecr",
    "AnonynmousRegistry": "oci",
}


@pytest.mark.parametrize("case", cases("registry-from-uri"))
def test_the_kind_of_a_registry_follows_from_its_host(case: dict[str, dict[str, str]]) -> None:
    for uri, name in case["expected"].items():
        assert registry_kind(image_repository(uri)) == KINDS[name]
