"""Registries with one defect each."""

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from launchkit.abc import Finding
from launchkit.errors import LaunchError
from launchkit.model import Secret
from launchkit.testing import FakeRegistry
from mutants.registry_memory import (
    AsksWithAnOldLogin,
    GivesOneLogin,
    RemembersAbsence,
    RemembersDigests,
    RemembersFailures,
    RemembersLogins,
    RemembersPresence,
    RenewsOnce,
)
from mutants.registry_oci import (
    AsksForOldManifests,
    BlockingClient,
    ForgetsTheLogin,
    KeepsItsLogin,
    NewClientEachTime,
    NoAnswerIsNo,
)
from mutants.registry_questions import (
    AnswersForAll,
    AnswersForOthers,
    AsksAProgram,
    CancelIsAnError,
    ChangesEnvironment,
    ChecksAway,
    Connects,
    Hangs,
    HangsInCredentials,
    HangsWithoutAnswer,
    LeaksFiles,
    LeaksTasks,
    LeaksThreads,
    LosesTheLock,
    MakesWhatIsAsked,
    MixesUp,
    MovesTags,
    OneAtATime,
    PushesToCheck,
    SameDigest,
    ShowsItself,
    Sleeps,
    Swallows,
)
from mutants.registry_steps import (
    OciSuite,
    Suite,
    answering,
    checking,
    digesting,
    failing,
    giving,
    password,
    raised,
    referring,
)
from mutants.registry_variants import (
    Expires,
    HasHosts,
    OneByOne,
    Slow,
    WithoutDigests,
    WithoutLogin,
)
from mutants.table import Mutant


def mutant(defect: str, made: Callable[[], FakeRegistry], *, fast: bool = False) -> Mutant:
    return Mutant(defect, Suite, {"made": made}, fast)


