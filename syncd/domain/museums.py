"""Names where one configuration has many museums: `museum/sync`, and `museum/instance`."""

SEPARATOR = "/"


def museum_of(name: str) -> str:
    """The museum's part; empty where the configuration is one museum's."""
    return name.partition(SEPARATOR)[0] if SEPARATOR in name else ""


def within(museum: str, name: str) -> str:
    return f"{museum}{SEPARATOR}{name}"


def own_name(name: str) -> str:
    """As the museum's own file calls it."""
    return name.rpartition(SEPARATOR)[2]
