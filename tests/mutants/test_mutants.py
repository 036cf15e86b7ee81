"""The contract suites catch what is wrong, and pass what is only different: a fast selection."""

import pytest

from launchkit.testing.registry_server import skip_without_programs
from mutants.kill import tried
from mutants.table import SEAMS, table

OF_A_REGISTRY = ("builder_fault", "registry_fault")


@pytest.mark.thorough
@pytest.mark.parametrize("seam", SEAMS)
def test_the_suite_catches_each_mutant_of_the_selection(seam: str) -> None:
    selection = [mutant for mutant in table(seam) if mutant.fast]
    assert selection
    if seam in OF_A_REGISTRY:
        skip_without_programs()
    passed = [one for one in tried(seam, selection) if one.caught_by is None]
    assert not passed


@pytest.mark.thorough
@pytest.mark.parametrize("seam", SEAMS)
def test_the_suite_passes_each_variant_of_the_selection(seam: str) -> None:
    selection = [variant for variant in table(seam, "VARIANTS") if variant.fast]
    assert [one for one in tried(seam, selection) if one.caught_by or one.message] == []


@pytest.mark.parametrize("seam", SEAMS)
def test_each_mutant_has_a_description_of_its_own(seam: str) -> None:
    names = [one.defect for one in (*table(seam), *table(seam, "VARIANTS"))]
    assert len({*names}) == len(names)
