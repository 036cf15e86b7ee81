from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from settings.clouds import AzureMl, cloud_plugins
from wandb_cases import cases

from launchkit.abc import Builder
from launchkit.builtin.noop import NoopBuilder
from launchkit.errors import ConfigError
from launchkit.plugins import Plugins
from launchkit.resolving.environment import workload_env
from launchkit.settings import Loaded, load_settings
from launchkit.settings.components import runner_settings
from launchkit.settings.places import config_files, default_backend
from launchkit.supervision.processes import TAG
from launchkit.testing.makers import make_launch

Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a configuration that is given as text or as data."""

    def load(config: str | Mapping[str, object], **rest: Any) -> Loaded:
        path = tmp_path / "launch-config.yaml"
        path.write_text(config if isinstance(config, str) else yaml.safe_dump(dict(config)))
        return load_settings(path, **{"plugins": cloud_plugins(), **rest})

    return load


@pytest.mark.parametrize("case", cases("cfg-"))
def test_a_configuration_is_judged_as_wandb_judges_it(load: Load, case: dict[str, Any]) -> None:
    config, expected = case["input"]["config"], case["expected"]
    if case["stance"] == "improve" or expected["valid"]:
        load(config)
        return
    with pytest.raises(ConfigError) as caught:
        load(config)
    for field in expected["error_fields"]:
        assert f": {field}: " in str(caught.value)


@pytest.mark.parametrize("case", cases("max-jobs"))
def test_max_jobs_is_read_as_wandb_reads_it(load: Load, case: dict[str, Any]) -> None:
    config = {"max_jobs": case["input"]["max_jobs"], "max_schedulers": case["input"]["max_jobs"]}
    if isinstance(case["expected"], dict):
        with pytest.raises(ConfigError, match="max_jobs: must be a whole number, or -1"):
            load(config)
    else:
        settings = load(config).settings
        assert settings.max_jobs == settings.max_schedulers == case["expected"]


@pytest.mark.parametrize("case", cases("dest-uri"))
def test_a_destination_is_normalised_as_wandb_does(load: Load, case: dict[str, Any]) -> None:
    destination = case["input"]["destination"]
    builder = load({"builder": {"type": "docker", "destination": destination}}).settings.builder
    assert builder is not None
    assert builder.destination == case["expected"].get("normalized", destination)


@pytest.mark.parametrize("case", cases("resolve-env-over-file"))
def test_the_environment_wins_over_the_file(load: Load, case: dict[str, Any]) -> None:
    settings = load(case["input"]["file"], environ=case["input"]["env"]).settings
    expected = case["expected"]
    assert (settings.max_jobs, settings.entity) == (expected["max_jobs"], expected["entity"])
    assert (settings.registry, settings.builder) == (None, None)


@pytest.mark.parametrize("environ", [{}, {"LAUNCHKIT_CONFIG": "does/not/exist.yaml"}])
def test_a_file_that_is_named_must_exist(environ: dict[str, str]) -> None:
    config = None if environ else "does/not/exist.yaml"
    with pytest.raises(ConfigError, match="there is no such configuration file"):
        load_settings(config, environ=environ)


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load_settings(environ={"HOME": str(tmp_path)})
    assert loaded.path is None
    assert loaded.settings.state_dir == tmp_path / ".local/state/launchkit"
    assert loaded.settings.cache_dir == tmp_path / ".cache/launchkit"
    assert set(loaded.origins.values()) == {"default"}


def test_our_file_is_read_before_wandbs(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    ours, wandbs = config_files(environ)
    assert (ours, wandbs) == (
        tmp_path / "xdg/launchkit/launch-config.yaml",
        tmp_path / ".config/wandb/launch-config.yaml",
    )
    for path, entity in ((wandbs, "theirs"), (ours, "ours")):
        path.parent.mkdir(parents=True)
        path.write_text(f"entity: {entity}")
        assert load_settings(environ=environ).settings.entity == entity


def test_the_default_queue_is_a_file_among_the_users_data() -> None:
    assert default_backend({"HOME": "/h"}) == "sqlite:////h/.local/share/launchkit/launchkit.db"
    assert default_backend({"XDG_DATA_HOME": "/d"}) == "sqlite:////d/launchkit/launchkit.db"


def test_defaults_file_variables_and_flags_win_in_that_order(load: Load) -> None:
    loaded = load(
        "entity: file\nmax_jobs: 2\nqueues: [a]\nrun_timeout: 5\npolicy: {secure_mode: true}\n",
        environ={
            "WANDB_ENTITY": "wandb",
            "LAUNCHKIT_ENTITY": "ours",
            "LAUNCHKIT_MAX_JOBS": "3",
            "LAUNCHKIT_RUN_TIMEOUT": "",
            "LAUNCHKIT_START_TIMEOUT": "2.5",
        },
        flags={"max_jobs": 4, "queues": ("b", "c"), "entity": None},
    )
    settings, origins = loaded.settings, loaded.origins
    assert (settings.entity, settings.max_jobs, settings.queues) == ("ours", 4, ("b", "c"))
    assert (settings.run_timeout, settings.start_timeout) == (5, 2.5)
    assert origins["entity"] == "$LAUNCHKIT_ENTITY"
    assert origins["max_jobs"] == "--max-jobs"
    assert origins["queues"] == "--queue"
    assert origins["run_timeout"].endswith("launch-config.yaml:4")
    assert origins["policy.secure_mode"].endswith("launch-config.yaml:5")
    assert origins["verbosity"] == "default"


def test_each_key_of_a_block_has_its_origin(load: Load) -> None:
    config = "builder:\n  type: kaniko\n  build-context-store: s3://b/c\n  uri: a.azurecr.io/b\n"
    origins = load(config).origins
    assert origins["builder.build-context-store"].endswith("launch-config.yaml:3")
    assert origins["builder.destination"].endswith("launch-config.yaml:4")
    assert origins["builder.platform"] == "default"


def test_all_problems_are_told_at_once_with_their_places(load: Load, tmp_path: Path) -> None:
    config = """\
