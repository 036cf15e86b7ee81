"""The recorded shape of the job is the one that Vertex AI's library has."""

import json
from importlib.resources import files

import pytest
from google.cloud.aiplatform_v1 import __version__

from .recorded import text

RECORDED = "2.7."
"""The versions of the library from which it may be."""


@pytest.mark.skipif(not __version__.startswith(RECORDED), reason="the library is another one")
def test_the_shape_is_the_one_of_the_library() -> None:
    found = files("launchkit_gcp.vertex").joinpath("custom_job.json").read_text()
    assert json.loads(found) == json.loads(text()), "write it anew: python recorded.py"
