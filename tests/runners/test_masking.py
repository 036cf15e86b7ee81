"""What may be shown of an environment."""

from launchkit.model import Secret
from launchkit.runners.masking import masked


def test_secrets_are_masked_and_the_rest_is_shown() -> None:
    env = {"TOKEN": Secret("hunter2"), "EPOCHS": "3"}
    assert masked(env) == {"TOKEN": "…", "EPOCHS": "3"}
