"""The agent's image, built from its Dockerfile where no registry and no index can be reached."""

import ensurepip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import uuid4

import python_image
from docker_engine import Engine
from pages import ROOT
from services import skip_without

DOCKERFILE = "plugins/kubernetes/image/Dockerfile"
CONTEXT = (
    DOCKERFILE,
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
    "launchkit",
    *(f"plugins/{name}/{file}" for name in ("kubernetes", "server")
      for file in ("pyproject.toml", "README.md", f"launchkit_{name}")),
)  # fmt: skip
PROGRAMS = ("/usr/bin/git", "/usr/bin/ssh", "/usr/lib/git-core/git-remote-http")
LEFT_OUT = ("launchkit", "helm-python", "mypy", "ruff", "moto", "botocore")
PIP_CONF = "[global]\nno-index = true\nfind-links = /wheels\n"
WHEELS = (Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels"))
"""Where Python keeps pip for new environments."""


@contextmanager
def agent_image(engine: Engine, folder: Path) -> Iterator[tuple[str, str]]:
    """The names of the image and of its base, in an Engine; removed at the end."""
    if missing := [name for name in PROGRAMS if not Path(name).exists()]:
        skip_without(", ".join(missing))
    tag = uuid4().hex[:8]
    base, build_base, image = (f"{name}:{tag}" for name in ("lk-base", "lk-build", "lk-agent"))
    try:
        write_base(folder / "base.tar")
        engine.load(folder / "base.tar", base)
        write_build_base(folder / "base.tar")
        engine.load(folder / "base.tar", build_base, "ENV PYTHONPATH=/pip")
        build(engine, image, {"BASE": base, "BUILD_BASE": build_base}, folder / "context.tar")
        engine.remove(build_base)
        yield image, base
    finally:
        for name in (image, build_base, base):
            engine.remove(name)


def write_base(path: Path) -> None:
    """What the stand-in for Python's image has, and the programs that the Dockerfile looks for."""
    python_image.write_image(path)
    programs = [*map(Path, PROGRAMS), *(file for one in packages() for file in libraries(one))]
    with tarfile.open(path) as tar:
        have = {f"/{name}" for name in tar.getnames()}
    files = {*map(Path, PROGRAMS), *python_image.shared_libraries(*programs)}
    with tarfile.open(path, "a", dereference=True) as tar:
        for file in sorted(files):
            if str(file) not in have:
                tar.add(file, arcname=str(file).lstrip("/"))
        python_image.link(tar, "usr/lib/git-core/git-remote-https", "git-remote-http")


def write_build_base(path: Path) -> None:
    """Add pip, and wheels of all that is installed here."""
    with tarfile.open(path, "a") as tar:
        with zipfile.ZipFile(pip_wheel()) as pip:
            for name in pip.namelist():
                add(tar, f"pip/{name}", pip.read(name))
        python_image.text(tar, "etc/pip.conf", PIP_CONF)
        for one in packages():
            name, content = wheel(one)
            add(tar, f"wheels/{name}", content)


def pip_wheel() -> Path:
    """The file of pip."""
    found = [file for place in WHEELS for file in place.glob("pip-*.whl")]
    if not found:
        skip_without("the wheel of pip that Python's ensurepip has")
    return found[0]


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))


def packages() -> Sequence[Distribution]:
    """What is installed here, but launchkit and large tools."""
    return [one for one in distributions() if not one.name.startswith(LEFT_OUT)]


def libraries(installed: Distribution) -> Iterator[Path]:
    """The shared libraries of a package, which need those of a real system."""
    for file in installed.files or ():
        if file.suffix == ".so":
            yield Path(str(installed.locate_file(file)))


def wheel(installed: Distribution) -> tuple[str, bytes]:
    """A package as it was before it was installed."""
    told = installed.read_text("WHEEL") or "Tag: py3-none-any"
    tag = [line.partition(":")[2].strip() for line in told.splitlines() if "Tag:" in line][-1]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in installed.files or ():
            if {"..", "__pycache__"}.isdisjoint(file.parts) and file.suffix != ".pyc":
                archive.write(str(installed.locate_file(file)), str(file))
    name = installed.name.replace("-", "_").replace(".", "_")
    return f"{name}-{installed.version}-{tag}.whl", buffer.getvalue()


def build(engine: Engine, image: str, arguments: dict[str, str], context: Path) -> None:
    """Have an Engine build the Dockerfile."""
    with tarfile.open(context, "w") as tar:
        for name in CONTEXT:
            tar.add(ROOT / name, arcname=name, filter=without_bytecode)
    params = {
        "t": image,
        "dockerfile": DOCKERFILE,
        "buildargs": json.dumps(arguments),
        "networkmode": "none",
        "forcerm": "1",
    }
    with context.open("rb") as data:
        answer = engine.http.post("/build", params=params, content=data)
    assert "errorDetail" not in answer.raise_for_status().text, answer.text[-4000:]


def without_bytecode(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name else info
