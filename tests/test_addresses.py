"""Addresses as they may be shown."""

from pathlib import Path

import pytest

from launchkit.addresses import holds_secret, masked, masked_url, masked_value
from launchkit.code.remotes import check_remote
from launchkit.code.survey import DEFAULT_LIMITS, code_in, survey
from launchkit.errors import ConfigError, Rejected
from launchkit.store.sqlite_file import file_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw@h/db", "postgresql://me@h/db"),
        ("postgresql://me:p@w/x@h:5/db", "postgresql://me@h:5/db"),
        ("postgresql://h/db?user=me&password=pw", "postgresql://h/db?user=me&password=…"),
        ("postgres://h/db?sslpassword=pw&sslmode=on", "postgres://h/db?sslpassword=…&sslmode=on"),
        ("https://me:pw@h/x", "https://…@h/x"),
        ("https://ghp_token@h/x", "https://…@h/x"),
        ("https://h/r.git?access_token=abc", "https://h/r.git?access_token=…"),
        ("https://h/r?tok%65n=abc&x=1", "https://h/r?tok%65n=…&x=1"),
        ("https://h/r?x%3Fy&token%3Dabc&x=1", "https://h/r?x%3Fy&token%3D…&x=1"),
        (
            "https://a/?next=https%3A%2F%2Fb%2F%3Ftoken%3Dpw",
            "https://a/?next=https%3A%2F%2Fb%2F%3Ftoken%3D…",
        ),
        (
            "https://a/?next=b%3Fx%3D1%26access_token%3Dpw&y=2",
            "https://a/?next=b%3Fx%3D1%26access_token%3D…&y=2",
        ),
        ("https://h/r?a=1;api_key=abc#token=d", "https://h/r?a=1;api_key=…#token=…"),
        ("https://h/a@b", "https://h/a@b"),
        ("sqlite://me:pw@h/x", "sqlite://…@h/x"),
        ("sqlite:///x/y.db", "sqlite:///x/y.db"),
        ("s3://bucket/x?X-Amz-Signature=abc", "s3://bucket/x?X-Amz-Signature=…"),
        ("two: https://a:b@c/d and ssh://git@h/r", "two: https://…@c/d and ssh://git@h/r"),
        ("ssh://git:pw@h:22/a", "ssh://git@h:22/a"),
        ("ssh://git:pw@h:22/a@b", "ssh://git@b"),
        ("ssh://ann:p@w/hush@h:22/a", "ssh://ann@h:22/a"),
        ("git+ssh://ann:22@w/hush@h/a", "git+ssh://ann@h/a"),
        ("git@host:path", "git@host:path"),
        ("https://me:pw/x@h/y", "https://…@h/y"),
        ("https://me:pw#x@h", "https://…@h"),
        ("http://ann@corp.com:hun/ter@proxy:3128", "http://…@proxy:3128"),
        ("http://ann@corp.com:3128/a@b", "http://…@corp.com:3128/a@b"),
        ("postgresql://h/d?password=pw;w&x=y", "postgresql://h/d?password=…&x=y"),
        ("https://robot/ci:hush@h/x.git", "https://…@h/x.git"),
        ("https://corp.com/a/ann:/hu@sh/:@h/x", "https://…@h/x"),
        ("https://ann@corp/a:hush@h", "https://…@h"),
        ("https://corp/ann@corp.com:hush@h", "https://…@h"),
        ("https://robot/ci:hush%40h", "https://…%40h"),
        ("ssh://robot/ci:hush@h/x", "ssh://robot/ci@h/x"),
        ("file://robot/ci:hush@h/x", "file://…@h/x"),
        ("oci://robot/ci:hush@h/x:v1@sha256:ab", "oci://…@sha256:ab"),
        ("oci://h/x:v1@sha256:ab,https://a/b:hush@h", "oci://h/x:v1@sha256:ab,https://…@h"),
        ("oci://robot/ci:hush@sha256:5000/x", "oci://…@sha256:5000/x"),
        ("https://ann@corp:/hush@h", "https://…@h"),
        ("https://me:1234/x:@h", "https://me:1234/x:@h"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("http://ci@[::1]:80/a@b", "http://…@[::1]:80/a@b"),
        ("https://ci[bot]:x/hush@h/x", "https://…@h/x"),
        ("https://[x:pw/hush@h/x", "https://…@h/x"),
        ("redis://[x:p@w/hush@h", "redis://…@h"),
        ("https://[bot]:pw/hush@h/x", "https://…@h/x"),
        ("https://[::1]:pw/hush@h/x", "https://…@h/x"),
        ("https://ann@[x:pw/hush@h/x", "https://…@h/x"),
        ("https://ci[bot]@corp.com:hun/ter@h", "https://…@h"),
        ("http://h:80/a@b", "http://h:80/a@b"),
        ("postgresql:/me:pw@h/db", "postgresql:/me@h/db"),
        ("no address", "no address"),
        ("https://a/?next=https://u:pw@h/x", "https://a/?next=https://…@h/x"),
        ("https://a/?next=https://h/?token=pw", "https://a/?next=https://h/?token=…"),
        ('{"a":"https://x/y","b":"http://pw@h/"}', '{"a":"https://x/y","b":"http://…@h/"}'),
        ("http://a:80/,http://u:pw@b;http://pw@c", "http://a:80/,http://…@c"),
        ("http://a/,http://pw@b,ssh://u:pw@c", "http://a/,http://…@b,ssh://u@c"),
        ("postgresql://h/d?password=pw&user=a@b", "postgresql://h/d?password=…&user=a@b"),
        ("https:///u:pw@h", "https:///…@h"),
        ("${SCHEME}://u:pw@h/x?token=pw {{s}}://pw@h", "${SCHEME}://…@h/x?token=… {{s}}://…@h"),
        ("é://u:pw@h ://u:pw@h", "é://…@h ://…@h"),
    ],
)
def test_an_address_is_shown_without_what_proves_who_somebody_is(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("oci://reg.example.com/app:v1@sha256:…", "oci://h:5000/app:v1@sha512:ab"),
        *("https://host:8443/x@y", "https://host/@scope/pkg:thing", "https://host/%40scope/a:b"),
        *("git+https://host/x.git@v1", "git+https://host/x.git@v1:sub", "ssh://git@h/a:b@c"),
        *("s3://b/2026-01-02T10:20:30/x@y", "https://h/10:20/x@y", "https://h/x?at=a:b@c"),
        *("https://h/x#a:b@c", "file:///srv/a:b@c", "sqlite:////srv/a:b@c", "http://[::1]/a:b"),
        *(
            "http://[fe80::1%eth0]:80/a@b",
            "http://[::ffff:10.0.0.1]/a:b@c",
            "ssh://git@[::1]:22/a@b",
        ),
        *("https://a/web/https://h/x@y", '"https://h/x","a":"b@c"', "https://h/x,a:b@c"),
    ],
)
def test_what_an_honest_address_has_in_its_path_is_shown(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("passcode", "cred", "userpass", "kennwort", "sas", "userpw", "dockerconfigjson", "PWD"),
        *("extraheader", "auths", "pats", "cookies", "jwts", "Signature", "AWSAccessKeyId", "key"),
        *("sharedkey", "a[password]", "auth_data", "X-Amz-Signature"),
    ],
)
def test_a_parameter_is_a_secret_if_its_name_is_that_of_one_or_of_a_key(name: str) -> None:
    assert masked(f"https://h/?a=1&{name}=hush#x") == f"https://h/?a=1&{name}=…#x"
    assert masked("https://h/?author=ann&keyboard=us") == "https://h/?author=ann&keyboard=us"


