"""The recorded shape of the request is the one that AWS's library has."""

import json
from importlib.resources import files

import pytest
from botocore import __version__

from .recorded import text

RECORDED = "1.43."
"""The versions of botocore from which it may be."""


@pytest.mark.skipif(not __version__.startswith(RECORDED), reason="botocore is another one")
def test_the_shape_is_the_one_of_the_library() -> None:
    found = files("launchkit_aws.sagemaker").joinpath("create_training_job.json").read_text()
    assert json.loads(found) == json.loads(text()), "write it anew: python recorded.py"
