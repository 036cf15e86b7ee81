"""The names of images: which are names, what they mean, and how they are written again."""

from contextlib import suppress
from pathlib import Path

import pytest
from docker_engine import Engine
from hypothesis import given
from hypothesis import strategies as st

from launchkit.errors import Rejected
from launchkit.images.ref import LONGEST_SHOWN, ImageRef

SHA = f"sha256:{'0123456789abcdef' * 4}"
SHA512 = f"sha512:{'a' * 128}"

NAMES = [
    ("python", "docker.io", "library/python", None, None),
    ("python:3.12-slim", "docker.io", "library/python", "3.12-slim", None),
    ("alice/train", "docker.io", "alice/train", None, None),
    ("docker.io/python", "docker.io", "library/python", None, None),
    ("docker.io/library/python", "docker.io", "library/python", None, None),
    ("index.docker.io/alice/train:v1", "docker.io", "alice/train", "v1", None),
    ("registry-1.docker.io/a/b", "docker.io", "a/b", None, None),
    ("Docker.io/x", "docker.io", "library/x", None, None),
    ("docker.io:443/x", "docker.io:443", "x", None, None),
    ("host_1/x/y", "docker.io", "host_1/x/y", None, None),
    ("a.b", "docker.io", "library/a.b", None, None),
    ("a.b:5000", "docker.io", "library/a.b", "5000", None),
    ("localhost/x", "localhost", "x", None, None),
    ("localhost:5000/x:v1", "localhost:5000", "x", "v1", None),
    ("box:5000/x", "box:5000", "x", None, None),
    ("Box/x", "Box", "x", None, None),
    ("Registry.Example.com/t/i:V1.0_x-y", "Registry.Example.com", "t/i", "V1.0_x-y", None),
    ("10.0.0.1/x", "10.0.0.1", "x", None, None),
    ("[::1]:5000/x/y", "[::1]:5000", "x/y", None, None),
    ("[fd00::12]/x", "[fd00::12]", "x", None, None),
    ("a__b.c--d_e", "docker.io", "library/a__b.c--d_e", None, None),
    (f"r.example.com/x:v1@{SHA}", "r.example.com", "x", "v1", SHA),
    (f"r.example.com:443/a/b/c@{SHA}", "r.example.com:443", "a/b/c", None, SHA),
    (f"x@{SHA512}", "docker.io", "library/x", None, SHA512),
    ("a" * 64, "docker.io", f"library/{'a' * 64}", None, None),
    (f"r.io/{'a' * 255}", "r.io", "a" * 255, None, None),
    (f"r.io/x:{'t' * 128}", "r.io", "x", "t" * 128, None),
]
"""A text, and the host, path, tag and digest that it means."""

NO_NAMES = [
    ("", "'' cannot be a part", "write it as"),
    ("ubuntu:22.04 # comment", "a space", "no spaces"),
    ("ubuntu\n", "line break", "no spaces"),
    ("Ubuntu:22.04", "'Ubuntu' cannot be a part", "lower case"),
    ("r.io/Owner/image", "'Owner' cannot be a part", "lower case"),
    ("x@sha256:12", "not a digest", "64 hex digits"),
    (f"x@{SHA.upper()}", "not a digest", "64 hex digits"),
    (f"x@{SHA}0", "not a digest", "64 hex digits"),
    (f"x@sha1:{'a' * 40}", "not a digest", "64 hex digits"),
    ("alice:pw@r.io/x", "there is a login in it", "write it as"),
    ("x@", "not a digest", "64 hex digits"),
    ("x:", "'' cannot be a tag", "write it as"),
    ("x:-", "'-' cannot be a tag", "write it as"),
    (f"x:{'t' * 129}", "cannot be a tag", "write it as"),
    ("r.io/", "'' cannot be a part", "write it as"),
    ("a//b", "'' cannot be a part", "write it as"),
    ("r.io/../x", "'..' cannot be a part", "write it as"),
    ("a___b", "'a___b' cannot be a part", "write it as"),
    ("-a", "'-a' cannot be a part", "write it as"),
    ("café/x", "'café' cannot be a part", "write it as"),
    ("r_.io:1/x", "'r_.io:1' is not the name of a host", "write it as"),
    ("host_1:5000/x", "is not the name of a host", "write it as"),
    ("r..io/x", "is not the name of a host", "write it as"),
    ("r.io./x", "is not the name of a host", "write it as"),
    ("r.io:/x", "is not the name of a host", "write it as"),
    ("r.io:999999/x", "is not the name of a host", "write it as"),
    ("[zz]/x", "cannot be a part", "write it as"),
    ("[::zz]/x", "is not the name of a host", "write it as"),
    ("https://r.io/a", "'https:' is not the name of a host", "write it as"),
    (f"r.io/{'a' * 256}", "more than 255 characters", "write it as"),
    (f"{'a.' * 150}io/x", "is not the name of a host", "write it as"),
    ("a/" * 1000, "it has 2000 characters", "write it as"),
]
"""A text, why it is no name, and what is advised."""


