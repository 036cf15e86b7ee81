"""What waits and tries again, and how others are reached. Each module is
imported by its own name, where it is used:

- `launchkit.aio.pieces`: `read_up_to`: what comes in pieces, up to a bound
- `launchkit.aio.retry`: `Backoff`, `retry`, `pauses`: try again, with growing, jittered pauses
- `launchkit.aio.trouble`: `Trouble`: one voice for what many tasks suffer from
- `launchkit.aio.token_bucket`: `TokenBucket`: no more calls of an API than it allows
- `launchkit.aio.topics`: `Topics`, `Subscription`: subscribe before you look, then wait for news
- `launchkit.aio.lines`: `lines`, `line_batches`: chunks of bytes to lines
- `launchkit.aio.background`: `attend`: tasks that end before what they use is closed
- `launchkit.aio.carried_through`: `last_chance`: whether what is to start now is still wanted
- `launchkit.aio.lazy`: `Lazy`: what is imported and opened when it is first needed
- `launchkit.aio.http`: `http_client`: clients of HTTP that go by the proxies of the environment
- `launchkit.aio.answers`: `whole_answer`: an answer of which no more is read than is wanted
- `launchkit.aio.bounded_answers`: `BoundedAnswers`: answers whose bodies begin soon
- `launchkit.aio.tls_records`: `by_records`: TLS that is given up if it brings no data
- `launchkit.aio.upload`: `open_file`, `OpenFile`, `whole`: a file that is uploaded in parts
"""
