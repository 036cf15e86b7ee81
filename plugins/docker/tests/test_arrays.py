"""A list of the Engine is taken apart as it comes, however it is cut and however long it is."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from launchkit_docker.engine.arrays import ObjectTooLarge, objects

LISTED = [{"Names": ["/a"], "Labels": {"é \\": '}] "{'}}, {"n": 1, "of": [{}, [{}]]}, {}]
WRITTEN = json.dumps(LISTED, ensure_ascii=False).encode()


async def taken(*chunks: bytes, longest: int = 1000) -> list[dict[str, Any]]:
    async def come() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [each async for each in objects(come(), longest=longest)]


@pytest.mark.parametrize("size", range(1, len(WRITTEN) + 1))
async def test_wherever_a_list_is_cut_its_objects_are_whole(size: int) -> None:
    chunks = [WRITTEN[at : at + size] for at in range(0, len(WRITTEN), size)]
    assert await taken(*chunks) == LISTED


@pytest.mark.parametrize("text", ["[]", " [ ]\n", "[\n]"])
async def test_a_list_may_be_empty(text: str) -> None:
    assert await taken(text.encode()) == []


async def test_only_one_object_has_a_bound_and_not_how_many_there_are() -> None:
    many = json.dumps([{"x": "y" * 600}] * 500).encode()
    chunks = [many[at : at + 100] for at in range(0, len(many), 100)]
    assert len(await taken(*chunks)) == 500
    with pytest.raises(ObjectTooLarge, match="more than 200 characters"):
        await taken(*chunks, longest=200)


async def test_of_an_object_that_does_not_end_no_more_is_read_than_its_bound() -> None:
    asked = 0

    async def come() -> AsyncIterator[bytes]:
        nonlocal asked
        yield b'[{"x": "'
        while True:
            asked += 1
            yield b"y" * 100

    with pytest.raises(ObjectTooLarge):
        async for _ in objects(come(), longest=1000):
            pass
    assert asked <= 30


@pytest.mark.parametrize("text", ["", "5", "null", '"x"', '{"a": 1}', "[1]", '[{"a": 1}', '[{"a"]'])
async def test_what_is_no_list_of_objects_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="no array of objects"):
        await taken(text.encode())
