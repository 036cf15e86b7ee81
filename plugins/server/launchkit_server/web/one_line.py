"""Values as a field of one line carries them, and back, with nothing lost."""

import json


def carried(value: object) -> str:
    """A value as one line that is not empty: in the quotes of JSON where it would not survive."""
    text = str(value)
    survives = text == text.strip() and text.splitlines() == [text] and not text.startswith('"')
    return text if survives else json.dumps(text)


def meant(text: str) -> str:
    """What a text that was carried, or written by a person, means."""
    if not text.startswith('"'):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str) else text
