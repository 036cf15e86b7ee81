"""`python -m benchmarks [NAME …] [--save FILE] [--compare FILE]`, in the root of the repository.

`PYTHONPATH` has to name the folder `tests`. Plugins have benchmarks of their own: the mapping
`BENCHMARKS` of `plugins/*/tests/benchmarks`.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click

from benchmarks import agents, claims, memory
from benchmarks.report import Benchmark, Figure, load, save, show

ROOT = Path(__file__).parents[2]
CORE: Mapping[str, Benchmark] = {
    "startup": agents.start_up,
    "pickup": agents.pickup,
    "claims": claims.claims_a_second,
    "depth": claims.depth,
    "processes": agents.local_processes,
    "idle": agents.idle,
    "memory": memory.tracked_runs,
    "pump": agents.log_pump,
}


def found() -> Mapping[str, Benchmark]:
    """The core's benchmarks, then those of each plugin."""
    benchmarks = dict(CORE)
    for file in sorted(ROOT.glob("plugins/*/tests/benchmarks/__init__.py")):
        package = ".".join(file.parent.relative_to(ROOT).parts)
        benchmarks |= import_module(package).BENCHMARKS
    return benchmarks


ALL = found()


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(ALL)))
@click.option("--save", "target", type=click.Path(path_type=Path), help="Keep the figures there.")
@click.option("--compare", type=click.Path(path_type=Path, exists=True), help="A saved run.")
def main(names: tuple[str, ...], target: Path | None, compare: Path | None) -> None:
    """Measure; all benchmarks, or those that are named."""
    figures: list[Figure] = []
    for name in names or ALL:
        for figure in ALL[name]():
            click.echo(f"{figure.name}: {figure.value:,.4g} {figure.unit}", err=True)
            figures.append(figure)
    show(figures, load(compare) if compare else {})
    if target is not None:
        save(figures, target)


if __name__ == "__main__":
    main()
