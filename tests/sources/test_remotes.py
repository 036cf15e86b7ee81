"""Which addresses are git repositories, which of them are accepted, and what a ref means."""

import pytest

from launchkit.addresses import masked
from launchkit.code.remotes import (
    MOST_NAMES,
    check_ref,
    check_remote,
    choose_commit,
    looks_like_git,
    refs_in,
    unknown_ref,
)
from launchkit.errors import Rejected

GOOD = [
    "git@github.com:o/r.git",
    "https://github.com/o/r",
    "https://github.com:8443/o/r.git",
    "https://ada@bitbucket.org/o/r.git",
    "ssh://git@host:2222/o/r.git",
    "ssh://APKAEIBAERJR2EXAMPLE@git-codecommit.us-east-1.amazonaws.com/v1/repos/r",
    "file:///srv/r.git",
    "file:///srv/c%23#?",
    "http://127.0.0.1:8080/r",
    "http://localhost/r",
    "https://robot%2Fci@host/r",
    "https://host/a%3Ab@c",
    "https://host/a:b",
    "https://host/@a/b:c",
    "https://host/2026-01-02T10:20:30/r@x",
    "ssh://git@host/a:b@c",
    "file:///srv/a:b@c",
    "http://[::1]/r",
]

BAD = [
    ("file:///srv/\ud800", "not UTF-8"),
    ("https://host/\udc80", "not UTF-8"),
    ("git@host:\udfff", "not UTF-8"),
    ("ext::sh -c id", "spaces"),
    ("ext::id", "not the address"),
    ("ext::ssh://host/r", "not the address"),
    ("git://host/r", "not supported"),
    ("ftp://host/r", "not supported"),
    ("http://example.com/r", "not supported"),
    ("--upload-pack=touch", "dash"),
    ("https://host/r\n", "control"),
    ("https://host/a b", "spaces"),
    ("https://-oProxyCommand=x/r", "no host"),
    ("ssh:///r", "no host"),
    ("file://elsewhere/r", "three slashes"),
    ("file://localhost/srv/r", "three slashes"),
    ("FILE:///srv/r", "small letters"),
    ("HTTPS://host/r", "small letters"),
    ("file:/srv/r://x", "not the address"),
    ("file:///srv%00/r", "control characters"),
    ("file:///srv%0a/r", "control characters"),
    ("https://host:port/r", "not an address"),
    ("./code", "not the address"),
    ("", "not the address"),
]

LEAKY = [
    "https://ada:pass#word@host/r",
    "https://ada:hunter2@host/r",
    "https://ada:hunter2/x@host/r",
    "https://:hunter2@host/r",
    "https://ghp_hunter2@github.com/o/r",
    "https://gldt-hunter2@gitlab.com/o/r",
    "https://ATCThunter2@bitbucket.org/o/r",
    "https://%67hp_hunter2@github.com/o/r",
    "https://hunter2hunter2hunter2@host/r",
    "https://ada:hunter2 @host/r",
    "https://ada%3Ahunter2@host/r",
    "ssh://ada%3Ahunter2@host/r",
    "https://ada:hunter2%40host/r",
    "ada:hunter2@host:o/r",
    "ext::https://ada:hunter2@host/r",
    "ftp://ada:hunter2@host/r",
    "ssh://git:hunter2@host/r",
    "https://robot/ci:hunter2@host/r",
    "https://corp.com/ann:/hunter2@host/r",
    "https://ada@corp/x:hunter2@host/r",
    "ssh://robot/ci:hunter2@host/r",
    "http://localhost/ci:hunter2@host/r",
    "https://ada@host/r?access_token=hunter2",
    "https://ada:x@host/r#access_token=hunter2",
    "ftp://ada@host/r?private_token=hunter2&a=@b",
    "https://host/a b?token=hunter2",
    "ext::https://ada@host/r?token=hunter2",
]


@pytest.mark.parametrize("remote", GOOD)
def test_addresses_of_repositories_are_accepted(remote: str) -> None:
    assert looks_like_git(remote)
    check_remote(remote)


