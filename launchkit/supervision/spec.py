"""The description of a run, which the agent writes for its supervisor, and reads again when the run
has ended, whatever that has made of it.
"""

MOST_SPEC = 1 << 21
"""In bytes: as much as Linux, as it is usually set, lets a program be started with."""
_KEYS = {
    key.encode(): key
    for key in (
        *("code", "cwd", "nice", "arg", "try", "limit"),
        *("setup_dir", "setup_said", "setup_arg", "setup_try"),
    )
}

Spec = dict[str, list[bytes]]


def parse_spec(data: bytes) -> Spec:
    """Read `key=value` entries, each with a NUL behind it; keys may repeat. Those with another key
    are passed over: a run may have written any number of them.
    """
    spec: Spec = {}
    for entry in data.split(b"\0")[:-1]:
        key, _, value = entry.partition(b"=")
        if name := _KEYS.get(key):
            spec.setdefault(name, []).append(value)
    return spec