@pytest.mark.parametrize("url", ["https://h/r?access_token=abc", "https://h/r?x=1&private_key=k"])
def test_a_repository_is_not_named_with_a_token(url: str) -> None:
    assert holds_secret(url)
    with pytest.raises(Rejected, match="holds a password or token") as error:
        check_remote(url)
    assert "abc" not in str(error.value)
    assert "=k" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:s3cr3t x@127.0.0.1:1/db", "postgresql://u@127.0.0.1:1/db"),
        ("postgresql:///db?host=h&password=a s3cr3t&x=1", "postgresql:///db?host=h&password=…&x=1"),
        ("sqlite:////home/ann/my queues/q.db", "sqlite:////home/ann/my queues/q.db"),
    ],
)
def test_one_address_is_shown_without_its_password_whatever_spaces_it_has(
    url: str, shown: str
) -> None:
    assert masked_url(url) == shown


@pytest.mark.parametrize("start", ["https:/", "//", "", "https:"])
def test_a_mistyped_address_that_is_taken_for_a_directory_is_told_without_its_password(
    start: str,
) -> None:
    root = Path(f"{start}u:s3cr3t@h.invalid/x")
    with pytest.raises(Rejected, match="does not exist") as caught, code_in(root) as tree:
        survey(tree, DEFAULT_LIMITS)
    assert "s3cr3t" not in caught.value.message