quues: [a]
max_jobs: 1.5
environment: {type: awss}
builder:
  type: kaniko
  kaniko-imag: x
  secret-name: s
runners:
  kubernets: {}
start_timeout: -1
"""
    with pytest.raises(ConfigError) as caught:
        load(config, environ={"LAUNCHKIT_VERBOSITY": "loud"})
    file, near = tmp_path / "launch-config.yaml", "did you mean 'kubernetes'?"
    assert sorted(str(caught.value).splitlines()) == sorted(
        [
            f"{file}:1: quues: unknown key; did you mean 'queues'?",
            f"{file}:2: max_jobs: must be a whole number, or -1 for no limit, not 1.5",
            f"{file}:3: environment.type: there is no environment 'awss'; did you mean 'aws'?",
            f"{file}:6: builder.kaniko-imag: unknown key; did you mean 'kaniko-image'?",
            f"{file}:4: builder: secret-name and secret-key belong together; give both",
            f"{file}:9: runners.kubernets: there is no runner 'kubernets'; {near}",
            f"{file}:10: start_timeout: must be greater than or equal to 0, not -1",
            "$LAUNCHKIT_VERBOSITY: verbosity: must be a whole number, not 'loud'",
        ]
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("queues: a", "queues: must be a list of queue names, not 'a'"),
        ("queues: [1]", r"queues\[0\]: must be text, not 1"),
        ("max_jobs: -2", "max_jobs: must be a whole number, or -1 for no limit, not -2"),
        ("max_jobs: true", "max_jobs: must be a whole number"),
        ("entity: a\nentity: b", ":2: entity: this key is given twice"),
        ("queues: [a", "not valid YAML"),
        ("- a", "a mapping of keys to values is wanted"),
        ("secure_mode: 'yes'", "secure_mode: must be true or false"),
        ("stopped_run_timeout: '60'", "stopped_run_timeout: must be a whole number"),
        ("start_timeout: .inf", "start_timeout: must be a finite number"),
        ("lease_seconds: 0", "lease_seconds: must be greater than or equal to 0.5"),
        ("policy: {macros_from_en: [A]}", "policy.macros_from_en: unknown key; did you mean"),
        ("policy: 5\nsecure_mode: true", "policy: "),
        ("builder: docker", "builder: "),
        ("builder: {destination: a/b}", "builder.type: this key is required"),
        ("builder: {type: docker, platform: linux/arm}", "builder.platform: must be"),
        ("builder: {type: docker, uri: a/b, destination: a/c}", "builder.uri: is another word"),
        ("environment: {type: local}", "environment.type: leave the environment block out"),
        ("environment: {type: gcp}", "environment.region: this key is required"),
        ("builder: {type: docker, kaniko-image: x}", "builder.kaniko-image: unknown key"),
        ("builder: {type: docker, bulid-args: {}}", "did you mean 'build-args'"),
        ("builder: {type: docker, build-args: {}, build_args: {}}", "build_args: is given twice"),
        ("builder: {type: kaniko, build-context-store: /x}", "build-context-store: must be s3://"),
        ("policy: {dokcer: strict}", "policy.dokcer: unknown key; did you mean 'docker'"),
        ("policy: {docker: closed}", "policy.docker: must be 'open' or 'strict'"),
        ("builder: {type: < kaniko|docker >}", "builder.type: is still the placeholder"),
        (
            "max_jobs: <n concurrent jobs>",
            "is still the placeholder '<n concurrent",
        ),
    ],
)
def test_a_mistake_is_told_with_line_and_key(load: Load, config: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(config)
    assert "launch-config.yaml:" in str(caught.value)


def test_old_words_are_understood_with_a_warning(load: Load) -> None:
    loaded = load("queues: [a]\nqueue: b\nproject: p\nbuilder: {type: docker, uri: h.io/r}\n")
    assert loaded.settings.queues == ("a", "b")
    assert loaded.settings.builder is not None
    assert loaded.settings.builder.destination == "h.io/r"
    warnings = "\n".join(loaded.warnings)
    assert ":2: queue: read as one more of `queues`" in warnings
    assert ":3: project: ignored" in warnings
    assert ":4: builder.uri: read as `destination`" in warnings


def test_keys_and_blocks_that_say_nothing_count_as_not_given(load: Load) -> None:
    settings = load("max_jobs:\nqueues:\nentity: null\nbuilder: {}\nregistry:\n").settings
    assert (settings.max_jobs, settings.queues, settings.entity) == (1, (), "default")
    assert (settings.registry, settings.builder) == (None, None)


def test_secure_mode_is_a_part_of_the_policy(load: Load) -> None:
    policy = load("secure_mode: true\npolicy: {macros_from_env: [A]}").settings.policy
    assert (policy.secure_mode, policy.macros_from_env) == (True, ("A",))


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("-5", 0), ("7.5", 7.5)])
def test_wandbs_start_timeout_is_off_at_zero_and_below(text: str, seconds: float) -> None:
    loaded = load_settings(environ={"WANDB_LAUNCH_START_TIMEOUT": text})
    assert loaded.settings.limits().start == seconds


def test_directories_may_start_at_home(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    assert load("state_dir: ~/s").settings.state_dir == Path("/h/s")


def test_switching_the_builder_off_needs_no_other_change(load: Load) -> None:
    config = "builder: {type: noop, build-context-store: 's3://b', uri: h.io/r}"
    builder = load(config).settings.builder
    assert builder is not None
    assert isinstance(Plugins().create(Builder, "noop", builder.options()), NoopBuilder)


@pytest.mark.parametrize(("password", "message"), [("hunter22", None), ("12345678", "password")])
def test_a_password_is_shown_neither_in_settings_nor_in_errors(
    tmp_path: Path, password: str, message: str | None
) -> None:
    path = tmp_path / "launch-config.yaml"
    block = f"{{type: oci, uri: localhost:5000/a, username: u, password: {password}}}"
    path.write_text(f"registry: {block}\n")
    if message is None:
        settings = load_settings(path, environ={"HOME": str(tmp_path)}).settings
        assert password not in repr(settings) + settings.model_dump_json()
        assert settings.registry
        assert settings.registry.options()["password"] == password
    else:
        with pytest.raises(ConfigError, match=message) as error:
            load_settings(path, environ={"HOME": str(tmp_path)})
        assert password not in str(error.value)


def test_a_secret_of_any_plugin_is_shown_neither_in_settings_nor_in_errors(load: Load) -> None:
    settings = load("registry: {type: vault, token: hunter22}").settings
    assert "hunter22" not in repr(settings) + settings.model_dump_json()
    assert settings.registry
    assert settings.registry.options()["token"] == "hunter22"
    with pytest.raises(ConfigError, match=r"registry\.token: must be text") as error:
        load("registry: {type: vault, token: 12345678}")
    assert "12345678" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["registry: {type: ecr, password: hunter22}", "runners: {kubernetes: {api-token: hunter22}}"],
)
def test_what_sounds_like_a_secret_is_not_shown_where_no_plugin_tells(
    load: Load, text: str
) -> None:
    settings = load(text, plugins=Plugins(entry_points=False)).settings
    assert "hunter22" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("runners", "problem"),
    [
        ("{aml: {}}", ":1: runners.aml.project: this key is required"),
        ("{azure-ml: {project: p, pol-seconds: 1}}", "pol-seconds: unknown key; did you mean"),
        ("{aml: {project: p}, azure-ml: {}}", "another word for it; give one of them"),
        ("{slurmm: {}}", ":1: runners.slurmm: there is no runner 'slurmm'"),
    ],
)
def test_what_is_wrong_with_a_runner_is_told_with_its_place_and_stops_nothing_else(
    load: Load, runners: str, problem: str
) -> None:
    told = load(f"runners: {runners}").runner_problems
    assert problem in "\n".join(told.values())


def test_settings_of_a_runner_count_under_each_of_its_names(load: Load) -> None:
    settings = load("runners: {azure-ml: {project: p, poll-seconds: 1}}").settings
    given = runner_settings(settings, AzureMl.names())
    assert AzureMl.configured(given) == AzureMl(project="p", poll_seconds=1)


def test_what_is_not_installed_is_noted_with_its_package_and_accepted(load: Load) -> None:
    config = "builder: {type: kaniko, foo: 1}\nrunners: {kubernetes: {}}\npolicy: {docker: strict}"
    loaded = load(config, plugins=Plugins(entry_points=False))
    assert loaded.runner_problems == {}
    builder, runner, policy = loaded.warnings
    assert ":1: builder.type: builder 'kaniko' is not installed, so its settings cannot" in builder
    assert "launchkit-kubernetes provides it" in runner
    assert ":3: policy.docker: is for launchkit-docker, which is not installed" in policy


def test_a_client_does_not_look_at_what_is_for_agents(load: Load) -> None:
    loaded = load("entity: e\nbuilder: {type: dokcer}\npolicy: 5", for_agent=False)
    assert (loaded.settings.entity, loaded.settings.builder) == ("e", None)


def test_a_file_in_the_working_directory_that_is_not_read_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": str(tmp_path / "home")}
    assert not load_settings(environ=environ).warnings
    (tmp_path / "launch-config.yaml").write_text("entity: e")
    (told,) = load_settings(environ=environ).warnings
    assert str(config_files(environ)[0]) in told
    assert "--config launch-config.yaml" in told
    assert not load_settings("launch-config.yaml", environ=environ).warnings
    assert not load_settings(environ={"LAUNCHKIT_CONFIG": "launch-config.yaml"}).warnings


@pytest.mark.parametrize(
    ("backend", "url"),
    [
        ("/srv/q.db", "sqlite:////srv/q.db"),
        ("./q.db", "sqlite:///./q.db"),
        ("~/q", "sqlite:///~/q"),
        ("queue.sqlite3", "sqlite:///queue.sqlite3"),
        ("http://host/q.db", "http://host/q.db"),
    ],
)
def test_a_path_as_backend_is_the_sqlite_file_there(load: Load, backend: str, url: str) -> None:
    assert load({"backend": backend}).settings.backend_url() == url


def test_a_builder_that_is_chosen_here_takes_no_settings_of_its_own(load: Load) -> None:
    assert load("builder: {type: auto, destination: r.example.com/i}").settings.builder
    with pytest.raises(ConfigError, match="buildkit: is for a builder that is named"):
        load("builder: {type: auto, buildkit: true}")


def test_a_variable_that_is_none_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "LAUNCHKIT_MAX_JOB": "3", "LAUNCHKIT_\x1bZEBRA": "x"}
    strange, slip = load_settings(environ=environ).warnings
    assert slip == "$LAUNCHKIT_MAX_JOB: ignored; did you mean LAUNCHKIT_MAX_JOBS?"
    assert strange.endswith("ZEBRA: ignored; there is no such variable")
    assert "\x1b" not in strange


def test_variables_that_a_run_or_another_program_is_given_are_no_slips(
    tmp_path: Path,
) -> None:
    given = workload_env(make_launch(job="j", author="a"), None)
    others = {"LAUNCHKIT_SERVER_PORT": "1", "LAUNCHKIT_TOKEN": "t", "LAUNCHKIT_RUN_TOKEN": "t"}
    environ = {**others, **given, "HOME": str(tmp_path), TAG: "x", "LAUNCHKIT_SETUP_DIR": "/"}
    assert "LAUNCHKIT_RUN_ID" in environ
    assert not load_settings(environ=environ).warnings
