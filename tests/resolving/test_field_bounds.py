from typing import Any

import pytest

from launchkit.errors import Rejected
from launchkit.resolving.templates import fill_template
from launchkit.resolving.variables import parse_variables

MOUNT = "type=bind,source=/data/{{dataset}},target=/data,readonly"


PLACES: list[tuple[str, str, str]] = [
    ("image", "{{dataset}}:tag", "evil.example/miner"),
    ("image", "{{dataset}}:tag", "localhost/miner"),
    ("image", "python-3.12{{dataset}}", "/miner"),
    ("image_uri", "team-{{dataset}}:tag", "evil.example/miner"),
    ("imageUri", "team-{{dataset}}", "a@sha256"),
    ("TrainingImage", "host.example/{{dataset}}:tag", "x@sha256"),
    ("TrainingImage", "{{dataset}}.dkr.ecr.us-east-1.amazonaws.com/x", "evil.example?"),
    ("staging_bucket", "team-{{dataset}}", "evil/x"),
    ("RoleArn", "team-{{dataset}}", "a/b"),
    ("RoleArn", "arn:aws:iam::123456789012:role/{{dataset}}", "admin/x"),
    ("RoleArn", "arn:aws:iam::123456789012:role/{{dataset}}", "x:y"),
    ("service_account", "job-{{dataset}}", "x@evil.example"),
    ("S3OutputPath", "s3://bucket/{{dataset}}", "a?versionId=x"),
    ("S3OutputPath", "s3://bucket-{{dataset}}/x", "evil/"),
    ("KmsKeyId", "team-{{dataset}}", "alias/other"),
    ("image", "{{dataset}}/train:1", "evil.example"),
    ("image", "{{dataset}}/train:1", "localhost"),
    ("image", "local{{dataset}}/train:1", "host"),
    ("image", "{{dataset}}/train:1", "Evil"),
    ("repository", "{{dataset}}/train", "evil.example"),
    ("image", "ghcr.io{{dataset}}/train:1", ".evil.example"),
    ("image", "ghcr.io{{dataset}}:443/train:1", ".evil.example"),
    ("endpoint", "api.example.com{{dataset}}", ".evil.example"),
    ("option", "https://api.example.com{{dataset}}", ".evil.example"),
    ("option", "https://api.example.com{{dataset}}:80/x", "\uff0eevil\u3002example"),
    ("option", "curl 'https://me@api-{{dataset}}/x'", "a.evil.example"),
    ("option", "https://{{dataset}}.a{{dataset}}/x", "b.evil.example"),
    ("reference", "{{dataset}}/train", "evil.example"),
    ("mount", "type=image,source={{dataset}}/train,target=/x", "evil.example"),
    ("mount", "type=image,source={{dataset}},target=/x", "evil.example/train"),
    ("mount", "type=image,source={{dataset}}/train,target=/x", "Evil"),
    ("run", "docker run {{dataset}}/train", "evil.example"),
    ("server", "nfs-{{dataset}}", "a.evil.example"),
    ("targetPortal", "10.0.0.1{{dataset}}", ".2.3"),
    ("targetPortal", "iscsi-{{dataset}}:3260", "a.evil.example"),
    ("hostnames", "a-{{dataset}}", "b.evil.example"),
    ("whatever", "tcp:a-{{dataset}}:80", "b.evil.example"),
    ("server", "10.0.0.{{dataset}}", "5.evil.example"),
    ("server", "db.internal{{dataset}}", "s"),
    ("option", "https://api.example.com{{dataset}}", "munity"),
    ("option", "https://api.example.com{{dataset}}:80/x", "\uff4dunity"),
    ("image", "ghcr.co{{dataset}}/train:1", "m"),
    ("whatever", "a,b-{{dataset}}", "c.other-namespace"),
    ("whatever", "//nfs-{{dataset}}/share", "a.evil.example"),
    ("whatever", "{{dataset}}-a", "evil.example/x"),
    ("whatever", "a-{{dataset}}", "b@evil.example"),
]


@pytest.mark.parametrize(("key", "text", "value"), PLACES)
def test_a_value_names_no_other_place_than_its_field_is_for(
    key: str, text: str, value: str
) -> None:
    variables = parse_variables({"dataset": {"type": "string"}})
    for config in ({key: text}, {"spec": {"pools": [{key: [text]}]}}):
        with pytest.raises(Rejected, match=r"cannot hold|would be (of another reg|a host of)"):
            fill_template(config, variables, {"dataset": value})
    assert fill_template({key: "{{dataset}}"}, variables, {"dataset": value}) == {key: value}


