"""How much of what takes long is tried: all of it by `nox -s thorough`."""

import os

EACH_NTH = int(os.environ.get("LAUNCHKIT_TEST_NTH", "3"))
"""One of so many: of lives that are killed or meet a fault, of texts for a form, of examples."""
