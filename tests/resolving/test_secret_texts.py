"""Secrets within texts, such as commands and addresses."""

from dataclasses import replace

import pytest

from launchkit.model import QueueSpec, Variable
from launchkit.resolving.hidden_words import hidden_words
from launchkit.resolving.known_secrets import (
    queue_mask,
    queue_secrets,
    without_queue_values,
    without_secrets,
)
from launchkit.resolving.secret_places import secrets_in
from launchkit.resolving.secret_values import (
    hidden,
    secret_defaults,
    secret_variables,
)
from launchkit.resolving.templates import fill_template
from launchkit.resolving.written_secrets import secrets_warning

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "hush" * 700


@pytest.mark.parametrize(
    "text",
    [
        f'export SSH_PRIVATE_KEY="{KEY}"; go',
        f"export SSH_PRIVATE_KEY='{KEY}'",
        "export DB_PASSWORD=abcd,hush",
        'go; DB_PASSWORD=abcd"hush"',
        "go; DB_PASSWORD=abcd\\ hush",
        "go; DB_PASSWORD='it'\\''hush'",
        "go; DB_PASSWORD=$(printf hush)",
        "go; DB_PASSWORD=$(cat <(echo a b) ')' hush)",
        'go; X_TOKEN="AA\\"BB hush"',
        'go; X_TOKEN="${A} hush"',
        "go; X_TOKEN='${A} hush'",
        "go; X_TOKEN=${A}hush",
        "go; X_TOKEN=a${A} hush",
        "go; X_TOKEN=`echo hush`",
        "go; X_TOKEN=${X_TOKEN:-hush}",
        "go ${API_TOKEN-hush} x",
        "go ${API_TOKEN-hush-file}",
        "go ${db-password:-hush}",
        'f( "password" , "hush")',
        'f("password", b"hush")',
        "curl -u 'ann':hush h",
        'tcsh -c "setenv API_KEY hush"',
        "cd /x;setenv API_KEY hush",
        "location / {proxy_set_header X-Auth hush;}",
        'x "user ann password hush"',
        "go; X_TOKEN=$'a\\'hush'",
        "go; X_TOKEN+=hush",
        "go; X_TOKEN=<<< hush",
        "[db]\npassword = hush hush",
        "[db]\npassword: ${A} hush",
        "db:\n  password: |\n    hush",
        "x Authorization: hush",
        "curl -H 'X-Api-Key:hush'",
        "curl -H 'Authorization: Bearer a hush'",
        "curl https://h/x?access_token=hush&b",
        '{"password":"hush"}',
        '{"a": {"password": " hush"}}',
        r"""run "{\"password\": \"a hush\"}" """,
        'run [{"name":"DB_PASSWORD","value":"hush"}]',
        "env:\n- name: DB_PASSWORD\n  value: hush",
        'run ["--password","hush"]',
        "run --password -hush",
        "run --password 'a' hush",
        "setenv API_TOKEN hush",
        "aws configure set aws_secret_access_key hush",
        "pip config --user set global.password hush",
        "git config http.extraHeader 'X: hush'",
        "read API_TOKEN <<< hush",
        "machine h login a password hush",
        "PGPASS=hush psql",
        "https://h/?a&sig=hush",
        "x //app:hush@h/x",
        "x http:\\/\\/app:hush@h",
        "x https://robot/ci:hush@h/x",
        "FROM x\nENV API_TOKEN hush",
        "<password>hush</password>",
        "config[api_token]=hush",
        "os.environ['API_TOKEN'] = 'hush'",
        "postgres://app:S3cr'ethush@db/x",
        "postgres://app:S3\"cr'ethush@db/x",
        "postgres://app:a/hush@db/x",
        "postgres://app:a@hush@db/x",
        "postgres://app:a@b/hush@db/x",
        "x=1http://app:hush@db/x",
        "http://h1/x,http://app:hush@h2/x",
        "https://hush:x-oauth-basic@h/x",
        "https://hush:@h/x",
        "https:///app:hush@h/x",
        "https://h/?key=hush",
        "get https://h/?a=b&key=hush x",
        "https://hush@h/x",
    ],
)
def test_no_secret_in_a_text_is_shown_or_kept_quiet(text: str) -> None:
    shown = hidden({"setup": text, "x": ["sh", "-c", text]})
    assert "hush" not in str(shown)
    assert "hush" not in " ".join(hidden_words(["sh", "-c", text]))
    queue = QueueSpec(name="q", resource="local-process", config={"setup": text})
    assert secrets_warning(queue)


@pytest.mark.parametrize(
    "text",
    [
        "export API_TOKEN=${TOKEN}; go",
        'export API_TOKEN="${TOKEN}" && go',
        "go; export API_TOKEN=$TOKEN",
        "curl -H 'Authorization: Bearer ${TOKEN}' https://h",
        "docker -e 'API_TOKEN={{token}}' x",
        "postgres://u:${PW}@h/x",
        "pip install https://h/a@v1 git+ssh://git@h/r",
        "http://h:80/a@b",
        "pull oci://h/app:v1@sha256:ab https://h/@scope/pkg:thing file:///srv/10:20:30/a@b",
        "docker run -v secrets:/run/secrets:ro registry/token-app:v2 auth:latest",
        'go; API_TOKEN="" go',
        "echo $API_TOKEN | docker login --password-stdin host",
        "go --max-tokens 4096 --token-file /run/t -w $PWD",
        "echo $API_TOKEN ${API_TOKEN}",
        "set the token, then go",
        "{password: ${A}, user: ann}",
        '{"password": "${A}", "user": "ann"}',
        '{"a":[{"password":"${A}"}],"user":"ann"}',
        "run '{a: {password: ${A} } }' x",
        '{password="${A}", user="ann"}',
    ],
)
def test_what_is_no_secret_or_comes_from_elsewhere_as_a_whole_is_shown(text: str) -> None:
    assert hidden({"x": [text]}) == {"x": [text]}
    queue = QueueSpec(name="q", resource="local-process", config={"x": text})
    assert secrets_warning(queue) is None


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("export A_TOKEN=hush7; pip install requirements.txt", "hush7"),
        ("A=1 export A_TOKEN=abcd,hush B=c", "abcd,hush"),
        ('{"password": "a hush"}', "a hush"),
        ("curl -H 'X-Api-Key: a hush' x", "a hush"),
        ("postgres://ann:hush%21@db", "hush!"),
        ("x\npassword: a hush\ny", "a hush"),
        ("x A_TOKEN=abcd; B_TOKEN=hush9", "hush9"),
        ("x A_TOKEN=pre{{v}}hush9", "hush9"),
    ],
)
def test_a_secret_in_a_text_is_masked_in_what_is_told_of_it(text: str, secret: str) -> None:
    queue = QueueSpec(name="q", resource="local-process", config={"setup": text})
    told = without_queue_values(f"sh: {secret}: not found in requirements.txt", queue_mask(queue))
    assert told == "sh: …: not found in requirements.txt"


