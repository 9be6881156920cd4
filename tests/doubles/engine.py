"""Whether this machine has a container engine."""

import gc
import warnings


def no_engine() -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client drops its socket where nothing answers
        is_there = _answers()
        gc.collect()
    return None if is_there else "no Docker engine answers"


def _answers() -> bool:
    import docker

    try:
        docker.from_env().close()  # it asks for the engine's version
    except docker.errors.DockerException:
        return False
    return True
