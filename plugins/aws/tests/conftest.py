"""What all tests of the plugin share: moto's server, and an environment that asks it."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from launchkit_aws.environment import AwsEnvironment
from surroundings import _own_home, anyio_backend, docker_engine, python_image
from waiting import PATIENCE

from launchkit.testing import RegistryServer, registry_server, site_at, started

from .ecr_server import USER, EcrApi
from .fake_iam import Allowed, FakeIam, anything

__all__ = ["_own_home", "anyio_backend", "docker_engine", "python_image"]

REGION = "eu-west-1"
Environments = Callable[..., AbstractAsyncContextManager[AwsEnvironment]]


def pytest_configure(config: pytest.Config) -> None:
    """What the libraries of AWS, and of its stand-in, warn of."""
    for text in ("ignore:datetime.datetime.utc:DeprecationWarning",):
        config.addinivalue_line("filterwarnings", text)


@pytest.fixture(scope="session")
def _moto_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(_moto_server: str) -> str:
    """The URL of moto's server, which holds nothing."""
    httpx.post(f"{_moto_server}/moto-api/reset", timeout=PATIENCE).raise_for_status()
    return _moto_server


@pytest.fixture(autouse=True)
def _own_aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads the developer's credentials, or asks the machine's metadata address; there
    are credentials that moto takes.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ann")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def environments(moto: str, tmp_path: Path) -> Environments:
    """Starts an environment whose services all are moto's, but for those that *endpoint_urls*
    names, and IAM, which *allowed* decides; other keywords are its settings.
    """

    @asynccontextmanager
    async def environment(
        endpoint_urls: dict[str, str] | None = None, allowed: Allowed = anything, **settings: Any
    ) -> AsyncIterator[AwsEnvironment]:
        services = ("s3", "sts", "ecr", "logs", "sagemaker", "ec2", "kms")
        async with FakeIam(allowed).serving() as iam:
            urls = dict.fromkeys(services, moto) | {"iam": iam} | (endpoint_urls or {})
            made = AwsEnvironment(**{"region": REGION, "endpoint_urls": urls} | settings)
            async with site_at(tmp_path / "site") as site, started(made, site):
                yield made

    return environment


@pytest.fixture
async def aws(environments: Environments) -> AsyncIterator[AwsEnvironment]:
    """A started environment, with moto behind it."""
    async with environments() as environment:
        yield environment


@pytest.fixture(scope="session")
def _ecr_registry(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RegistryServer, Path]]:
    folder = tmp_path_factory.mktemp("ecr")
    with registry_server(folder, login=(USER, "first")) as server:
        yield server, folder / "htpasswd"


@pytest.fixture
def ecr_api(_ecr_registry: tuple[RegistryServer, Path]) -> EcrApi:
    """What is asked of ECR, with a registry of images behind it."""
    server, htpasswd = _ecr_registry
    api = EcrApi(server, htpasswd, "first")
    api.change(uuid4().hex)
    return api
