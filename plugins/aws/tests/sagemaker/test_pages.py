"""The pages about SageMaker: the tutorial is typed on the fake account, and the rest is right."""

from pathlib import Path

from launchkit_aws.sagemaker.runner import SageMakerRunner
from pages import ROOT, blocks, commands_of, type_commands, write_files

from .fake import FakeAws

TUTORIAL = ROOT / "docs" / "tutorial" / "sagemaker.md"
REFERENCE = ROOT / "docs" / "reference" / "sagemaker.md"
QUICKLY = {"poll_seconds: 15": "poll_seconds: 0.2", "log_seconds: 15": "log_seconds: 0.3"}


def test_the_tutorial_does_what_it_says(fake: FakeAws, tmp_path: Path) -> None:
    write_files(TUTORIAL, tmp_path, QUICKLY)
    environ = {
        "AWS_ENDPOINT_URL": fake.url,
        "AWS_ACCESS_KEY_ID": "ann",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    type_commands(commands_of(blocks(TUTORIAL)), tmp_path, QUICKLY, environ)
    assert [job.status for job in fake.jobs.values()] == ["Completed", "Failed", "Stopped"]
    first, second, _ = (job.request for job in fake.jobs.values())
    theirs = {"TrainingJobName", "Environment", "Tags", "AlgorithmSpecification"}
    assert {key for key in first if first[key] != second[key]} - theirs == {"ResourceConfig"}


def test_the_page_names_each_setting_of_the_runner() -> None:
    text = REFERENCE.read_text()
    assert [name for name in SageMakerRunner.setting_names() if f"| `{name}` |" not in text] == []


def test_the_policy_of_the_tutorial_has_what_the_runner_asks_for() -> None:
    text = TUTORIAL.read_text()
    operations = (
        *("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "ListTrainingJobs"),
        *("AddTags", "ListTags"),
    )
    assert [one for one in operations if f'"sagemaker:{one}"' not in text] == []
    for one in ("logs:DescribeLogStreams", "logs:GetLogEvents", "iam:PassRole", "kms:CreateGrant"):
        assert f'"{one}"' in text