@pytest.mark.parametrize("key", ["image", "RoleArn", "staging_bucket"])
def test_a_value_that_is_one_part_fits_into_a_place(key: str) -> None:
    variables = parse_variables({"dataset": {"type": "string"}})
    filled = fill_template({key: "team-{{dataset}}:1"}, variables, {"dataset": "b-c_1"})
    assert filled == {key: "team-b-c_1:1"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (MOUNT, "../../x"),
        (MOUNT, "a/b"),
        (MOUNT, "a,target=/etc,readonly=false"),
        (MOUNT, "a\nb"),
        ("/data/{{dataset}}:/data:ro", "x:/etc:rw"),
        ("repo/{{dataset}}:1", "evil/image"),
        ("data-{{dataset}}", ".."),
        ("{{dataset}} {{dataset}}", "a b"),
        ("device={{dataset}}", "0,1"),
        ("nofile={{dataset}}", "1024:-1"),
        ("/dev/{{dataset}}", "sda:rwm"),
        ("/run{{dataset}}", ":exec,size=9g"),
        ("data{{dataset}}", ":/data"),
        ("python train.py {{dataset}} --safe", "'"),
        ("train-{{dataset}}", "a --flag"),
        ("train {{dataset}}", "*"),
        ("echo {{dataset}}", ";id"),
        ("echo {{dataset}}", "$(id)"),
        ("echo {{dataset}}", "a\u00a0b"),
        ("echo {{dataset}}", "a\u2028b"),
        ("n-{{dataset}}", "a\x85b"),
        ("n-{{dataset}}", "a\ud800"),
        ("https://host/{{dataset}}", "%2e%2e%2fother"),
        ("https://{{dataset}}.example.com/api", "evil.example#"),
        ("https://{{dataset}}.example.com/api", "me@evil.example/"),
        ("https://{{dataset}}.example.com/api", "evil.example\uff0f"),
        ("https://{{dataset}}.example.com/api", "evil.example\uff03"),
        ("https://{{dataset}}.example.com/api", "evil.\u2100"),
        ("https://example.com/v1/{{dataset}}/readonly", "admin?x"),
        ("pip install {{dataset}}", "-r/etc/shadow"),
        ("{{dataset}} train.py", "-c"),
        ("{{dataset}}=1", "--evil"),
        ('echo "{{dataset}}"', "--evil"),
        ("['python','{{dataset}}']", "--evil"),
        ("[python,{{dataset}}]", "--evil"),
        ("echo \\{{dataset}}", "-e"),
        ("python;{{dataset}}", "-c"),
        ("sh {{dataset}}", "+e"),
        ("curl -d {{dataset}} host", "@.env"),
        ("--data={{dataset}}", "@.env"),
        ("{{dataset}}/train", "~root"),
        ("s-{{dataset}}", "{{dataset}}"),
        ("sh -c {{dataset}}{{dataset}}", "-x"),
        ("select 1 where a={{dataset}} and b=2", "1--"),
        ("/data/{{dataset}}", "\u200b"),
        ("/data/{{dataset}}", "\u2800"),
        ("/data/{{dataset}}", "a\ufe0f"),
        ("/data/{{dataset}}", "a\ufe00"),
        ("team-{{dataset}}", "a\u202eb"),
        ("team-{{dataset}}", "a\u00ad"),
        ("team={{dataset}}", "\u0338x"),
    ],
)
def test_a_value_stays_one_part_of_the_text_around_its_field(text: str, value: str) -> None:
    variables = parse_variables({"dataset": {"type": "string"}})
    with pytest.raises(Rejected, match=r"template variable dataset: .* cannot hold") as error:
        fill_template({"option": text}, variables, {"dataset": value})
    assert "`pattern` or `enum`" in str(error.value.hint)
    for allowed in ({"pattern": r"(.|\n)*"}, {"enum": [value]}):
        variables = parse_variables({"dataset": {"type": "string", **allowed}})
        filled = fill_template({"option": text}, variables, {"dataset": value})
        assert filled == {"option": text.replace("{{dataset}}", value)}


