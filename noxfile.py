"""The sessions: `nox` runs lint, types and tests, also where Docker and PostgreSQL are missing;
`nox -s demo` runs a job from end to end. All of them find the plugins by their folders.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["check", "web", "tests"]

PLUGINS = tuple(sorted(str(file.parent) for file in Path().glob("plugins/*/pyproject.toml")))
PROJECTS = (".", *PLUGINS)
"""The folders of launchkit and its plugins; each holds its own settings for tools."""
PINNED = ("--constraint", "constraints.txt")
GROUPS = ("test", "lint", "types", "docs")
EXTRAS = ".[metrics,otel,postgres,testing]"
DEMO = ("python", "docs/examples/demo.py")
WEB_DEMO = ("python", "docs/examples/web_demo.py")
WEB = next(Path().glob("plugins/*/web/package.json")).parent
BUNDLE = next(Path().glob("plugins/*/launchkit_*/web/static"))
"""What a browser loads: built from `WEB`, and kept here, so that nobody else needs Node."""
PROCESSES = str(min(2 * (os.cpu_count() or 1), 8))
"""Most tests wait for processes, servers and containers more than they compute."""
PARALLEL = (
    *("--numprocesses", PROCESSES, "--dist", "loadfile", "--no-loadscope-reorder"),
    *("--max-worker-restart", "0"),
)
"""Files go out in the order of the tests, where what takes long stands first. A process that a
hanging test has ended is not begun again, and with it the test.
"""
AGAIN = 5
"""So many tests that failed may try once more, alone: they depend on the load of the machine."""

HIDE = """\
for place in /run /var/run /usr/lib/postgresql; do
  [ ! -d $place ] || mount -t tmpfs tmpfs $place || exit
done
exec "$@"
"""
BARE = ("unshare", "--mount", "sh", "-c", HIDE, "sh")
"""Runs a command where no socket of a Docker Engine and no PostgreSQL server can be found."""

BARE_TESTS = (
    *("tests/cli/test_absent.py", "tests/cli/test_agent.py", "tests/cli/test_agents.py"),
    *("tests/cli/test_change.py", "tests/cli/test_completion.py", "tests/cli/test_doctor.py"),
    *("tests/cli/test_launches.py", "tests/cli/test_mistakes.py", "tests/cli/test_open_secrets.py"),
    *("tests/cli/test_store.py", "tests/plugins/test_outside.py", "tests/plugins/test_unusable.py"),
    *("tests/agent/test_silent_queue.py", "tests/images/test_build_once.py"),
    *("tests/registry/test_logins.py", "tests/test_services.py"),
    *("tests/store/test_postgres.py", "tests/store/test_silent.py"),
    *("tests/docs/test_demo.py", "tests/docs/test_examples.py"),
)
"""What looks for these services, offers them, or says that they are missing: an agent and `doctor`
look at all that is installed, a test may be skipped. The other tests are the same without services.
A plugin names its own: `bare` in `[tool.launchkit]`.
"""


def install(session: nox.Session, launchkit: str, *groups: str) -> None:
    """Install launchkit and its plugins as they stand here, and some dependency groups, pinned.
    What is compiled is kept, though images for containers forbid it: tests begin many processes.
    """
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    session.install(*PINNED, "hatchling", "editables")
    editable = [word for place in (launchkit, *PLUGINS) for word in ("--editable", place)]
    session.install(*PINNED, "--no-build-isolation", *editable, *needed(*groups))


def needed(*groups: str) -> Sequence[str]:
    """What launchkit and its plugins name in those of the dependency groups that they have."""
    packages: list[str] = []
    for project in PROJECTS:
        pyproject = nox.project.load_toml(f"{project}/pyproject.toml")
        if own := [group for group in groups if group in pyproject.get("dependency-groups", ())]:
            packages += nox.project.dependency_groups(pyproject, *own)
    return packages


def build_pages(session: nox.Session) -> None:
    """Build the documentation; what mkdocs warns of is an error."""
    session.run("mkdocs", "build", "--strict", "--site-dir", f"{session.create_tmp()}/site")


@nox.session
def check(session: nox.Session) -> None:
    """Look at style and types: `lint` and `types` in one environment, which takes long to fill."""
    install(session, EXTRAS, "lint", "docs", "types")
    look_at_style(session)
    look_at_types(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Look at style, formatting, who imports whom, and the links in the documentation."""
    install(session, ".", "lint", "docs")
    look_at_style(session)


