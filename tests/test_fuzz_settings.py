"""Whatever a file of settings says, of the core, of plugins and of what is not installed, it is
read, or refused with what is wrong.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.trial import mapping_of, tried

from launchkit.plugins import Plugins
from launchkit.settings import load_settings

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/launch"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "aws": {
        "environment": {
            "type": "aws",
            "region": "eu-west-1",
            "profile": "p",
            "role_arn": "arn:aws:iam::123456789012:role/launch",
            "endpoint_urls": {"s3": "http://127.0.0.1:1"},
        },
        "registry": {"type": "ecr", "uri": ECR},
        "builder": {"type": "kaniko", "build-context-store": "s3://bucket/x", "destination": ECR},
        "runners": {"sagemaker": {"poll_seconds": 5}},
    },
    "gcp": {
        "environment": {
            "type": "gcp",
            "region": "us-central1",
            "project": "my-project",
            "service-account-file": "key.json",
            "impersonate_service_account": "a@my-project.iam.gserviceaccount.com",
            "endpoint_urls": {"storage": "http://127.0.0.1:1/"},
        },
        "registry": {"type": "gcr", "uri": "us-central1-docker.pkg.dev/my-project/launch/train"},
        "builder": {"type": "docker", "destination": "gcr.io/my-project/train"},
        "runners": {"vertex": {}},
    },
    "azure": {
        "environment": {
            "type": "azure",
            "cloud": "china",
            "tenant_id": "00000000-0000-0000-0000-000000000000",
            "blob_endpoint": "https://127.0.0.1:1",
        },
        "registry": {"type": "acr", "uri": "https://myregistry.azurecr.io/team/launch"},
        "builder": {
            "type": "kaniko",
            "build-context-store": "https://account.blob.core.windows.net/container",
            "build-job-name": "launchkit-build",
            "kaniko-config": {"spec": {"backoffLimit": 1}},
        },
    },
    "docker": {
        "registry": {"type": "oci", "uri": "registry.example/x", "username": "u", "password": "p"},
        "builder": {"type": "docker", "destination": "registry.example/x", "buildkit": True},
        "runners": {
            "local-container": {},
            "local-process": {"keep": True},
            "kubernetes": {"namespace": "n"},
        },
        "policy": {"gpu_slots": ["0"], "env_from_agent": ["A"]},
    },
    "core": {
        "entity": "e",
        "queues": ["q", "r"],
        "max_jobs": -1,
        "verbosity": 1,
        "backend": {"url": "https://queue.example", "token-file": "t"},
        "policy": {"secure_mode": True},
        "secure_mode": False,
        "stopped_run_timeout": 60,
    },
    "unknown": {
        "environment": {"type": "moon", "secret": "x", "deep": [{"a": [None]}]},
        "registry": {"type": "moon", "password": "x"},
        "builder": {"type": "moon", "lander": 1},
        "runners": {"moon": {"a": 1}, "sun": None},
        "backend": "moon://x",
        "policy": {"moons": 3},
    },
}


def reading(name: str, folder: Path) -> Callable[[str], None]:
    plugins, sound = Plugins(environ={}), SETTINGS[name]
    file = folder / "launch-config.yaml"

    def read(text: str) -> None:
        chance = chance_of(text)
        found = mapping_of(text) if len(text) % 9 == 0 else altered(sound, text)
        if chance.random() < 0.2:
            found = {**chance.choice([*SETTINGS.values()]), **found}
        if chance.random() < 0.1:
            places = ("state_dir", "cache_dir")
            found[chance.choice(places)] = chance.choice((f"~{text[:9]}/x", text[:99]))
        file.write_text(json.dumps(found), errors="replace")
        loaded = load_settings(file, environ={}, plugins=plugins, for_agent=chance.random() < 0.9)
        "".join((*loaded.warnings, *loaded.runner_problems.values())).encode()
        loaded.settings.model_dump_json()

    return read


@pytest.mark.parametrize("name", SETTINGS)
def test_fuzz_what_stands_in_settings_is_read_or_refused(name: str, tmp_path: Path) -> None:
    tried(f"settings of {name}", reading(name, tmp_path), share=0.1)
