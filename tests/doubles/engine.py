"""Whether this machine has a container engine, and an image for it; asked once, for one that hangs takes its time."""

import gc
import warnings
from functools import cache

PATIENCE = 10  # seconds for an engine to tell its version


@cache
def no_engine() -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client drops its socket where nothing answers
        is_there = _answers()
        gc.collect()
    return None if is_there else "no Docker engine answers"


@cache
def no_image(name: str) -> str | None:
    """What is not there is pulled."""
    import docker

    engine = docker.from_env()
    try:
        if not engine.images.list(name):
            engine.images.pull(name)
    except (docker.errors.DockerException, OSError):  # OSError: it answers no longer
        return f"the image {name} is not here and can't be pulled"
    finally:
        engine.close()
    return None


def _answers() -> bool:
    import docker

    try:
        docker.from_env(timeout=PATIENCE).close()  # it asks for the engine's version
    except docker.errors.DockerException:
        return False
    return True
