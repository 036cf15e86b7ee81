"""The labels of a run's container, beside those that tell whose run it is."""

from launchkit.runners.identity import DOCKER

RUN = DOCKER.keys["run_id"]
"""All containers of runs have it; others may, so their names are looked at, too."""
REMOVE = "launchkit.rm"
"""Whether it is removed when its end is stored: `true` or `false`."""
GPUS = "launchkit.gpus"
"""The devices that it was given, with commas between."""
OWN = frozenset({*DOCKER.keys.values(), REMOVE, GPUS})
"""All of them: what others a container has, such as those of its image, tells nothing of a run."""
