"""Where people look at a training job."""

from launchkit_aws.place import AwsPlace

_HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
CONSOLE = "console.aws.amazon.com"


def console_link(place: AwsPlace, name: str) -> str:
    """The page of a training job in AWS's console."""
    region = place.region
    host = _HOSTS.get(place.partition.name, f"{region}.{CONSOLE}")
    return f"https://{host}/sagemaker/home?region={region}#/jobs/{name}"
