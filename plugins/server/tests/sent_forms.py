"""What a browser sends of a form in which nothing was touched."""

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._form = form
        self._within = False
        self._area: str | None = None
        self._choice: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._within = said.get("id") == self._form
        elif self._within:
            self._begin(tag, said)

    def _begin(self, tag: str, said: dict[str, str]) -> None:
        name = said.get("name", "")
        if tag == "textarea":
            self._area, self.found[name] = name, ""
        elif tag == "select":
            self._choice = name
        elif tag == "option" and self._choice is not None:
            if "selected" in said or self._choice not in self.found:
                self.found[self._choice] = said["value"]
        elif tag == "input" and name and (said.get("type") != "radio" or "checked" in said):
            self.found[name] = said.get("value", "").replace("\r", "").replace("\n", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            lines = self.found[self._area].replace("\r\n", "\n").replace("\r", "\n")
            self.found[self._area] = lines.removeprefix("\n").replace("\n", "\r\n")
            self._area = None
        elif tag == "select":
            self._choice = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.found[self._area] += data


def untouched(page: str, form: str) -> dict[str, str]:
    """The fields of a form as it is shown."""
    fields = _Fields(form)
    fields.feed(page)
    return fields.found
