"""Each way in which a text gives a name a value, with each kind of name and each kind of value."""

from itertools import product

import pytest

from launchkit.model import QueueSpec
from launchkit.resolving.hidden_words import hidden_words
from launchkit.resolving.known_secrets import queue_secrets
from launchkit.resolving.secret_values import hidden
from launchkit.resolving.written_secrets import written_secrets

CANARY = "hush-7-canary"
NAMES = [
    *("password", "pwd", "otp", "jwt", "auth", "cookie", "pat", "sig", "DB_PWD", "dbPwd", "db-pwd"),
    *("db.pwd", "apiKey", "api-key", "API_TOKEN", "client_secret", "PWD_X", "JWT_2", "smtpPass"),
    *("openai.key", "X-Auth", "userpwd", "cookies"),
]
"""Of names such as `pwd` and `auth` the last word tells, of others each."""
VALUES = ["{}", "/run/{}", "'a b {}'", '"it\'s {}"', "${{x}}{}", "a${{x}}/{}", "{{{{x}}}}{}"]
VALUES += ["-{}", "\\{}", "1.{}", ":{}"]

OPTIONS = ["run --§ V", "run --§=V", "run -D§=V", "java -Da.§=V x", "run -e §=V", "run -e§=V"]
OPTIONS += ["run '--§' V", 'run "--§" V', "run --set a.§=V", "run --set-string=a.§=V,b=c"]
OPTIONS += ['["--§", "Q"]', '["--§=Q"]', "['-c', '--§', V]", "- --§\n- V", "run -xar='§=V'"]
PARTS = ["§[a]=V", "§['a'] = V", '§["a"]["b"] = V', "x.§[0]=V", "§.0=V", "§.a=V", "§.a.b: V"]
PARTS += ["§[]=V", "§%5Ba%5D=U", "§[a].b=V"]
SHELLS = ["export §=V", "set § V", "set -x § V", "setenv § V", "${§:-Q}", "§+=V", "x §='a'V"]
SHELLS += ["§=\\\n Q", "$§=V", "$§ = V", "$env:§ = V", "§?=V", "$(§=V run)", "ENV § V", "ARG §=V"]
FILES = ["§: V", "§ : V", "x:\n  §: V", "x:\n  §:\n  - V", "x:\n  §:\n    a: V", "§: |\n  Q"]
FILES += [
    "? §\n: V",
    "[x]\n§ = V",
    "§ V",
    "a b\n§ V\nc d",
    '§ = """\nQ"""',
    "- name: §\n  value: V",
]
FILES += ["proxy_set_header § V;", "x login a § V"]
JSON = ['{"§": "Q"}', '{"§":{"a":"Q"}}', '{"§":["Q"]}', '\\"§\\": \\"Q\\"', '"x": {"§":"Q"}']
MARKUP = ["<§>Q</§>", "<a:§>Q</a:§>", '<a §="Q"/>', '<§ b="c">Q</§>', '<add key="§" value="Q"/>']
MARKUP += ['<entry key="§">Q</entry>', '<property name="§"><value>Q</value></property>']
CODE = ["'§' => 'Q'", "f(§=V)", 'f("§", "Q")', "x['§'] = 'Q'", "§ := V", "§ <- V", "@§=V"]
ADDRESSES = ["https://h/?§=U&a=b", "https://h/?a=b&§=U", "jdbc:x://h?user=a&§=U", "§%3DU"]
SETTINGS = ["Server=h;§=V;", "Server=h; § = V;x", "name=§,value=V", "create role x § V"]
MACROS = ["-D§-${x}=Q", "§_${x}=V", "§_{{x}}: V", "${x}_§=V", "export §_$(x)=V"]
LOGINS = ["Authorization: Bearer Q", "curl -H 'Authorization: Token Q'", "curl -u ann:V h"]
LOGINS += ["curl --user ann:V h", "curl -sSuann:V h", 'curl --proxy-user "ann:Q" h', "Bearer V"]
LOGINS += ['["curl", "-u", "ann:Q"]', "machine h password V"]
SHAPES = [*OPTIONS, *PARTS, *SHELLS, *FILES, *JSON, *MARKUP, *CODE, *ADDRESSES, *SETTINGS, *MACROS]
SHAPES += LOGINS


def texts(shape: str) -> list[str]:
    pairs = product(NAMES if "§" in shape else [""], VALUES)
    given = ((name, value.format(CANARY)) for name, value in pairs)
    return [
        shape.replace("V", "\0").replace("EN\0", "ENV").replace("§", name).replace("\0", value)
        .replace("Q", value.strip("'\"")).replace("U", value.strip("'\"").replace(" ", "%20"))
        for name, value in given
    ]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_value_that_a_text_gives_a_name_of_a_secret_is_hidden_known_and_told(shape: str) -> None:
    for text in texts(shape):
        assert CANARY not in str(hidden({"x": text})), text
        assert CANARY not in " ".join(hidden_words(["sh", "-c", text])), text
        assert written_secrets({"x": text}) == ["x"], text
        known = queue_secrets(QueueSpec(name="q", resource="r", config={"x": text}))
        assert any(CANARY in one for one in known), text


