"""Texts that are as they should be, by what reads them."""

import json

DOCUMENTS = (
    "name: q\nresource: noop\nconfig: {a: [1, 2.5, yes, ~, 0x1f], b: '{{x}}'}\n",
    '- &a {k: v}\n- *a\n- <<: *a\n  z: |\n    text\n    more\n---\n{"json": [true, null]}\n',
    "# a comment\nagent:\n\tqueues:\n\t- q\nwhen: 2001-01-01 00:00:00\nn: !!int '3'\nb: {? a}\n",
)
QUEUES = (
    (
        "name: q\nresource: noop\nconfig:\n  a: '{{x}}'\ntemplate_variables:\n  x: {type: integer,"
        " minimum: 1, maximum: 8, default: 2}\nprioritization: true\nmax_concurrent: 3\n"
    ),
    (
        "- {name: a, resource: local-process}\n- {name: b, resource: noop, config: {cpus: '{{c}}'},"
        " template_variables: {c: {schema: {type: string, enum: [a, b]}}}}\n"
    ),
)
IGNORES = ("*.pyc\n/build/\n!keep/[a-z]?.txt\n**/x/**\na/**/b\n# no\n\\#yes\n[[:digit:]]*\n",)
DOCKERIGNORES = ("**/*.pyc\n!a/**/b.txt\n*/temp*\n/x/?[^a-c]\n# no\n**\n", "**.go\na**b**c/\n")
REMOTES = (
    "https://user:word@host.example:8443/a/b.git?x=1#y",
    "git@github.com:a/b.git",
    "ssh://git@host:22/~/a",
    "file:///srv/a.git",
    "https://[::1]/a",
)
IMAGES = (
    "registry.example:5000/a/b-c__d.e:tag-1@sha256:" + 64 * "a",
    "ubuntu",
    "[::1]:5000/a:b",
    "localhost/a@sha512:" + 128 * "0",
)
DATA = tuple(
    json.dumps(one)
    for one in (
        {"a": "x {{one}} y", "cpus": "{{two}}", "deep": [{"b": "{{ one }}", "c": ["${job}", 1]}]},
        {"env": ["A=1", "B"], "mount": "type=bind,source=/data/{{one}},target=/d"},
    )
)
VARIABLES = tuple(
    json.dumps(one)
    for one in (
        {"x": {"type": "integer", "minimum": 1, "maximum": 8, "default": 2}},
        {"x": {"type": "string", "pattern": "[a-z]{1,63}(\\.[a-z]+)*", "max_length": 99}},
        {"x": {"schema": {"type": "number", "enum": [1, 2.5]}, "description": "d"}},
    )
)
SCHEMAS = tuple(
    json.dumps(one)
    for one in (
        {"properties": {"x": {"type": "string", "pattern": "^a+$", "maxLength": 9}}},
        {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"},
        {"anyOf": [{"required": ["x"]}, {"patternProperties": {"a": {}}, "items": False}]},
        {"additionalProperties": False, "properties": {"y": {"type": ["array", "null"]}}},
        {"properties": {"y": {"uniqueItems": True, "contains": {"const": 1}, "minItems": 1}}},
        {"$id": "https://x/y", "if": {}, "then": {"not": {}}, "dependentRequired": {"x": ["z"]}},
    )
)
EXPRESSIONS = (
    "[a-z]{1,63}(\\.[a-z]{1,63})*",
    "(?:a|b|[^c-e\\d])+?x{2,}\\b\\w\\Z",
    "^(a+)+$",
    "(a?){40}a{40}",
    "((a*)*)*b",
)
SIZES = ("512m", "1.5 GiB", "7", "1e3", "0.25T", '{"memory": "1g", "cpus": 2, "env": {"A": "b"}}')
OUTPUT = (
    "\x1b[31;1mred\x1b[0m 10%\r20%\r\x1b[K100%\n\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link\n",
    'Traceback (most recent call last):\r\n  File "x"\n\x9b2Jé\u202e\x1bPq\x1b\\\n',
)
ADDRESSES = (
    "see postgresql://u:word@h/db?sslmode=x&password=y and https://tok@h/p?access_token=z#k=v.",
    "s3://bucket/key sqlite:///x.db?key=1",
    "https://robot/ci:word@h/x oci://h/x:v1@sha256:ab https://h/10:20:30/x@y",
)
MODELS = tuple(
    json.dumps(one)
    for one in (
        {
            "recipe": {
                "source": {"kind": "git", "remote": "https://h/r", "commit": 40 * "a"},
                "entry_point": ["python", "x.py"],
                "runtime": "3.11",
                "input_schema": {"type": "object"},
            },
            "overrides": {"env": {"A": "b", "C": None}, "args": ["a"], "files": {"c.json": {}}},
            "template_variables": {"x": 1},
            "timeouts": {"run": 60, "stop_grace": 1.5},
            "traceparent": f"00-{32 * 'a'}-{16 * 'b'}-01",
        },
        {"recipe": {"source": {"kind": "image", "image": "a"}}, "job": "j:v1", "project": "p"},
        {"name": "q", "resource": "noop", "config": {"a": "{{x}}"}, "variables": {}},
    )
)
LAUNCHES = (
    (
        "project: p\njob: j:v1\nqueue: q\nresource_args: {local-process: {cpus: 1}}\noverrides:\n"
        "  args: [--lr, 0.1]\n  entry_point: python 'a b.py'\n  run_config: {a: 1}\n  env: {A: 1}\n"
    ),
    "git: {repo: 'https://h/r', version: main}\ndocker: {}\npriority: high\nrun_id: x\n",
)
LOGINS = (
    'Bearer realm="https://auth.example/token",service="s",scope="a:b:pull,push", Basic realm="x"',
    '{"token": "abc", "access_token": "d", "expires_in": 300, "issued_at": "2030-01-01T00:00:00Z"}',
)
DOCKERFILES = (
    (
        "# syntax=x\nARG V=1\nFROM --platform=x python:${V:-3} AS base\nCOPY --from=base /a /b\n"
        "RUN --mount=type=cache,from=img,target=/x pip \\\n install\nFROM $V\n"
    ),
)
REQUIREMENTS = (
    "# coding: utf-8\n-r other.txt\n-e .\ngit+https://h/r\nnumpy[x]>=1; os_name<'4' \\\n # c\n",
    (
        '[project]\nname = "a"\ndependencies = ["numpy", "a[x]"]\n[project.optional-dependencies]\n'
        'x = ["b", "a[x]"]\n[tool.poetry.dependencies]\npython = "3"\nt = 2001-01-01T00:00:00Z\n'
    ),
)
TIMES = ("120", "Fri, 31 Dec 2030 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 +2400")
DOCKER_LOGINS = (
    '{"auths": {"h": {"auth": "dTpw"}, "https://h/v1/": {"identitytoken": "x"}}}',
    '{"auths": {"h": {"username": "u", "password": "p"}}, "credHelpers": {"o": "x"}}',
)
