"""`python -m mutants [SEAM …]`: tells for each mutant the test of its seam's suite that catches it.

`PYTHONPATH` has to name the folder `tests`.
"""

import click

from mutants.kill import tried
from mutants.table import SEAMS, Result, table


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(SEAMS))
@click.option("--only", default="", help="Only mutants whose description has this in it.")
def main(names: tuple[str, ...], only: str) -> None:
    """Try all mutants and variants; fails if less than 95% are caught, or a variant is."""
    rows, good = zip(*(show(name, only) for name in names or SEAMS), strict=True)
    click.echo("\n| seam | mutants | caught | variants | passed |\n|---|---|---|---|---|")
    click.echo("\n".join(rows))
    raise SystemExit(not all(good))


def show(seam: str, only: str) -> tuple[str, bool]:
    """Print what is said of each; gives the seam's row of the table, and if it is good enough."""
    click.secho(f"\n{seam}", bold=True)
    mutants = [mutant for mutant in table(seam) if only in mutant.defect]
    variants = [variant for variant in table(seam, "VARIANTS") if only in variant.defect]
    caught = passed = 0
    for result in tried(seam, mutants):
        caught += result.caught_by is not None
        told(result, "NOT CAUGHT")
    for result in tried(seam, variants):
        passed += not result.caught_by and not result.message
        told(result, "passes")
    row = f"| {seam} | {len(mutants)} | {caught} | {len(variants)} | {passed} |"
    return row, passed == len(variants) and caught >= 0.95 * len(mutants)


def told(result: Result, passed: str) -> None:
    """Print what was said of one."""
    click.echo(f"  {result.mutant.defect} ({result.seconds:.1f} s)")
    said = f"{result.caught_by}: {result.message}" if result.caught_by else passed
    click.echo(f"    {said if result.caught_by else f'{said} {result.message}'.rstrip()}")


if __name__ == "__main__":
    main()
