"""All that trials import, for the process that they are forked from."""

import contextlib
import io
from importlib import import_module

import pytest

from mutants.table import SEAMS

with contextlib.redirect_stdout(io.StringIO()):
    pytest.main(["--version", "--version"])  # loads its plugins
for seam in SEAMS:
    import_module(f"mutants.{seam}")