@pytest.mark.parametrize(("text", "host", "path", "tag", "digest"), NAMES)
def test_a_name_means_what_it_means_to_docker(
    text: str, host: str, path: str, tag: str | None, digest: str | None
) -> None:
    ref = ImageRef.parse(text)
    assert ref == ImageRef(host=host, path=path, tag=tag, digest=digest)
    assert ImageRef.parse(str(ref)) == ref
    assert ImageRef.parse(ref.familiar) == ref


@pytest.mark.parametrize(("text", "why", "advice"), NO_NAMES)
def test_what_is_no_name_is_refused_with_advice_that_fits(text: str, why: str, advice: str) -> None:
    with pytest.raises(Rejected, match=why) as caught:
        ImageRef.parse(text)
    assert "is not the name of an image: " in caught.value.message
    assert len(caught.value.message) < 3 * LONGEST_SHOWN
    assert advice in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "alice:hunter2@r.io/x",
        "alice:hunter2@r.io:5000",
        "alice:hunter2/3@r.io/x",
        "https://alice:hunter2@r.io/x",
        "alice:hunter2@shack.io/x",
        "alice:hunter2@sha256:5000/x",
        f"alice:hunter2@r.io/x@{SHA}",
        f"https://alice:hunter2@r.io/x@{SHA}",
        "alice:hunter2@r.io/x y",
        f"alice:hunter2@r.io/{'x' * 900}",
    ],
)
def test_a_password_that_was_put_into_a_name_is_not_shown(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        ImageRef.parse(text)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "alice" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "whole", "familiar"),
    [
        ("python", "docker.io/library/python", "python"),
        ("index.docker.io/a/b:1", "docker.io/a/b:1", "a/b:1"),
        ("r.io/x", "r.io/x", "r.io/x"),
        (f"R.io/x:1@{SHA}", f"R.io/x:1@{SHA}", f"R.io/x:1@{SHA}"),
    ],
)
def test_a_name_is_written_whole_or_as_docker_shows_it(
    text: str, whole: str, familiar: str
) -> None:
    ref = ImageRef.parse(text)
    assert (str(ref), ref.familiar) == (whole, familiar)


def test_a_name_leads_to_others_of_its_repository() -> None:
    ref = ImageRef.parse(f"R.io/x:1@{SHA}")
    assert str(ref.tagged("2")) == "R.io/x:2"
    assert str(ref.tagged("2").pinned(SHA)) == f"R.io/x@{SHA}"
    assert (ref.repository, ref.registry) == ("R.io/x", "r.io")
    versions = [each.version for each in (ref, ref.tagged("2"), ImageRef.parse("x"))]
    assert versions == [SHA, "2", "latest"]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"host": "r.io", "path": "../x"}, "cannot be a part"),
        ({"host": "r.io", "path": "x", "digest": "latest\r\n"}, "not a digest"),
        ({"host": "box", "path": "x"}, "takes box/x for another"),
        ({"host": "index.docker.io", "path": "a/b"}, "for another"),
        ({"host": "docker.io", "path": "x"}, "for another"),
    ],
)
def test_no_name_can_be_put_together_that_does_not_mean_what_it_says(
    parts: dict[str, str], why: str
) -> None:
    with pytest.raises(Rejected, match=why):
        ImageRef(**parts)


def test_a_repository_has_neither_tag_nor_digest() -> None:
    assert ImageRef.parse_repository("r.io/a/b").path == "a/b"
    for text in ("r.io/a/b:1", f"r.io/a/b@{SHA}"):
        with pytest.raises(
            Rejected, match="is not the name of a repository: it names one image"
        ) as caught:
            ImageRef.parse_repository(text)
        assert "leave out" in (caught.value.hint or "")


@given(st.text(alphabet="aB0._-:/@[]# \n", max_size=60))
def test_whatever_is_a_name_is_read_back_from_what_is_written(text: str) -> None:
    with suppress(Rejected):
        ref = ImageRef.parse(text)
        assert ImageRef.parse(str(ref)) == ref == ImageRef.parse(ref.familiar)


NEWEST = {"[::1]:5000/x/y", "[fd00::12]/x", "Box/x", "a" * 64, f"r.io/{'a' * 255}"}
"""What older Engines refuse, or take for an image's id."""
NO_PORT = "r.io:999999/x"
"""What Engines take for a name, and then cannot reach."""


def test_an_engine_takes_the_same_names(docker_engine: Engine, tmp_path: Path) -> None:
    with docker_engine.busybox(tmp_path) as image:

        def takes(text: str) -> bool:
            repository, colon, tag = text.rpartition(":")
            if not colon or "/" in tag:
                repository, tag = text, "t"
            named = {"repo": repository, "tag": tag}
            if docker_engine.http.post(f"/images/{image}/tag", params=named).is_error:
                return False
            docker_engine.remove(f"{repository}:{tag}")
            return True

        names = [text for text, *_ in NAMES if "@" not in text and text not in NEWEST]
        others = [text for text, *_ in NO_NAMES if text != NO_PORT and not text.endswith(":")]
        assert [text for text in names if not takes(text)] == []
        assert [text for text in others if takes(text)] == []
