"""Places for images and build contexts, as people write them."""

import re

from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef

ECR_HOST = re.compile(r"\d{12}\.(?P<dkr>dkr\.)?ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
ECR_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):ecr:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):repository/(?P<name>.+)"
)
REPOSITORY = r"^(https://)?(\[[0-9a-fA-F:]+\]|[^:/@<>]+)(:[0-9]+/)?[^:@<>]*$|^arn:aws[a-z-]*:ecr:"
"""What JSON Schema can say of it; `image_repository` looks closer."""
STORE = (
    r"^(s3://[a-z0-9][a-z0-9.-]*|gs://[a-z0-9][a-z0-9._-]*"
    r"|https://[a-z0-9]+\.blob\.core\.windows\.net/[a-z0-9-]+)(/.*)?$"
)


def image_repository(text: str) -> str:
    """The repository that *text* names, without scheme and as registries write it.

    An ECR repository may be given by its ARN; an ECR host without `.dkr.` gets it.

    :raises ValueError: if it names no repository, or a tag.
    """
    plain = _from_arn(text).removeprefix("https://").rstrip("/")
    if "://" in plain:
        raise ValueError("must be host/path of an image repository, without a scheme")
    host, slash, path = plain.partition("/")
    if "@" in plain or ":" in path or (":" in host and not slash):
        raise ValueError("must name a repository, without a tag; launchkit makes the tags")
    plain = _for_host(host, path, plain)
    try:
        ImageRef.parse_repository(plain)
    except Rejected as exc:
        raise ValueError(f"{exc.message}; {exc.hint}") from exc
    return plain


def registry_kind(repository: str) -> str:
    """The kind of registry that a repository of that name is in, as its host tells."""
    host = repository.partition("/")[0]
    if ECR_HOST.fullmatch(host):
        return "ecr"
    if host.endswith(".azurecr.io"):
        return "acr"
    return "gcr" if host.endswith("-docker.pkg.dev") else "oci"


def lacks_dkr(text: str) -> bool:
    """Whether *text* is an ECR repository whose host lacks `.dkr.`, a common slip."""
    match = ECR_HOST.match(text.removeprefix("https://"))
    return match is not None and match["dkr"] is None


def build_context_store(text: str) -> str:
    """*text*, if it names a place in S3, GCS or Azure Blob Storage.

    :raises ValueError: if it does not.
    """
    if not re.search(STORE, text):
        raise ValueError(
            "must be s3://bucket/prefix, gs://bucket/prefix"
            " or https://account.blob.core.windows.net/container/prefix"
        )
    return text


def _from_arn(text: str) -> str:
    arn = ECR_ARN.fullmatch(text)
    if arn is None:
        return text
    ending = ".cn" if arn["partition"] == "aws-cn" else ""
    return f"{arn['account']}.dkr.ecr.{arn['region']}.amazonaws.com{ending}/{arn['name']}"


def _for_host(host: str, path: str, plain: str) -> str:
    """What one cloud's registry wants beside a well-formed name."""
    if host.endswith("-docker.pkg.dev") and path.count("/") < 2:
        raise ValueError("must be REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE")
    if host.endswith(".azurecr.io") and not path:
        raise ValueError("must be REGISTRY.azurecr.io/REPOSITORY")
    if ECR_HOST.fullmatch(host) and not path:
        raise ValueError("must be ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY")
    return plain.replace(".ecr", ".dkr.ecr", 1) if lacks_dkr(plain) else plain
