"""`python -m benchmarks [NAME …] [--save FILE] [--compare FILE]`.

`PYTHONPATH` has to name the folders `tests` and `plugins/docker/tests`.
"""

from collections.abc import Mapping
from pathlib import Path

import click

from benchmarks import agents, builds, claims, containers, memory
from benchmarks.report import Benchmark, Figure, load, save, show

ALL: Mapping[str, Benchmark] = {
    "startup": agents.start_up,
    "pickup": agents.pickup,
    "claims": claims.claims_a_second,
    "depth": claims.depth,
    "processes": agents.local_processes,
    "idle": agents.idle,
    "memory": memory.tracked_runs,
    "pump": agents.log_pump,
    "containers": containers.containers,
    "containers-memory": containers.memory,
    "rebuild": builds.rebuild,
    "builds-at-once": builds.at_once,
}


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
