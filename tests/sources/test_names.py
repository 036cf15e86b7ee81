"""Names of jobs and the file of an entry point, as W&B names and finds them."""

import pytest

from launchkit.resolving.job_names import code_name, entry_file, git_job_name, image_job_name

WANDB_ENTRY_FILES = [
    (["python", "main.py"], "main.py"),
    (["run.sh", "x"], "run.sh"),
    (["torchrun"], None),
]


@pytest.mark.parametrize(
    ("path", "name", "made"),
    [
        ("./test", "karen", "code-karen"),
        ("./test", None, "code-test"),
        ("/test/dir", None, "code-test_dir"),
        ("./test/dir/", None, "code-test_dir"),
    ],
)
def test_code_is_named_as_wandb_names_it(path: str, name: str | None, made: str) -> None:
    assert code_name(path, name) == made


@pytest.mark.parametrize(
    ("path", "name"), [("..", "home"), (".", "project"), ("../a b", "a_b"), ("x" * 200, None)]
)
def test_code_of_any_directory_has_a_name(path: str, name: str | None, tmp_path, monkeypatch):
    (tmp_path / "home" / "project").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home" / "project")
    made = code_name(path, None)
    assert made == f"code-{name}" if name else len(made) == 128


def test_a_git_job_is_named_as_wandb_names_it() -> None:
    remote = "https://github.com/o/r"
    assert git_job_name(remote, None) == "job-https___github.com_o_r_"
    assert git_job_name("https://s3cret@github.com/o/r", None) == git_job_name(remote, None)
    assert git_job_name(remote, "a/t.py") == "job-https___github.com_o_r_a_t.py"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("repo/img:1", "job-repo_img"),
        ("repo/img", "job-repo_img"),
        ("localhost:5000/img", "job-localhost_5000_img"),
        ("localhost:5000/img:v1.2", "job-localhost_5000_img"),
        ("img@sha256:abc", "job-img"),
        ("img:1@sha256:abc", "job-img"),
    ],
)
def test_an_image_job_is_named_by_its_repository(image: str, name: str) -> None:
    assert image_job_name(image) == name


@pytest.mark.parametrize(("entry_point", "file"), WANDB_ENTRY_FILES)
def test_the_entry_file_is_the_one_that_wandb_finds(entry_point, file) -> None:
    assert entry_file(entry_point) == file


@pytest.mark.parametrize(
    ("entry_point", "file"),
    [
        (["python", "-m", "mod"], None),
        (["python", "-c", "print()"], None),
        (["python", "-u", "train.py"], "train.py"),
        (["torchrun", "--nproc-per-node", "4", "train.py", "--config", "x.py"], "train.py"),
        (["make", "train"], "train"),
        (["make", "-j"], None),
        ([], None),
    ],
)
def test_options_before_the_entry_file_are_skipped(entry_point, file) -> None:
    assert entry_file(entry_point) == file