def test_an_address_that_names_no_file_is_told_without_its_password() -> None:
    with pytest.raises(ConfigError) as error:
        file_of("sqlite://me:hush@host/x?password=hush")
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ann:hush@h/x", "…@h/x"),
        ("u:80 x/hush@h", "…@h"),
        ("https://u:80 x/hush@h", "https://…@h"),
        ("postgresql://me:hush@h/db", "postgresql://me@h/db"),
        ("https://ann:h%40:u@sh@h/x", "https://…@h/x"),
        ({"https://u:hush@h": ["https://h?jwt=hush", 5]}, {"https://…@h": ["https://h?jwt=…", 5]}),
        ("h:5000/image:v2@sha256:ab", "h:5000/image:v2@sha256:ab"),
        ("image:v2@sha256:ab", "image:v2@sha256:ab"),
        ("docker pull image:v2@sha256:ab; go", "docker pull image:v2@sha256:ab; go"),
        ("robot:hush@h/image:v2@sha256:ab", "…@h/image:v2@sha256:ab"),
        ("robot/ci:hush@h/x@sha512:ab", "…@h/x@sha512:ab"),
        ("robot:hush@sha256:5000", "…@sha256:5000"),
        ("[x:hush@h/x", "…@h/x"),
        ("[::1]:5000/image@y", "[::1]:5000/image@y"),
        ("git@host:path", "git@host:path"),
        ("registry:5000/x@y", "registry:5000/x@y"),
        ("robot/ci:hush@h/x", "…@h/x"),
        ("ci[bot]:hush@h/x", "…@h/x"),
    ],
)
def test_a_setting_is_shown_without_the_logins_in_it(value: object, shown: object) -> None:
    assert masked_value(value) == shown


@pytest.mark.parametrize(
    "piece",
    [
        *("a=b ", "&token=x", "://", "https://u:p@h/x?token=y ", "a://", "(a://b", "@a://", "?pw="),
        *("https://x?n=https://u@h/?pw=1&", "a://x/y:v@sha256:", "a://x/y:10:20:30@", "//a/"),
    ],
)
def test_all_addresses_of_a_long_text_are_masked_in_linear_time(piece: str) -> None:
    """By steps that grow with the square of the length it would last for hours."""
    for text in (piece * (1_000_000 // len(piece)), "https://" + piece * 100_000):
        masked(text)
        masked_value(text)


@pytest.mark.parametrize("beside", ["&", " https://h/?"])
def test_of_very_many_parameters_all_that_follow_are_hidden(beside: str) -> None:
    names = (f"a{number}" for number in range(100_000))
    shown = masked(f"https://h/?{beside.join(f'{name}=1' for name in names)}&pw=hunter2 the end")
    assert shown.startswith("https://h/?a0=1")
    assert "a99999" not in shown
    assert "hunter2" not in shown
    assert shown.endswith("… the end")
    assert holds_secret(f"https://h/?{'&a=1' * 100_000}")


def test_no_error_holds_an_address_with_a_password() -> None:
    error = ConfigError("no https://ann:hush@h/x?sig=hush", hint="ask postgresql://ann:hush@h/x")
    assert str(error) == error.message == "no https://…@h/x?sig=…"
    assert error.hint == "ask postgresql://ann@h/x"
