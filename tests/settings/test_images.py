import pytest

from launchkit.settings.images import image_repository


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
    ],
)
def test_what_is_no_repository_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        image_repository(text)
