"""Whatever a receiver of webhooks answers is an answer that can be stored, and whatever stands in
the service's own settings is read or refused.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, mapping_of, tried
from launchkit_server.config import NAMES, PREFIX, load_config
from launchkit_server.door import door_of
from launchkit_server.postman import Postman

from launchkit.model import Secret
from launchkit.store.deliveries import Letter

KEY = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SETTINGS = {
    "host": "127.0.0.1",
    "port": 8700,
    "data": "/tmp/x",
    "database": "sqlite:///x.db",
    "lease": 60,
    "tls-cert": "cert.pem",
    "tls-key": "key.pem",
    "trusted-proxies": "10.0.0.0/8, 127.0.0.1",
    "root-path": "/launchkit",
    "requests-per-second": 5.5,
    "blobs": "s3://bucket/x",
    "unused-seconds": 86400,
    "max-archive": 100,
    "oidc-issuer": "https://id.example",
    "oidc-client-id": "x",
    "oidc-adds-people": True,
}


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as server:
        yield server


def test_fuzz_what_a_receiver_answers_can_be_stored(server: Answering) -> None:
    postman = Postman()
    letter = Letter(id="msg_1", url=f"{server.url}/x", secret=KEY, body="{}")

    def read(text: str) -> None:
        server.answer(text, text.encode(errors="surrogatepass"), ("Location", "Content-Type"))
        answer = runner.run(postman.send(letter, "e"))
        if "\0" in answer.text or len(answer.text.encode()) > 2000:
            raise ValueError(answer.text)

    with asyncio.Runner() as runner:
        tried("answers to webhooks", read, share=HEAVY)


def test_fuzz_what_stands_in_the_services_settings_is_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "server.yaml"

    def read(text: str) -> None:
        chance = chance_of(text)
        found = mapping_of(text) if len(text) % 9 == 0 else altered(SETTINGS, text)
        file.write_text(json.dumps(found), errors="replace")
        name = PREFIX + chance.choice(NAMES).upper()
        environ = {name: text.replace("\0", "")} if chance.random() < 0.3 else {}
        door_of(load_config({}, file, environ))

    tried("settings of the service", read, share=0.2)
