"""The suite for the mutant that `LAUNCHKIT_MUTANT` names, as `SEAM: DEFECT`; for pytest."""

import os

from mutants.table import find

TestMutated = find(*os.environ["LAUNCHKIT_MUTANT"].split(": ", 1)).mutated()