@pytest.mark.parametrize(("remote", "message"), BAD)
def test_other_addresses_are_refused_with_the_reason(remote: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        check_remote(remote)


@pytest.mark.parametrize("remote", LEAKY)
def test_credentials_in_an_address_are_refused_and_not_repeated(remote: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_remote(remote)
    told = f"{caught.value} {caught.value.hint}"
    assert "hunter2" not in told
    assert "word" not in str(caught.value).replace("password", "")


def test_the_advice_for_credentials_is_a_credential_helper() -> None:
    with pytest.raises(Rejected) as caught:
        check_remote("https://ada:hunter2@host/r")
    assert "credential helper" in str(caught.value.hint)


def test_the_advice_for_a_user_with_a_slash_is_to_write_it_so_that_git_knows_the_host() -> None:
    with pytest.raises(Rejected, match="a user with a slash and a password") as caught:
        check_remote("https://robot/ci:hunter2@host/r")
    assert "write the slash of the user as %2F" in str(caught.value.hint)


@pytest.mark.parametrize("path", [".", "./a", "/srv/code", "a/b@c:d", "train.py", "C:\\x", "a:b"])
def test_a_local_path_is_not_git(path: str) -> None:
    assert not looks_like_git(path)


@pytest.mark.parametrize("uri", ["git://host/r", "http://example.com/r", "ext::id"])
def test_an_address_that_is_refused_is_not_taken_for_a_path(uri: str) -> None:
    assert looks_like_git(uri)


def test_credentials_are_taken_out_of_the_words_of_git() -> None:
    text = "fatal: unable to access 'https://ada:p@ss@host/r': 403"
    assert masked(text) == "fatal: unable to access 'https://…@host/r': 403"


REFS = {
    "HEAD": "c1",
    "refs/heads/main": "c1",
    "refs/heads/v1": "c2",
    "refs/tags/v1": "c3",
    "refs/tags/v2": "t4",
    "refs/tags/v2^{}": "c4",
    "refs/pull/7/head": "c7",
}


@pytest.mark.parametrize(
    ("ref", "commit"),
    [
        (None, "c1"),
        ("HEAD", "c1"),
        ("main", "c1"),
        ("v1", "c2"),
        ("refs/tags/v1", "c3"),
        ("v2", "c4"),
        ("refs/pull/7/head", "c7"),
        ("pull/7/head", None),
        ("none", None),
    ],
)
def test_a_ref_means_the_branch_then_the_tag_of_that_name(ref, commit) -> None:
    assert choose_commit(REFS, ref) == commit


@pytest.mark.parametrize(
    ("ref", "hint"),
    [("mian", "did you mean 'main'?"), ("abc1234", "full id"), ("zzz", "branches are: main, v1")],
)
def test_an_unknown_ref_is_answered_with_what_there_is(ref: str, hint: str) -> None:
    assert hint in str(unknown_ref(REFS, ref, "https://host/r").hint)


@pytest.mark.parametrize("ref", ["--help", "a b", "a..b", "a:b", "", "+a:b", "/a", "a\n", "x@{1}"])
def test_a_ref_that_git_would_read_as_something_else_is_refused(ref: str) -> None:
    with pytest.raises(Rejected, match="no branch, tag or commit"):
        check_ref(ref)


def test_of_very_many_names_the_one_that_is_asked_for_is_known() -> None:
    lines = [f"{'a' * 40}\trefs/heads/{n:06}" for n in range(3 * MOST_NAMES)]
    said = "\n".join([*lines, f"{'b' * 40}\trefs/tags/v1", f"{'c' * 40}\trefs/tags/v1^{{}}", ""])
    refs = refs_in(said, "v1")
    assert choose_commit(refs, "v1") == "c" * 40
    assert len(refs) < len(lines)
    assert choose_commit(refs_in(f"{'d' * 40}\tHEAD\n{said}", None), None) == "d" * 40
    assert unknown_ref(refs, "000003x", "r").hint == "did you mean '000003'?"
