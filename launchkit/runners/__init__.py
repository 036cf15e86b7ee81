"""For authors of runners: what each of them would write again. Each module is imported by its own
name:

- `launchkit.runners.informer`: `Informer`: one task that watches all runs of one place
- `launchkit.runners.log_following`: `Following`: output by byte offset, over reconnects
- `launchkit.runners.identity`: `RunIdentity`, `LabelStyle`: labels of runs on four platforms
- `launchkit.runners.verdicts`: `of_exit`, `status_of`, `reason_of`: verdicts by one set of codes
- `launchkit.runners.markers`: `Markers`: durable marks beside runs
- `launchkit.runners.slots`: `Slots`: devices, each given to one run at a time
- `launchkit.runners.masking`: `masked`: an environment that may be shown
- `launchkit.runners.fitting`: `fitted`, `Problems`: a config, held against a request's shape
- `launchkit.runners.written_forms`: `form`: JSON Schema of all ways to write such a config
- `launchkit.runners.pace`: `Pace`: requests no faster than a service allows now
- `launchkit.runners.quotas`: `Quotas`: launches that wait for room, one try at a time
"""