@pytest.mark.parametrize(
    ("text", "values", "what"),
    [
        (MOUNT, {"dataset": ""}, "the directory itself"),
        (MOUNT, {"dataset": "."}, "the directory itself"),
        ("{{dataset}}/x:/data", {"dataset": ""}, "the directory itself"),
        ("/data/.{{dataset}}", {"dataset": "."}, r"a way to '\.\.'"),
        ("/data/{{dataset}}{{more}}", {"dataset": ".", "more": "."}, r"a way to '\.\.'"),
        ("/data/{{dataset}}{{dot}}", {"dataset": ".", "dot": "."}, r"a way to '\.\.'"),
        ("/app --data {{dataset}} --sandbox on", {"dataset": ""}, "an empty part"),
        ("source={{dataset}},target=/x", {"dataset": ""}, "an empty part"),
        ("echo --{{dataset}} x", {"dataset": ""}, "an empty part"),
        ("echo {{dataset}}{{more}} x", {"dataset": "", "more": ""}, "an empty part"),
        ("prefix-{{dataset}}", {"dataset": ""}, "empty beside other text"),
        ("{{dataset}}-suffix", {"dataset": ""}, "empty beside other text"),
        ("{{dataset}}{{also}}", {"dataset": "", "also": "x"}, "empty beside other text"),
        ("registry/a{{dataset}}:1", {"dataset": ""}, "empty beside other text"),
        ("https://api.example.com{{dataset}}", {"dataset": ""}, "empty beside other text"),
        ("echo $HOME{{dataset}}", {"dataset": "_OF"}, "another variable"),
        ("echo $HOME{{more}}{{dataset}}", {"dataset": "2"}, "another variable"),
        ("echo ${{dataset}}", {"dataset": "HOME"}, "another variable"),
        ("echo $(DB_{{dataset}})", {"dataset": "ADMIN"}, "another variable"),
        ("printf a\\{{dataset}}", {"dataset": "n"}, "another character"),
        ("printf a\\x4{{dataset}}", {"dataset": "1"}, "another character"),
        ("curl host/a%2{{dataset}}", {"dataset": "f"}, "another character"),
    ],
)
def test_values_together_stay_within_their_fields(
    text: str, values: dict[str, str], what: str
) -> None:
    variables = parse_variables(
        {
            "dataset": {"type": "string"},
            **({"also": {"type": "string"}} if "also" in values else {}),
            "more": {"type": "string", "default": ""},
            "dot": {"type": "string", "enum": ["."], "default": "."},
        }
    )
    with pytest.raises(Rejected, match=rf"cannot stand in option: it would be {what}"):
        fill_template({"option": text}, variables, values)


@pytest.mark.parametrize(
    ("text", "x", "y", "what"),
    [
        ("PAIR={{x}}{{y}}", "$", "{S}", "a macro"),
        ("{{x}}{S}", "$", "-", "a macro"),
        ("{{x}}{a${b}}", "$", "-", "a macro"),
        ("$${{x}}{{y}}", "{S", "}", "a macro"),
        ("/data/{{x}}{{y}}", ".", ".", r"a way to '\.\.'"),
        ("/data/.{{x}}", ".", "-", r"a way to '\.\.'"),
        ("/data/.{{x}}.", "", "-", r"a way to '\.\.'"),
        ("/data/{{x}}{{y}}", "", "", "the directory itself"),
        ("/data/{{x}}{{y}}", "", ".", "the directory itself"),
        ("echo {{x}}{{y}} on", "", "", "an empty part"),
        ("echo $A{{y}}", "a", "B", "another variable"),
        ("echo {{y}}HOME", "a", "$", "another variable"),
        ("echo {{x}}{{y}}", "$", "HOME", "another variable"),
        ("echo \\{{y}}", "a", "n", "another character"),
    ],
)
def test_values_of_which_each_is_allowed_become_nothing_else_together(
    text: str, x: str, y: str, what: str
) -> None:
    for rule in ({"pattern": ".*"}, {"enum": [x, "a"]}):
        variables = parse_variables({"x": {"type": "string", **rule}})
        variables |= parse_variables({"y": {"type": "string", "pattern": ".*"}})
        config = {"env": [text, "{{x}}", "{{y}}"]}
        with pytest.raises(Rejected, match=rf"cannot stand in env\[0\]: it would be {what}"):
            fill_template(config, variables, {"x": x, "y": y})


@pytest.mark.parametrize("text", ["${DB_{{x}}}", "${{{x}}}", "${{{x}}", "a${b}${DB_{{x}}_{{x}}}"])
@pytest.mark.parametrize("values", [{}, {"x": "ADMIN"}, {"x": "S}"}])
def test_no_field_is_filled_that_is_in_the_name_of_a_macro(
    text: str, values: dict[str, str]
) -> None:
    variables = parse_variables({"x": {"type": "string", "pattern": ".*", "default": "READER"}})
    with pytest.raises(Rejected, match="a: a template field cannot be part of a macro's name"):
        fill_template({"a": text}, variables, values)


