"""What a table of mutants holds. A seam's module has `MUTANTS`, and `VARIANTS` that are right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

SEAMS = (
    "backend",
    "builder",
    "builder_fault",
    "environment",
    "fetcher",
    "hub",
    "registry",
    "registry_fault",
    "runner",
    "runner_crash",
    "runner_fault",
)


PATIENCE = 100.0
"""Seconds that a suite waits for what a variant does: only what hangs takes longer."""


@dataclass(frozen=True)
class Mutant:
    """A suite, and what is changed in it: the name of an attribute, such as a class that its
    fixtures make the component of, and the one with the defect.
    """

    defect: str
    """Says what is wrong, or for a variant what is different; unique in its table."""
    suite: type
    changes: Mapping[str, object]
    fast: bool = False
    """Whether it is tried in each test run."""

    def mutated(self) -> type:
        """The suite for the mutant."""
        return type("TestMutated", (self.suite,), dict(self.changes))


@dataclass(frozen=True)
class Result:
    """What the suite said of a mutant."""

    mutant: Mutant
    caught_by: str | None
    """The first test that failed."""
    message: str = ""
    """What it said."""
    seconds: float = 0


def table(seam: str, name: str = "MUTANTS") -> Sequence[Mutant]:
    """The mutants of a seam, or its variants."""
    made: Sequence[Mutant] = getattr(import_module(f"mutants.{seam}"), name)
    return made


def find(seam: str, defect: str) -> Mutant:
    """The mutant, or the variant, of that description. One that is right is given time enough."""
    patient = [
        replace(one, changes={**one.changes, "patience": PATIENCE})
        for one in table(seam, "VARIANTS")
    ]
    return next(one for one in (*table(seam), *patient) if one.defect == defect)
