"""The texts below an instruction of a Dockerfile are no instructions."""

import pytest

from launchkit.errors import Rejected
from launchkit.images.base_images import base_images, may_be_from_scratch

FROM = "FROM text;\n"


@pytest.mark.parametrize(
    "text",
    [
        f"COPY <<EOT /q.sql\nSELECT *\n{FROM}EOT\n",
        f"RUN <<EOT\n{FROM}EOT\n",
        f"run <<EOT\n{FROM} EOT\n\tEOT\nEOT\n",
        f"ADD <<-EOT /x\n\t{FROM}\t\tEOT\n",
        f"RUN cat <<'EOT'\n{FROM}EOT\n",
        f'RUN cat <<"E O T" >/x\n{FROM}E O T\n',
        f"RUN 3<<E\\OT cat\r\n{FROM}EOT\r\n",
        f"RUN <<ONE cat <<-TWO\n{FROM}TWO\nONE\n{FROM}TWO\n",
        f"RUN --mount=type=cache,target=/x \\\n  # why\n  <<EOT\n\n# {FROM}{FROM}EOT\n",
        f"ONBUILD RUN <<EOT\n{FROM}EOT\n",
        f'RUN echo "it\'s" <<EOT\n{FROM}EOT\n',
        f"RUN <<EOT\n\\\n{FROM}EOT\n",
        f"RUN cat << EOT\n{FROM}EOT\n",
        f"RUN cat 3<<- \t'EOT' >/x\n{FROM}\tEOT\n",
    ],
)
def test_the_lines_of_a_heredoc_name_no_image(text: str) -> None:
    assert base_images(f"FROM a\n{text}FROM b\n") == ("a", "b")


@pytest.mark.parametrize(
    "line",
    [
        "RUN echo '<<EOT'",
        'RUN echo "a <<EOT b"',
        'RUN ["echo", "<<EOT"]',
        "RUN echo \\<<EOT",
        "RUN cat <<<EOT",
        "RUN cat x<<EOT",
        "RUN true # it's <<EOT",
        'RUN echo "a << EOT"',
        "COPY a<<- <<- /x/",
        "RUN cat << <EOT",
        "RUN cat <<END",
        "ENV A=<<EOT",
        "CMD <<EOT",
        "ONBUILD ENV A <<EOT",
        "# RUN <<EOT",
        "RUN",
        "ONBUILD",
    ],
)
def test_what_is_no_heredoc_hides_no_image(line: str) -> None:
    assert base_images(f"FROM a\n{line}\nFROM b\nEOT\n") == ("a", "b")


def test_a_builder_that_knows_no_heredocs_takes_their_lines_for_instructions() -> None:
    text = "FROM a\nCOPY <<EOT /x\nFROM scratch\nFROM b\nEOT\n"
    assert base_images(text, with_heredocs=False) == ("a", "b")
    assert may_be_from_scratch(text)


def test_what_is_no_image_is_refused_with_its_line() -> None:
    with pytest.raises(Rejected, match=r"^a/D:4: 'users;' is not the name of an image"):
        base_images("FROM a\nRUN <<EOT\nEOT\nFROM users;\n", place="a/D")


@pytest.mark.parametrize("piece", ["<<A ", "<<A\\ ", "'\"", "\\", '"<<A"', "<<'A", '"\\', "x"])
def test_heredocs_are_looked_for_in_linear_time(piece: str) -> None:
    """By steps that grow with the square of the length it would last for minutes."""
    times = 200_000 // len(piece)
    assert base_images(f"FROM a\nRUN <<A {piece * times}\n" + "A\n" * 40_000) == ("a",)