def look_at_style(session: nox.Session) -> None:
    """Do so with what is installed."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    for project in PROJECTS:
        session.run("lint-imports", "--config", f"{project}/pyproject.toml")
    build_pages(session)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, EXTRAS, "types")
    look_at_types(session)


def look_at_types(session: nox.Session) -> None:
    """Do so with what is installed."""
    for project in PROJECTS:
        session.run("mypy", "--config-file", f"{project}/pyproject.toml")


@nox.session(venv_backend="none")
def web(session: nox.Session) -> None:
    """Check the web app's scripts and build them again: the bytes must be those that are kept here.
    After `--`: `keep`, to keep what is built now.
    """
    if not shutil.which("npm"):
        (session.error if "CI" in os.environ else session.skip)("npm is not installed")
    with session.chdir(WEB):
        if subprocess.run(["npm", "ping"], capture_output=True, check=False).returncode:
            session.skip("the registry of npm cannot be reached")
        session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", external=True)
        session.run("npm", "run", "--silent", "types", external=True)
    with TemporaryDirectory() as folder:
        built = BUNDLE.resolve() if "keep" in session.posargs else Path(folder)
        with session.chdir(WEB):
            session.run("node", "build.mjs", str(built), external=True)
        files = sorted(built.iterdir())
        other = [file.name for file in files if not same(file, BUNDLE / file.name)]
    if other:
        session.error(f"build these again with `nox -s web -- keep`: {', '.join(other)}")


def same(file: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    return other.is_file() and file.read_bytes() == other.read_bytes()


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests but the `thorough` ones, then those of `bare` if that can be; arguments after
    `--` go to pytest, and nothing else is left out but `bare`.
    """
    install(session, EXTRAS, "test")
    if folder := os.environ.get("LAUNCHKIT_KUBERNETES_BIN"):  # somebody may still build there
        session.run("flock", "--shared", f"{folder}/lock", "true", external=True)
    run_tests(session, session.posargs or ("-m", "not thorough"))
    if not session.posargs and may_hide(session):
        run_bare(session)


def run_tests(
    session: nox.Session,
    chosen: Sequence[str],
    *,
    name: str = "tests",
    before: Sequence[str] = (),
    env: Mapping[str, str | None] | None = None,
) -> None:
    """Run chosen tests by a command that stands before; what is said of them is kept under *name*.
    Those that fail may do so for the load of the machine: a few run once more, alone, and are told
    of.
    """
    place = session.cache_dir.resolve() / name
    cache = ("--override-ini", f"cache_dir={place}/cache")
    told = ("--cache-clear", "--junitxml", f"{place}/report.xml")
    first = (*before, "pytest", *PARALLEL, *cache, *told, *chosen)
    session.run(*first, env=env, external=True, success_codes=[0, 1])
    report = (place / "report.xml").read_text()
    if not re.search(r'<testsuite [^>]*(errors|failures)="[1-9]', report):
        return
    names = place / "cache/v/cache/lastfailed"
    failed = list(json.loads(names.read_text())) if names.exists() else []
    are_tests = all("::" in name for name in failed)
    if not (0 < len(failed) <= AGAIN and are_tests) or "crashed while running" in report:
        session.error("tests have failed")
    alone = ("--last-failed", "--last-failed-no-failures", "none", *chosen)
    session.run(*before, "pytest", *cache, *alone, env=env, external=True)
    session.warn(f"passed only when they ran alone, and are to be mended: {', '.join(failed)}")


@nox.session
def thorough(session: nox.Session) -> None:
    """Run all tests, and try in each all that it can: before a release, and after a change of what
    `tests` tries in part. Arguments after `--` go to pytest. It takes hours.
    """
    install(session, EXTRAS, "test")
    env = {"LAUNCHKIT_TEST_NTH": "1", "LAUNCHKIT_TEST_KILLS": "50"}
    env |= {"LAUNCHKIT_TEST_CHAOS_JOBS": "30", "LAUNCHKIT_FUZZ": "200"}
    run_tests(session, session.posargs, name="thorough", env=env)


