"""The codes of verdicts: one for each cause, whichever runner tells of it."""

from enum import StrEnum


class VerdictCode(StrEnum):
    """Why a launch ended. Codes of exceptions in `launchkit.errors` are among them."""

    OK = "ok"
    """The program ended with exit code 0."""
    USER_EXIT = "user_exit"
    """The program ended with another exit code. Next: read the evidence and the log."""
    KILLED_BY_SIGNAL = "killed_by_signal"
    """The program was killed by a signal that launchkit did not send. Next: for SIGKILL look
    whether memory ran out; for SIGSEGV at native libraries and the limit of memory."""
    OOM_KILLED = "oom_killed"
    """It was killed because it used more memory than it may, or the machine had no more. Next:
    raise the memory in the queue config, or give it less to do at once."""
    CPU_LIMIT = "cpu_limit"
    """The program used up its processor time. Next: raise the limit in the queue config."""
    STOPPED = "stopped"
    """Somebody stopped it."""
    PREEMPTED = "preempted"
    """The infrastructure took its place away too often. Next: launch it where that is rarer."""
    NODE_LOST = "node_lost"
    """The machine on which it ran was shut down, taken away, or lost from sight. Next: look at the
    machine; launch it again."""
    NODE_REFUSED = "node_refused"
    """The machine that was chosen for it did not take it, too often. Next: look at the machine, and
    at what the launch asks of it."""
    EVICTED = "evicted"
    """It used more than it may of what is not memory, such as disk, and was ended. Next: raise the
    limit in the queue config, or let it write less."""
    FAILED = "failed"
    """The runner says that it failed, and nothing more. Next: read the log."""
    RUN_LOST = "run_lost"
    """The infrastructure no longer knows the run, and how it ended cannot be told. Next: look
    whether its machine was restarted, or somebody removed it."""
    START_TIMEOUT = "start_timeout"
    """It was submitted but did not start in time. Next: look what it waited for, or raise
    the limit of the start."""
    RUN_TIMEOUT = "run_timeout"
    """It ran longer than it may. Next: raise the limit of the run."""
    ENTRY_POINT_NOT_FOUND = "entry_point_not_found"
    """What is to be started is not there: neither in the code or image, nor on the PATH; or its
    first line names an interpreter that is not. Next: correct the entry point."""
    ENTRY_POINT_NOT_EXECUTABLE = "entry_point_not_executable"
    """The entry point's file is not executable. Next: `chmod +x` it, or put the interpreter
    first."""
    SETUP_FAILED = "setup_failed"
    """The setup command of the queue failed; the run itself was not started. Next: read the
    evidence."""
    SUBMIT_FAILED = "submit_failed"
    """The runner could not start it. Next: read why; the infrastructure's own words are there."""
    IMAGE_PULL_FAILED = "image_pull_failed"
    """The image could not be had: no such name, no right to read it, or no way to its registry.
    Next: look at its name, and at the login of the registry."""
    CONFIG_ERROR = "config_error"
    """What the queue config refers to, such as a secret, is not there, or is not allowed where it
    is to run. Next: make it, or correct the queue config."""
    NO_SUCH_DEVICE = "no_such_device"
    """The machine has no such device, such as a GPU, to give. Next: ask for one that it has."""
    NO_SUCH_VOLUME = "no_such_volume"
    """What is to be mounted does not exist. Next: make it, or correct the queue config."""
    NO_SUCH_NETWORK = "no_such_network"
    """The network does not exist. Next: make it, or correct the queue config."""
    PORT_IN_USE = "port_in_use"
    """A port that is to be published has another user. Next: publish a free one, or run one
    launch at a time."""
    REJECTED = "rejected"
    """A rule says no; trying again does not help. Next: do what the message says."""
    BAD_OVERRIDE = "bad_override"
    """A file override names no JSON or YAML file of the code, or the files are too many or too long
    together. Next: correct its path, or change fewer files.
    """
    FETCH_FAILED = "fetch_failed"
    """The source could not be fetched. Next: may the agent read it, and is it still there?"""
    BUILD_FAILED = "build_failed"
    """The image could not be built. Next: read the end of the build's log."""
    PLUGIN = "plugin"
    """A plugin cannot be loaded, or the wrong number of classes answers to a kind. Next: see
    `launchkit plugins` on the agent's machine."""
    LAUNCH_FAILED = "launch_failed"
    """The launch failed before its run, for a reason of its own. Next: read the message."""
    INTERNAL_ERROR = "internal_error"
    """A fault of launchkit or of a plugin. Next: report it, with the evidence."""
