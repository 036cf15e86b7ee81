"""What each builder does around the building itself: an image is built once, for all agents."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from uuid import uuid4

from anyio.to_thread import run_sync

from launchkit.abc import MayNotRead, Output, Registry, Site
from launchkit.errors import BuildError, LaunchError, Rejected
from launchkit.images.build_plan import plan_build
from launchkit.images.login import push_login
from launchkit.images.maker import ImageMaker, PlannedBuild
from launchkit.images.ref import ImageRef
from launchkit.images.single_flight import single_flight
from launchkit.images.tag import image_tag
from launchkit.images.target import Target, target_of
from launchkit.model import BuildRequest, Image
from launchkit.plain_text import shortened

MOVING = (
    "{ref} is known by its name alone, since no digest of it is told: what is built on it is not"
    " built anew when it changes"
)


async def build_once(request: BuildRequest, site: Site, out: Output, maker: ImageMaker) -> Image:
    """The image of the code, from where it is already or newly built, with what its plan warns of.

    Its tag is made of its content, so it is looked for first. What is not there is built by one
    agent at a time, while the others wait and then find it.

    :raises Rejected: if something that was asked for is not there, malformed or not allowed.
    :raises BuildError: if it cannot be built or pushed, or a registry does not answer.
    """
    with _as_build_errors():
        build = await _planned(request, site.registry, out, maker)
        image = await _found(build.target, maker, out)
        if image is None:
            name = await _lock_name(build.target, maker)
            holder = f"{site.agent}/{request.launch.run_id}/{uuid4().hex}"
            async with single_flight(site.backend, name, holder):
                image = await _found(build.target, maker, out)
                image = image or await _made(build, maker, out)
        return replace(image, warnings=build.plan.warnings)


async def _planned(
    request: BuildRequest, registry: Registry | None, out: Output, maker: ImageMaker
) -> PlannedBuild:
    """What to build, and where its image is to be. Reads the whole code."""
    plan = await run_sync(plan_build, request.launch, request.code, maker.reading())
    warnings = (*plan.warnings, *await maker.warnings(request))
    await _warn(warnings, out)
    digests: dict[str, str | None] = {}
    for ref in plan.base_images:
        found = await maker.base_digest(ref, request.platform, out)
        digests[ref] = found or await _told_digest(ref, registry)
    moving = [MOVING.format(ref=ref) for ref, digest in digests.items() if digest is None]
    await _warn(moving, out)
    hashed = partial(
        image_tag,
        plan,
        base_digests={ref: digest or ref for ref, digest in digests.items()},
        platform=request.platform,
        build_args=maker.build_args,
        builder_version=maker.version,
    )
    tag = await run_sync(hashed)
    return PlannedBuild(
        plan=replace(plan, warnings=(*warnings, *moving)),
        tag=tag,
        target=target_of(request, registry, tag),
        platform=request.platform,
        build_args=maker.build_args,
    )


async def _warn(warnings: Iterable[str], out: Output) -> None:
    for warning in warnings:
        await out.line(f"warning: {warning}")


async def _told_digest(ref: str, registry: Registry | None) -> str | None:
    """The digest of an image: that in its name, else the one that the agent's registry tells, which
    may know others than its own.
    """
    pinned = ImageRef.parse(ref).digest
    return pinned or (await registry.digest(ref) if registry else None)


async def _found(target: Target, maker: ImageMaker, out: Output) -> Image | None:
    """The image, if it is where it is to be."""
    ref, registry = target.ref, target.registry
    if not target.pushed:
        image = Image(ref=ref) if await maker.present(ref) else None
    elif registry and await _has(registry, ref):
        image = _pinned(ref, await registry.digest(ref))
    else:
        image = None
    if image:
        await out.say(f"image {ref} is there already: nothing to build")
    return image


async def _has(registry: Registry, ref: str) -> bool:
    """Whether it has the image. Where it does not let one see, for there may be no such repository
    yet, it has none, if one may push it.
    """
    try:
        return await registry.exists(ref)
    except MayNotRead:
        await push_login(ref, registry)
        return False


async def _lock_name(target: Target, maker: ImageMaker) -> str:
    """One build at a time: of all agents if the image is pushed, else of those with one store."""
    if target.pushed:
        return f"image:{target.ref}"
    store = await maker.store()
    if store is None:
        raise BuildError(
            "there is no place for the image: the builder keeps none itself, and no registry that"
            " it could push to is set",
            hint="set a registry, or the builder's destination",
        )
    return f"image:{store}/{target.ref}"


async def _made(build: PlannedBuild, maker: ImageMaker, out: Output) -> Image:
    ref, registry = build.target.ref, build.target.registry
    try:
        digest = await maker.make(build, out)
    except BuildError:
        image = await _pushed_meanwhile(build.target, maker, out)
        if image is None:
            raise
        return image
    if not build.target.pushed:
        return Image(ref=ref)
    if digest is None and registry:
        if not await registry.exists(ref):
            raise BuildError(
                f"{ref} was built, but the registry does not have it",
                hint="see what `launchkit doctor` says about the registry and its credentials",
            )
        digest = await registry.digest(ref)
    return _pinned(ref, digest)


async def _pushed_meanwhile(target: Target, maker: ImageMaker, out: Output) -> Image | None:
    """The image, if an agent of another queue has pushed it: a registry whose tags cannot be
    changed refuses the second one.
    """
    if not (target.pushed and target.registry):
        return None
    try:
        return await _found(target, maker, out)
    except LaunchError:
        return None


def _pinned(ref: str, digest: str | None) -> Image:
    """What the run uses: the digest, if it is known, because a tag may be moved."""
    if digest is None:
        return Image(ref=ref)
    try:
        return Image(ref=str(ImageRef.parse(ref).pinned(digest)), digest=digest)
    except Rejected as exc:
        raise BuildError(
            f"what is told as the digest of {ref} is none: {shortened(digest, 80)!r}"
        ) from exc


@contextmanager
def _as_build_errors() -> Iterator[None]:
    """Make errors that do not say what they mean to the launch errors of the build."""
    try:
        yield
    except LaunchError as exc:
        if exc.code != LaunchError.code:
            raise
        raise BuildError(f"cannot build the image: {exc.message}", hint=exc.hint) from exc