SQL = ["alter role a with § S", "§ S valid until 'x'", "ALTER ROLE a ENCRYPTED §\n  S;", "(§ S)"]
SQL += ['psql -c "alter role a § S"', 'psql -c "§ S"', "a 'b', § S", "a;§ S", "RUN='§ S'"]
SQL += ["create user a § ES", "§ NS", "alter user a § U&S", "§ eS"]


@pytest.mark.parametrize("shape", SQL)
def test_a_password_in_sql_is_hidden_known_and_told_however_it_is_written(shape: str) -> None:
    for name, value in product(["password", "Password", "PASSWORD", "API_TOKEN"], VALUES):
        string = value.format(CANARY).strip("'\"").replace("'", "''")
        text = shape.replace("S", f"'{string}'").replace("§", name)
        assert CANARY not in str(hidden({"x": text})), text
        assert written_secrets({"x": text}) == ["x"], text
        known = queue_secrets(QueueSpec(name="q", resource="r", config={"x": text}))
        assert any(CANARY in one for one in known), text
        assert any(one.startswith(string[:4]) for one in known), text


LISTS = [["--§", "V"], ["-D§", "V"], ["-D§=V"], ["--§-${x}", "V"], ["--§[a]", "V"], ["§[a]=V"]]
LISTS += [["set", "§", "V"], ["setenv", "§", "V"], ["aws", "configure", "set", "--x", "§", "V"]]
LISTS += [["x", "login", "a", "§", "V"], ["§:", "V"], ["§=", "V"], ["--§", "=", "V"]]
LISTS += [["curl", "-u", "ann:V"], ["/bin/curl", "-sSuann:V"], ["curl", "--user=ann:V", "h"]]
LISTS += [["-H", "Authorization:", "Bearer", "V"]]


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_value_that_a_list_gives_a_name_of_a_secret_is_hidden_known_and_told(
    words: list[str],
) -> None:
    for name, value in product(NAMES, (one.format(CANARY) for one in VALUES)):
        given = [one.replace("§", name).replace("V", value) for one in words]
        assert CANARY not in " ".join(hidden_words(given)), given
        assert written_secrets({"x": given}), given
        known = queue_secrets(QueueSpec(name="q", resource="r", config={"x": given}))
        assert any(CANARY in one for one in known), given


KEYS = ["§", "§[a]", "§.a", "§_${x}", "{{x}}-§", "-D§", "--§", "a/§", "app.§"]


@pytest.mark.parametrize("key", KEYS)
def test_a_value_that_a_key_of_a_config_names_is_hidden_known_and_told(key: str) -> None:
    for name, value in product(NAMES, (one.format(CANARY) for one in VALUES)):
        named = key.replace("§", name)
        for given in ({named: value}, {named: {"a": [value]}}, {"header": named, "value": value}):
            assert CANARY not in str(hidden({"x": given})), given
            assert written_secrets({"x": given}), given
            known = queue_secrets(QueueSpec(name="q", resource="r", config={"x": given}))
            assert any(CANARY in one for one in known), given


@pytest.mark.parametrize(
    "text",
    [
        "token_count: 5",
        "max_tokens=5",
        "author: ann",
        "authority = x",
        "tokenizer: gpt2",
        "pattern: a+",
        "significance: 0.05",
        "patch: x",
        "sass: x",
        "path=/x",
        "compass=1 bypass=2",
        "expat-version=2",
        "auth-mode: fast",
        "cookie_name = x",
        "docker run -v $(pwd):/src -w /src image",
        "docker run -v `pwd`:/src $PWD:/x",
        "docker run -e API_TOKEN image:latest -e OTHER",
        "docker run -u app:staff image",
        "docker pull auth.example.com:5000/image:v2",
        "export A=${API_TOKEN:-}; export B=${API_TOKEN:?must be set}",
        'if [ -z "$API_TOKEN" ]; then exit; fi; unset API_TOKEN',
        "curl -u ${U}:${P} --user-agent=a:b h",
        'curl -u "$NAME:$PASS" -H "Authorization: Bearer $TOKEN" h',
        "the token is needed",
        "{{password}}: x ${API_TOKEN}=x",
        "pip install jwt otp",
        "kubectl get secret 'train' -o yaml",
        "vault kv get -field password 'a/b'",
        "cat /run/password 'x' $password 'y'",
    ],
)
def test_usual_words_that_are_no_secrets_are_shown(text: str) -> None:
    assert hidden({"x": text}) == {"x": text}
    assert written_secrets({"x": text}) == []
