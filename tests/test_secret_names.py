"""Which names tell of a secret, and which numbers are none."""

import pytest

from launchkit.resolving.secret_values import hidden
from launchkit.secret_names import is_secret, is_secret_name

MACROS = ("author", "entity_name", "image_uri", "project_name", "run_id", "run_name")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADMIN_PASSWORD", "20241117"),
        ("ACCOUNT_TOKEN", "998877665"),
        ("MINIO_SECRET_KEY", "1234"),
        ("MAXIMILIAN_TOKEN", "1234"),
        ("NUMPY_TOKENS", "1234"),
        ("max_tokens", "12345678"),
        ("max_tokens", "hush"),
        ("max_token", "4096"),
        ("max_passwords", "4096"),
        ("max_tokens_password", "4096"),
        ("MAXTOKENS", "4096"),
        ("PASSWORD2", "4096"),
        ("DBPASSWORD", "4096"),
        ("TOKENFILE", "4096"),
        ("TOKENISSUER_X", "hush"),
        ("AUTHORIZATION_HEADER", "hush"),
        ("secret_id", "hush"),
        ("MYSQL_PWD", "hush"),
        ("smtpPass", "hush"),
        ("DB_PASS_1", "hush"),
        ("GITHUB_PAT", "hush"),
        ("SSH_KEY", "hush"),
        ("storage-key", "hush"),
        ("PASSWORT", "hush"),
        ("OPENAI_KEY", "hush"),
        ("COOKIE", "hush"),
        ("datadog.api.key", "hush"),
        ("-Dsecret_id", "hush"),
        ("-DSECRET_ID", "hush"),
        ("-esecretId", "hush"),
    ],
)
def test_when_in_doubt_it_is_a_secret(name: str, value: str) -> None:
    assert is_secret(name, value)
    assert hidden(
        {name: value, "x": [{"name": name, "value": value}], "y": f"a {name}={value}"}
    ) == {
        name: "…",
        "x": [{"name": name, "value": "…"}],
        "y": f"a {name}=…",
    }


@pytest.mark.parametrize(
    "name",
    [
        *(f"{word}${{{macro}}}" for word in ("PASSWORD_", "db-auth-", "pwd.") for macro in MACROS),
        *(f"${{{macro}}}_token" for macro in MACROS),
        *("API_${run_id}_KEY", "secret_{{name}}_id", "PASSWORD_$(NODE_NAME)", "sas-{{user_id}}"),
        *("pwd[name]", "tokens[file]", "password[0].url", "pwd%5Buser_id%5D", "pat[${run_name}]"),
        *("x[a].password[name]", "-DPASSWORD_${run_name}"),
        *("DB_PASSWORD_${retry_count}", "PIN_TOKEN_{{job_version}}", "token[count]"),
    ],
)
def test_no_macro_field_or_index_in_the_name_of_a_secret_makes_it_another(name: str) -> None:
    option = f"--{name.lstrip('-')}"
    given = {
        name: "123456",
        "env": [{"name": name, "value": "123456"}],
        "args": [option, "123456", f"{name}=123456"],
        "setup": f"run {name}=123456",
    }
    assert "123456" not in str(hidden(given))


@pytest.mark.parametrize(
    "name",
    [
        *("max_tokens", "token_count", "num_tokens", "min-token-size", "maxNewTokens"),
        *("password_min_length", "token_ttl", "MAX_TOKENS_PER_BATCH"),
        "max_tokens_${run_id}",
    ],
)
def test_a_small_number_is_no_secret_where_whole_words_call_it_a_measure(name: str) -> None:
    assert is_secret_name(name)
    assert not is_secret(name, "4096")
    kept = {name: 4096, "x": f"--{name} 4096 --{name}=4096 {name}: {{{{size}}}}"}
    assert hidden(kept) == kept


@pytest.mark.parametrize(
    "name",
    [
        *(
            "TOKEN_FILE",
            "password_file",
            "secretName",
            "token-url",
            "ACCESS_KEY_ID",
            "password-env",
        ),
        *("TOKENIZERS_PARALLELISM", "tokenizer", "PWD", "primary_key", "topologyKey", "author"),
        *("pass-through", "author", "compass", "public_key"),
        *("PASSWORD_FILE_${run_id}", "TOKEN_${run_id}_FILE", "env[TOKEN_FILE]", "${token}_path"),
        *("auth.name", "-Dtoken_file"),
    ],
)
def test_what_says_where_a_secret_is_or_is_another_word_is_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "given",
    [
        {"passwords": {"minio": "hush", "admin": "hush", "accounting": "hush", "count": "hush"}},
        {"credentials": {"name": "hush", "key": "hush", "path": "hush", "mode": "hush"}},
        {"secret": {"key": "hush", "name": "hush"}},
        {"api_tokens": [["hush"], {"max": 20241117}]},
        {"x": [{"Key": "db_password", "Value": "hush"}]},
        {"x": [{"key": "db_password", "values": ["hush"]}]},
        {"args": ["--password", "-hush"]},
        {"args": ["--password=", "hush"]},
        {"args": ["--password", "=", "hush"]},
        {"env": [["API_TOKEN", "hush"]]},
        {"params": [{"name": "API_TOKEN", "default": "hush"}]},
        {"params": [{"variable": "API_TOKEN", "value": "hush"}]},
        {"kind": "Secret", "stringData": {"a": "hush"}, "data": {"b": ["hush"]}},
        {"args": ["--use-token", "--api-key", "hush"]},
        {"x": {"token=hush": None}},
        {"x": [{"name": "foo", "key": "password", "value": "hush"}]},
        {"args": ["password", "=", "hush"]},
    ],
)
def test_all_below_a_secret_name_is_hidden(given: dict[str, object]) -> None:
    shown = str(hidden(given))
    assert "hush" not in shown
    assert "20241117" not in shown


def test_how_kubernetes_says_which_secret_is_meant_is_shown() -> None:
    kept = {
        "env": [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "a", "key": "token"}}}],
        "volumes": [{"secret": {"secretName": "a", "items": [{"key": "b", "path": "c"}]}}],
        "imagePullSecrets": [{"name": "a"}],
        "projected": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
        "automountServiceAccountToken": False,
    }
    assert hidden(kept) == kept
