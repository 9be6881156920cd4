"""`[template.NAME]`: what several syncs have in common. A sync takes it over with `use = "NAME"`, and its own keys win.

Tables are merged key by key, lists are replaced. What comes out has no template in it; `origin` tells where it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.config.places import TEMPLATE, USE, KeyPath, children, find, find_table, spell
from syncd.config.secrets import as_reference
from syncd.domain.nearest import suggest
from syncd.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """`document` is the file's with its templates filled in, `given` as it is written; `used` is by sync.

    `problems` are those of the templates as such.
    """

    document: Mapping[str, object] = field(repr=False)
    given: Mapping[str, object] = field(repr=False)
    used: Mapping[str, str]
    problems: Mapping[KeyPath, Problem]

    @property
    def unused(self) -> dict[str, dict[str, object]]:
        tables = find_table(self.given, TEMPLATE)
        used = {*self.used.values()}
        return {name: table for name, table in tables.items() if name not in used and isinstance(table, dict)}

    def origin(self, place: KeyPath) -> KeyPath:
        """Where in the file it stands: in the sync, or in its template."""
        template = self.used.get(str(place[1])) if place[:1] == ("sync",) and len(place) > 2 else None
        if template is None:
            return place
        own, shared = find(self.given, place[:2]), find(self.given, (TEMPLATE, template))
        for part in place[2:]:
            if not _is_table(shared):  # a list, for what is missing in a table may as well stand in the sync
                return (TEMPLATE, template, *place[2:]) if own is None else place
            if (own is not None and not _is_table(own)) or part not in children(shared):
                return place
            own, shared = children(own).get(part), children(shared)[part]
        return (TEMPLATE, template, *place[2:]) if own is None else place

    def placed(self, problems: Mapping[KeyPath, Problem]) -> dict[KeyPath, Problem]:
        """The problems of the document as those of the file, by their places in it; each once, whoever uses it."""
        return {self.origin(at): self._told(at, one) for at, one in problems.items() if not self._is_moot(at)}

    def _told(self, place: KeyPath, problem: Problem) -> Problem:
        origin = self.origin(place)
        if origin == place:
            return problem
        own, shared = (spell(one[:2]) for one in (place, origin))
        return Problem(path=spell(origin), message=problem.message.replace(f"[{own}", f"[{shared}"))

    def _is_moot(self, place: KeyPath) -> bool:
        """Whether something is missing that the template may have, which can't be found."""
        is_lacking = place[:1] == ("sync",) and (*place[:2], USE) in self.problems
        return is_lacking and find(self.document, place) is None


def fill(document: Mapping[str, object]) -> Filled:
    """Never raises: what can't be filled in is among the problems."""
    problems = _problems_of(document.get(TEMPLATE, {}))
    templates = {name: table for name, table in find_table(document, TEMPLATE).items() if isinstance(table, dict)}
    used, syncs = dict[str, str](), dict[str, object]()
    for name, sync in find_table(document, "sync").items():
        template = find_table(sync).get(USE)
        syncs[name] = sync
        if isinstance(template, str) and template in templates:
            used[name] = template
            syncs[name] = _merged(sync, {key: one for key, one in templates[template].items() if key != USE})
        elif template is not None:
            place: KeyPath = ("sync", name, USE)
            problems[place] = Problem(path=spell(place), message=_unknown(template, templates))
    filled = {key: table for key, table in document.items() if key != TEMPLATE} | ({"sync": syncs} if syncs else {})
    return Filled(document=filled, given=document, used=used, problems=problems)


def _problems_of(templates: object) -> dict[KeyPath, Problem]:
    if not isinstance(templates, dict):
        return {(TEMPLATE,): Problem(path=TEMPLATE, message="must be a table, as in [template.club]")}
    found: dict[KeyPath, str] = {}
    for name, table in templates.items():
        if not isinstance(table, dict):
            found[TEMPLATE, name] = "lacks a name before it: write [template.NAME] in place of [template]"
        elif USE in table:
            found[TEMPLATE, name, USE] = "a template can't use another one: name one in the sync"
    return {place: Problem(path=spell(place), message=message) for place, message in found.items()}


def _unknown(name: object, templates: Mapping[str, object]) -> str:
    if not isinstance(name, str):
        return 'must be the name of one template, in quotes, as in use = "club"'
    there_is = "; there is " + " and ".join(f"[template.{one}]" for one in templates) if templates else ""
    return f"there is no [template.{name}]{suggest(name, templates) or there_is}"


def _merged(own: object, shared: object) -> object:
    if not (isinstance(own, dict) and isinstance(shared, dict) and _is_table(own) and _is_table(shared)):
        return own
    both = own.keys() & shared.keys()
    return {**shared, **own, **{key: _merged(own[key], shared[key]) for key in both}}


def _is_table(value: object) -> bool:
    """A value that stands elsewhere is none."""
    return isinstance(value, dict) and as_reference(value) is None
