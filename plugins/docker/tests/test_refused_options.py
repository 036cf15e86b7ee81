"""What is wrong with options of a Docker queue is told with its place, all at once."""

import pytest
from launchkit_docker.options.parsing import parse_options
from launchkit_docker.options.table import REFUSED

from launchkit.errors import Rejected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"memroy": 1},
            "resource_args.memroy: docker run has no option 'memroy'; did you mean 'memory'?",
        ),
        ({"label": {"a": "b"}}, "resource_args.label: mapping values are not supported"),
        ({"memory": True}, "resource_args.memory: needs a value"),
        ({"memory": [1, 2]}, "resource_args.memory: memory can be given only once"),
        ({"m": 1, "memory": 2}, "resource_args.memory: is given a second time: m is the same"),
        ({"volume": ["/a:/b", "a"]}, "resource_args.volume[1]: the path in the container must be"),
        ({"volume": "./a:/b"}, "the source must be an absolute path or the name of a volume"),
        ({"volume": "/a:/b:rx"}, "unknown volume mode 'rx'"),
        ({"volume": [None]}, "resource_args.volume[0]: needs a value"),
        ({"init": "yes"}, "resource_args.init: init is a flag"),
        ({"memory": "lots"}, "resource_args.memory: must be a number of bytes"),
        ({"cpus": "--privileged"}, "resource_args.cpus: must be a number of processors"),
        ({"health-interval": 30}, "must be a time with a unit"),
        ({"no-healthcheck": True, "health-cmd": "x"}, "no-healthcheck excludes"),
        ({"restart": "always"}, "a launch runs once"),
        ({"log-driver": "none"}, "the run's output is always kept"),
        ({"pull": "often"}, "must be one of missing, always, never"),
        ({"ulimit": "nofile=20:10"}, "the soft limit must not be above"),
        ({"ulimit": "files=1"}, "must be NAME=SOFT[:HARD]"),
        ({"cap-add": ["SYS_PTRACE", "s3cr3t"]}, "cap-add[1]: must be a capability of Linux"),
        ({"device": "fuse"}, "must be PATH[:PATH-INSIDE][:rwm]"),
        ({"device-read-bps": "sda:1"}, "must be /dev/…:NUMBER"),
        ({"device-cgroup-rule": "x"}, "must be a rule such as"),
        ({"publish": "70000"}, "a port must be between 1 and 65535"),
        ({"publish": "80-81:90-95"}, "the ranges of ports differ"),
        ({"publish": "80/icmp"}, "the protocol must be tcp, udp or sctp"),
        ({"publish": "published=1"}, "must have target=PORT"),
        ({"dns": "here"}, "must be an IP address"),
        ({"ip": "10.0.0.2"}, "need a network of your own"),
        ({"network": "n", "ip": ["10.0.0.2", "10.0.0.3"]}, "ip can be given only once"),
        ({"network": ["n", "n"]}, "is named twice"),
        ({"network": "name=n,colour=red"}, "unknown or empty field 'colour'"),
        ({"mount": "type=bind,target=/a"}, "the source of a bind mount must be an absolute path"),
        ({"mount": "type=tmpfs"}, "a mount needs a target"),
        ({"mount": "target=/a,bind-recursive=no"}, "bind-recursive must be one of enabled, "),
        ({"mount": "target=/a,colour=red"}, "unknown field 'colour'"),
        ({"mount": "type=tmpfs,target=/a,volume-nocopy"}, "has no VolumeOptions"),
        ({"mount": "type=disk,target=/a"}, "the type of a mount must be one of"),
        ({"gpus": "device=0,count=1"}, "count and device exclude each other"),
        ({"gpus": "some"}, "the number of GPUs must be all, or at least 1"),
        ({"gpus": "device=0,0"}, "a device is named twice"),
        ({"gpus": "device=all"}, "all is no device"),
        ({"gpus": '"device=0,All"'}, "All is no device"),
        ({"gpus": "device=void"}, "void is no device"),
        ({"gpus": "model=x"}, "unknown field 'model'"),
        ({"security-opt": "seccomp=/etc/profile.json"}, "must be its JSON itself"),
        ({"security-opt": "apparmor"}, "must be NAME=value"),
        ({"add-host": "x"}, "must be NAME:ADDRESS"),
        ({"env": [1]}, "resource_args.env[0]: must be NAME=value"),
        *(
            ({key: ["A=b"]}, f"resource_args.{key}: variables are given under '{name}'")
            for key, name in (("-e", "e"), ("--env", "env"), ("ENV", "env"), ("e ", "e"))
        ),
        ({"memory": ""}, "must be a number of bytes"),
        ({"command": "'"}, "No closing quotation"),
        ({"name": "../y"}, "resource_args.name: must be at most 200 letters, digits, dots"),
    ],
)
def test_a_bad_option_is_refused_with_its_place(args: dict[str, object], message: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_options(args)
    assert message in caught.value.message


@pytest.mark.parametrize("option", [*REFUSED, "a", "d", "i"])
def test_a_refused_option_says_why(option: str) -> None:
    with pytest.raises(Rejected, match=f"resource_args.{option}: .* is refused: "):
        parse_options({option: True})


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Rejected) as caught:
        parse_options({"memory": "x", "cpus": "y", "bogus": 1})
    assert [line.split(":")[0] for line in caught.value.message.splitlines()] == [
        "resource_args.memory",
        "resource_args.cpus",
        "resource_args.bogus",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"health-interval": "1" * 1_000_000}, "must be a time with a unit"),
        ({"memory": "9" * 5000}, "must be a number of bytes"),
        ({"cpus": "1e999999"}, "must be a number of processors"),
        ({"cpus": "9" * 1_000_000}, "must be a number of processors"),
        ({"pids-limit": "9" * 1_000_000}, "must be a whole number"),
        ({"volume": "a:" * 500_000}, "must be SOURCE:TARGET[:MODES]"),
        ({"ulimit": "nofile=" + "1" * 1_000_000 + "x"}, "must be NAME=SOFT[:HARD]"),
        ({"publish": "-" * 1_000_000}, "a port must be between 1 and 65535"),
        ({f"{'-' * n}publish": "1-65535" for n in range(400)}, "with it more than 20000 ports"),
        ({"publish": ["1-65535"] * 4}, "publish[0]: with it more than 20000 ports are asked for"),
        ({"p": "1-15000", "expose": "1-15000/udp"}, "expose: with it more than 20000 ports"),
        ({"command": "x" * 1_000_000}, "a line has at most 65536 characters; write a list"),
    ],
    ids=range(12),
)
def test_a_value_without_measure_is_refused_in_few_words(
    args: dict[str, object], message: str
) -> None:
    with pytest.raises(Rejected) as caught:
        parse_options(args)
    assert message in caught.value.message
    assert len(caught.value.message) < 400


def test_of_very_many_unknown_options_the_first_alone_are_compared_with_known_ones() -> None:
    with pytest.raises(Rejected) as caught:
        parse_options({f"memorie{number}": 1 for number in range(500)})
    assert caught.value.message.count("docker run has no option") == 500
    assert caught.value.message.count("did you mean 'memory") == 20
