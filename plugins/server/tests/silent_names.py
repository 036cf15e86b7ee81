"""Sends messages of one entity to hosts whose name server does not answer, then one of another's:
`python silent_names.py URL`, where nobody answers who is asked for names. Says what came of that,
and how many of the others had ended then.
"""

import sys

import anyio
from launchkit_server.postman import Postman

from launchkit.model import Secret
from launchkit.store.deliveries import Letter

MANY = 50
KEY = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


async def main(url: str) -> None:
    postman, ended = Postman(), list[str]()

    async def tell(host: str) -> None:
        await postman.send(Letter("msg_1", f"http://{host}.slow.test/", KEY, "{}"), "theirs")
        ended.append(host)

    async with anyio.create_task_group() as tasks:
        for number in range(MANY):
            tasks.start_soon(tell, f"h{number}")
        await anyio.wait_all_tasks_blocked()
        answer = await postman.send(Letter("msg_2", url, KEY, "{}"), "ours")
        print(answer.text, len(ended), flush=True)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