@nox.session
def bare(session: nox.Session) -> None:
    """Run the demo, and tests that may then differ, where no Docker Engine, Kubernetes and
    PostgreSQL can be found; after `--`: tests to run there instead.
    """
    if may_hide(session):
        install(session, EXTRAS, "test")
        run_bare(session, session.posargs)


def run_bare(session: nox.Session, chosen: Sequence[str] = ()) -> None:
    """Do so with what is installed."""
    env = {"DOCKER_HOST": None, "LAUNCHKIT_TESTS_WITHOUT": "chromium,docker,kubernetes,postgres"}
    session.run(*BARE, *DEMO, env=env, external=True)
    chosen = chosen or (*BARE_TESTS, *bare_of_plugins())
    run_tests(session, chosen, name="bare", before=BARE, env=env)


def may_hide(session: nox.Session) -> bool:
    """Whether services can be hidden here; in continuous integration that must be."""
    if not can_hide():
        (session.error if "CI" in os.environ else session.warn)("only root can hide services")
        return False
    return True


def bare_of_plugins() -> Sequence[str]:
    """What the plugins name."""
    found: list[str] = []
    for plugin in PLUGINS:
        own = nox.project.load_toml(f"{plugin}/pyproject.toml")["tool"].get("launchkit", {})
        found += [f"{plugin}/{place}" for place in own.get("bare", ())]
    return found


def can_hide() -> bool:
    """Whether this user may mount something over the places of services."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*BARE, "true"], capture_output=True, check=False).returncode == 0


@nox.session(venv_backend="none")
def engines(session: nox.Session) -> None:
    """Run the Docker tests on newer Engines; after `--` some of them, as .ci/engines names them,
    and after another `--` arguments for pytest.
    """
    session.run(".ci/engines", *session.posargs, external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages, then run each command and load each example in them."""
    install(session, EXTRAS, "test", "docs")
    build_pages(session)
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure; after `--`: names of benchmarks, `--save FILE`, `--compare FILE`."""
    install(session, EXTRAS, "test")
    session.run("python", "-m", "benchmarks", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def mutants(session: nox.Session) -> None:
    """Try the contract suites on components with one defect each; after `--`: names of seams."""
    install(session, EXTRAS, "test")
    session.run("python", "-m", "mutants", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def fuzz(session: nox.Session) -> None:
    """Give parsers many odd texts, and services many odd requests; after `--` may stand their
    number, and a word by which other texts are chosen.
    """
    install(session, EXTRAS, "test")
    many, seed, *_ = [*session.posargs, *("300", "")[len(session.posargs) :]]
    env = {"LAUNCHKIT_FUZZ": many, "LAUNCHKIT_FUZZ_SEED": seed}
    session.run("pytest", "-s", "tests", *PLUGINS, "-k", "test_fuzz", env=env)


@nox.session
def chaos(session: nox.Session) -> None:
    """Break things at random, and count what did not hold; after `--`: see `python -m chaos`."""
    install(session, EXTRAS, "test")
    session.run("python", "-m", "chaos", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def demo(session: nox.Session) -> None:
    """Send a real training script from a git repository through a queue and an agent; with `-- web`
    show the web app with something in it, until Ctrl-C or SIGTERM.
    """
    install(session, EXTRAS if "web" in session.posargs else ".")
    shown, *words = session.posargs or ["main"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else nox would leave the demo alone
    command = WEB_DEMO if shown == "web" else DEMO
    # It takes a while to end all that it has begun.
    session.run(*command, *words, terminate_timeout=None)


@nox.session
def pins(session: nox.Session) -> None:
    """Renew constraints.txt: the newest of what launchkit, its plugins and the sessions need."""
    session.install("uv")
    needs = Path(session.create_tmp(), "requirements.in")
    needs.write_text("\n".join((".", "nox", "hatchling", "editables", *needed(*GROUPS))))
    sources = [*(f"{project}/pyproject.toml" for project in PROJECTS), str(needs)]
    command = ["uv", "pip", "compile", "--universal", "--python-version", "3.11", "--upgrade"]
    command += ["--no-header", "--no-annotate", "--all-extras", "--no-emit-package", "launchkit"]
    session.run(*command, *sources, "--output-file", "constraints.txt", silent=True)