def test_what_a_single_value_may_be_is_what_its_owner_says() -> None:
    config = {"a": ["/data/{{x}}", "echo {{x}} on", "${run_id}{{x}}"]}
    variables = parse_variables({"x": {"type": "string", "pattern": "[a-z.]*"}})
    assert fill_template(config, variables, {"x": ""}) == {"a": ["/data/", "echo  on", "${run_id}"]}
    assert fill_template({"a": "/data/{{x}}"}, variables, {"x": ".."}) == {"a": "/data/.."}
    choices = parse_variables({"x": {"type": "string", "enum": ["a-${run_id}", "", "B"]}})
    assert fill_template({"a": "a-{{x}}"}, choices, {"x": ""}) == {"a": "a-"}
    assert fill_template({"a": "echo $A_{{x}}"}, choices, {"x": "B"}) == {"a": "echo $A_B"}
    assert fill_template({"a": "b-{{x}}"}, choices, {"x": "a-${run_id}"}) == {"a": "b-a-${run_id}"}


@pytest.mark.parametrize(
    ("env", "value"),
    [
        ({"DSN": "dbname={{x}}"}, "x host=evil.example"),
        ({"DSN": "dbname={{x}}"}, "a,b"),
        (["DSN=dbname={{x}}"], "x host=evil.example"),
    ],
)
def test_a_variables_value_is_no_entry_of_its_own(env: Any, value: str) -> None:
    variables = parse_variables({"x": {"type": "string"}})
    with pytest.raises(Rejected, match=r"template variable x: .* cannot hold"):
        fill_template({"env": env}, variables, {"x": value})


@pytest.mark.parametrize(
    ("config", "value"),
    [
        ({"args": ["--data={{x}}"]}, "/srv/a"),
        ({"image": "{{x}}:1"}, "team/app"),
        ({"env": ["URL={{x}}"]}, "https://host:1/a?b=c,d e"),
        ({"--env": "URL={{x}}"}, "s3://bucket/a"),
        ({"env": [{"name": "A", "value": "{{x}}"}]}, "a=b, c"),
        ({"name": "run-{{x}}"}, "1.5"),
        ({"name": "run-{{x}}"}, "b-c_d+1"),
        ({"image": "train:v{{x}}"}, "1.2-rc"),
        ({"args": ["--out={{x}}"]}, "model.ckpt"),
        ({"args": ["cp {{x}} {{x}}"]}, "data.d/a.csv"),
        ({"args": ["mail {{x}}"]}, "ann+b@a.example"),
        ({"file": "train_{{x}}.py"}, "a.b"),
        ({"source": "/data/{{x}}"}, "a.b"),
        ({"name": "run{{x}}"}, "-3"),
        ({"args": ["--lr={{x}}"]}, "-3"),
        ({"image": "{{x}}/train:1"}, "team"),
        ({"image": "{{x}}:5000/train:1"}, "registry.example"),
        ({"image": "ghcr.io/{{x}}:1"}, "a.b"),
        ({"image": "{{x}}.dkr.ecr.us-east-1.amazonaws.com/train"}, "1.2"),
        ({"url": "https://{{x}}/api"}, "a.example"),
        ({"url": "https://api.{{x}}/v1"}, "a.example"),
        ({"url": "https://api-{{x}}.example.com/v1"}, "a.b"),
        ({"url": "https://example.com/v{{x}}/y"}, "1.2"),
        ({"path": "s3://team-{{x}}/data"}, "a.b"),
        ({"server": "10.0.0.{{x}}"}, "5"),
        ({"name": "run-{{x}}"}, "a--b"),
        ({"server": "10.{{x}}"}, "0.0.5"),
        ({"server": "db.team-{{x}}"}, "a"),
        ({"name": "exp-1.2-{{x}}"}, "a"),
        ({"image": "team/train:1.2{{x}}"}, "rc"),
    ],
)
def test_a_usual_value_is_taken(config: dict[str, object], value: str) -> None:
    variables = parse_variables({"x": {"type": "string"}})
    filled = fill_template(config, variables, {"x": value})
    assert str(filled) == str(config).replace("{{x}}", value)


def test_a_default_is_what_the_queues_owner_says() -> None:
    variables = parse_variables({"x": {"type": "string", "default": "/a,b"}})
    assert fill_template({"a": "d={{x}}"}, variables, {}) == {"a": "d=/a,b"}
