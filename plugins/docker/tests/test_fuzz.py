"""Whatever a Docker queue says, it is options, or an error that names what is wrong."""

import json
from contextlib import suppress

import pytest
from fuzzing.trial import LIGHT, Parse, mapping_of, tried
from launchkit_docker.build.trace import read_trace
from launchkit_docker.options.parsing import parse_options
from launchkit_docker.options.table import TABLE

from launchkit.codec import check_depth

SOUND = {
    "options": tuple(
        json.dumps(one)
        for one in (
            {"cpus": 1.5, "memory": "1g", "env": ["A=b"], "gpus": "device=0", "shm-size": "2g"},
            {"mount": "type=bind,source=/a,target=/b,readonly", "volume": ["/a:/b:ro", "v:/c"]},
            {"device": "/dev/a:/dev/b:rwm", "publish": "127.0.0.1:80-90:80-90/udp", "rm": True},
            {"ulimit": "nofile=1024:2048", "tmpfs": "/t:size=1g,mode=1777", "label": ["a=b"]},
            {"health-interval": "1m30s", "log-opt": ["a=b"], "blkio-weight-device": "/dev/a:100"},
        )
    ),
    "values": ("1g", "1m30s", "a=b", "/a:/b:ro", "type=tmpfs,target=/t", "80:80/tcp", "0-3,5"),
    "traces": ("\x0a\x0a\x0a\x03abc\x1a\x03def", "\x1a\x08\x0a\x03abc\x22\x01x", "\x0a\x80\x01"),
}


def options(text: str) -> None:
    check_depth(mapping_of(text))
    parse_options(mapping_of(text))


def values(text: str) -> None:
    name = TABLE[len(text) % len(TABLE)].name
    parse_options({name: text})


def traces(text: str) -> None:
    with suppress(ValueError):  # as it says
        list(read_trace(text.encode("latin-1", errors="replace")))


PARSERS: dict[str, tuple[Parse, float]] = {
    "options": (options, 1),
    "values": (values, LIGHT),
    "traces": (traces, LIGHT),
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_a_docker_queue_says_is_options_or_an_error(name: str) -> None:
    parse, share = PARSERS[name]
    tried(f"Docker's {name}", parse, SOUND[name], share)