MUTANTS = (
    mutant("everything is there", answering(lambda *_: True)),
    mutant("nothing is there", answering(lambda *_: False)),
    mutant("an answer is no bool", answering(lambda _, there, __: "yes" if there else "")),
    mutant("remembers what was there", RemembersPresence),
    mutant("remembers what was not there", RemembersAbsence, fast=True),
    mutant("remembers digests", RemembersDigests),
    mutant("remembers failures", RemembersFailures),
    mutant(
        "the start of a tag is enough",
        answering(lambda ref, _, one: any(each.startswith(ref) for each in one.images.digests)),
    ),
    mutant(
        "case does not count",
        answering(lambda ref, _, one: ref.lower() in {r.lower() for r in one.images.digests}),
    ),
    mutant(
        "a tag is there in each repository",
        answering(
            lambda ref, there, one: (
                there
                or ("@" not in ref and one.image_ref(ref.rpartition(":")[2]) in one.images.digests)
            )
        ),
    ),
    mutant("is not found by its digest", answering(lambda ref, there, _: there and "@" not in ref)),
    mutant("a reference has a scheme", referring(lambda name, tag: f"https://{name}:{tag}")),
    mutant("a reference has no tag", referring(lambda name, _: name)),
    mutant("the tag is part of the name", referring(lambda name, tag: f"{name}-{tag.lower()}")),
    mutant("tags are written small", referring(lambda name, tag: f"{name}:{tag.lower()}")),
    mutant("tags are cut", referring(lambda name, tag: f"{name}:{tag[:63]}")),
    mutant("tags have a word in front", referring(lambda name, tag: f"{name}:lk-{tag[:120]}")),
    mutant(
        "references of a tag differ",
        referring(lambda name, tag: f"{name}/{uuid4().hex[:4]}:{tag}"),
    ),
    mutant("each tag has its repository", referring(lambda name, tag: f"{name}/{len(tag)}:{tag}")),
    mutant("a repository has capitals", referring(lambda name, tag: f"{name}/Job:{tag}")),
    mutant("a reference names a digest", referring(lambda n, tag: f"{n}:{tag}@sha256:{'1' * 64}")),
    mutant("a reference holds the password", referring(lambda n, t: f"u:fake-password@{n}:{t}")),
    mutant("being away is no", failing(lambda *_: False), fast=True),
    mutant("being away is yes", failing(lambda *_: True)),
    mutant("being away is an error of the system", failing(lambda *_: raised(ConnectionError()))),
    mutant("an error says nothing", failing(lambda *_: raised(LaunchError("failed")))),
    mutant(
        "an error tells the password",
        failing(lambda one, _: raised(LaunchError(f"no answer for fake:{password(one)}"))),
        fast=True,
    ),
    mutant(
        "a hint tells the password",
        failing(
            lambda one, _: raised(LaunchError("no answer from it", hint=f"is {password(one)} it?"))
        ),
    ),
    mutant(
        "the cause of an error tells the password",
        failing(lambda one, exc: raised(exc, OSError(f"https://fake:{password(one)}@x"))),
    ),
    mutant("a login is kept for ever", RemembersLogins, fast=True),
    mutant("a login is given once", GivesOneLogin),
    mutant("a login is renewed once", RenewsOnce),
    mutant("asks with an old login", AsksWithAnOldLogin),
    mutant("a login has expired", giving(lambda login: replace(login, expires_at=time.time() - 1))),
    mutant(
        "a login tells milliseconds",
        giving(lambda login: replace(login, expires_at=time.time() * 1000 + 3600_000)),
    ),
    mutant(
        "a password is plain text",
        giving(lambda login: replace(login, password=str.__str__(login.password))),
    ),
    mutant("a password is empty", giving(lambda login: replace(login, password=Secret("")))),
    mutant("a user is empty", giving(lambda login: replace(login, username=""))),
    mutant("a login is wrong", giving(lambda login: replace(login, password=Secret("other")))),
    mutant("a digest lacks its algorithm", digesting(lambda digest: digest and digest[7:])),
    mutant("a digest is made up", digesting(lambda digest: digest or f"sha256:{'0' * 64}")),
    mutant("a digest is another", digesting(lambda digest: digest and f"sha256:{'1' * 64}")),
    mutant("a digest is cut", digesting(lambda digest: digest and digest[:19])),
    mutant("a digest is that of the first image", SameDigest),
    mutant("questions at once are mixed up", MixesUp),
    mutant("refuses questions at once", OneAtATime),
    mutant("swallows cancellation", Swallows),
    mutant("cancellation becomes an error", CancelIsAnError),
    mutant("keeps its lock after cancellation", LosesTheLock),
    mutant("sleeps in the loop's thread", Sleeps),
    mutant("connects in the loop's thread", Connects),
    mutant("waits for a program in the loop's thread", AsksAProgram),
    mutant("leaks sockets", LeaksFiles),
    mutant("leaks threads", LeaksThreads),
    mutant("leaks tasks", LeaksTasks),
    mutant("hangs", Hangs),
    mutant("waits for ever when away", HangsWithoutAnswer),
    mutant("hangs over a login", HangsInCredentials),
    mutant("makes what is asked for", MakesWhatIsAsked),
    mutant("moves tags that are asked for", MovesTags),
    mutant("a check pushes", PushesToCheck),
    mutant("a check raises when away", ChecksAway),
    mutant(
        "a check finds nothing wrong",
        checking(lambda _, __: [Finding(level="ok", subject="registry", message="answers")]),
    ),
    mutant(
        "a check always finds something",
        checking(lambda _, __: [Finding(level="error", subject="registry", message="bad")]),
    ),
    mutant(
        "a check shows the password",
        checking(lambda one, f: [replace(x, message=f"{password(one)}") for x in f]),
    ),
    mutant("answers for all hosts", AnswersForAll),
    mutant("does not answer for its own host", AnswersForOthers),
    mutant("shows the password of its settings", ShowsItself),
    mutant("changes the environment", ChangesEnvironment),
    Mutant("oci: keeps its login", OciSuite, {"made": KeepsItsLogin}),
    Mutant("oci: no answer is no", OciSuite, {"made": NoAnswerIsNo}),
    Mutant("oci: forgets the login", OciSuite, {"made": ForgetsTheLogin}),
    Mutant("oci: knows old manifests only", OciSuite, {"made": AsksForOldManifests}),
    Mutant("oci: leaves its clients open", OciSuite, {"made": NewClientEachTime}),
    Mutant("oci: blocks the loop", OciSuite, {"made": BlockingClient}),
)


VARIANTS = (
    Mutant("checks itself", Suite, {}, fast=True),
    Mutant("checks nothing", Suite, {"made": FakeRegistry}),
    Mutant("needs no login", Suite, {"made": WithoutLogin}),
    Mutant("knows no digests", Suite, {"made": WithoutDigests}),
    Mutant("takes its time", Suite, {"made": Slow}),
    Mutant("answers one question at a time", Suite, {"made": OneByOne}),
    Mutant("answers for its hosts", Suite, {"made": HasHosts}),
    Mutant("its logins expire", Suite, {"made": Expires}),
    Mutant("cannot be away", Suite, {"can_be_away": False}),
    Mutant("oci with a password", OciSuite, {}),
    Mutant("oci without one", OciSuite, {"account": None}),
)