@pytest.mark.parametrize(
    "config",
    [
        {"env": {"API_TOKEN": "{{which}}", "OTHER": "{{which}}-x"}},
        {"env": {"API_TOKEN": "pre-{{ which }}"}},
        {"env": ["API_TOKEN={{which}}"]},
        {"env": [{"name": "API_TOKEN", "value": "{{which}}"}]},
        {"args": ["--token", "{{which}}"]},
        {"passwords": {"a": ["{{which}}"]}},
        {"setup": "export API_TOKEN={{which}}; go"},
        {"setup": "export API_TOKEN='a {{which}}'; go"},
        {"setup": "curl -H 'Authorization: Bearer {{which}}' x"},
        {"x": "postgres://u:{{which}}@h/x"},
        {"x": "https://{{which}}@h/x"},
        {"x": "password: ${A}, {{which}}"},
        {"x": "password: ${A}, b:{{which}}"},
        {"x": "password: ${A}]{{which}}"},
        {"x": "password: ${A}] {{which}}"},
        {"x": 'API_TOKEN="${A}",{{which}} go'},
        {"x": "API_TOKEN='${A}','{{which}}' go"},
        {"x": "API_TOKEN='${A}'}{{which}} go"},
    ],
)
def test_a_variable_that_fills_a_secret_is_one(config: dict[str, object]) -> None:
    variables = {
        "which": Variable(type="string", default="hush-1", enum=("hush-1", "hush-2")),
        "size": Variable(type="string", default="big"),
    }
    config = {**config, "size": "{{size}}"}
    spec = QueueSpec(name="q", resource="local-process", config=config, variables=variables)
    assert secret_variables(secrets_in(config), variables) == {"which"}
    assert secret_defaults(secrets_in(spec.config), spec.variables) == (
        "hush-1",
        "hush-1",
        "hush-2",
    )
    shown = without_secrets(spec)
    assert "hush" not in str(shown)
    assert shown.variables["size"] == variables["size"]
    assert {"hush-1", "hush-2"} <= {*queue_secrets(spec)}
    told = secrets_warning(spec)
    assert told
    assert "default of variable which, choices of variable which: " in told.message
    with pytest.raises(
        Exception, match="must be one of the values that its queue allows"
    ) as failed:
        fill_template(config, variables, {"which": "guess"})
    assert "hush" not in str(failed.value)


def test_a_variable_that_fills_a_measure_is_shown() -> None:
    variables = {"n": Variable(type="integer", default=4096)}
    config = {"args": ["--max-tokens", "{{n}}"], "x": "--max-tokens={{n}}", "max_tokens": "{{n}}"}
    assert not secret_variables(secrets_in(config), variables)


def test_what_a_description_tells_by_a_name_is_hidden() -> None:
    variables = {"size": Variable(type="string", description="as with API_TOKEN=hush")}
    spec = QueueSpec(name="q", resource="docker", config={"x": "{{size}}"}, variables=variables)
    assert without_secrets(spec).variables["size"].description == "as with API_TOKEN=…"


def test_what_a_secret_may_be_is_hidden_with_it() -> None:
    variables = {
        "api_token": Variable(type="string", pattern="hush-[0-9]"),
        "pin_password": Variable(type="integer", minimum=12345, maximum=12345),
    }
    spec = QueueSpec(name="q", resource="docker", variables=variables)
    shown = str(without_secrets(spec))
    assert "hush" not in shown
    assert "12345" not in shown


def test_a_secret_in_a_default_is_hidden_and_known() -> None:
    variables = {"opts": Variable(type="string", default="-e API_TOKEN=hush")}
    spec = QueueSpec(name="q", resource="docker", config={"x": "{{opts}}"}, variables=variables)
    assert without_secrets(spec).variables["opts"].default == "-e API_TOKEN=…"
    assert "hush" in secret_defaults(secrets_in(spec.config), spec.variables)


def test_a_secret_in_a_pattern_is_hidden_and_known() -> None:
    variables = {"opts": Variable(type="string", pattern="fast|API_TOKEN=hush-1")}
    spec = QueueSpec(name="q", resource="docker", config={"x": "{{opts}}"}, variables=variables)
    assert without_secrets(spec).variables["opts"].pattern is None
    assert without_queue_values(
        "must be what the pattern fast|API_TOKEN=hush-1 says", queue_mask(spec)
    ) == ("must be what the pattern fast|API_TOKEN=… says")
    plain = {"opts": Variable(type="string", pattern="fast|slow")}
    assert without_secrets(replace(spec, variables=plain)).variables == plain
