"""An agency for tests: an office whose configuration is a folder with a file for each museum."""

from office import CONFIG, Ended, Office

COMMON, MUSEUM = CONFIG[: CONFIG.index("[gomus.main]")], CONFIG[CONFIG.index("[gomus.main]") :]


class Agency:
    """Its museums have one sandbox, and the same export, which each brings under a prefix of its own."""

    def __init__(self, office: Office, *names: str) -> None:
        self.office = office
        self.folder = office.folder / "museums"
        self.folder.mkdir()
        self.write("syncd", COMMON.replace("state/", "../state/"))
        for name in names:
            self.add(name)

    def add(self, name: str, more: str = "", url: str | None = None) -> None:
        text = MUSEUM.format(url=url or self.office.url).replace('"M-"', f'"{name}-"')
        self.write(name, more + text.replace('"members.csv"', '"../members.csv"'))

    def write(self, name: str, text: str) -> None:
        """As a whole or not at all, as editors do."""
        draft = self.folder / f".{name}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.folder / f"{name}.toml")

    def spoil(self, name: str) -> None:
        self.write(name, (self.folder / f"{name}.toml").read_text(encoding="utf-8") + "[")

    def syncd(self, *arguments: str) -> Ended:
        return self.office.syncd("--config", "museums", *arguments)

    def customers(self, prefix: str) -> list[str]:
        ids = [customer.foreign_id or "" for customer in self.office.sandbox.customers]
        return sorted(one for one in ids if one.startswith(prefix))
