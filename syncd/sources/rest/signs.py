"""What an answer says about there being more than came: by its status and headers, and by keys beside the list.

A part that is taken for the whole list makes people absent. Keys are known by their names, without case and
punctuation, so a configured `total` or `more` outweighs them; what HTTP itself says, and errors, always count.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeGuard

import httpx

from syncd.domain.nearest import bare_name
from syncd.errors import IncompleteRead
from syncd.sources.rest.links import next_link

_LINKED = "links[?rel=='next'].href | [0]"
_BESIDE = frozenset(
    "meta metadata paging pagination page pageinfo pagingmetadata info links responsemetadata additionaldata".split()
)
_NEXT = frozenset(
    "next nextlink odatanextlink nexturl nexturi nexthref nextrecordsurl nextpage nextpageurl nextpagelink nextcursor "
    "nextpagecursor nexttoken nextpagetoken nextoffset nextbatch nextmarker continuationtoken hydranext".split()
) | {bare_name(_LINKED)}
_MORE = frozenset(
    "more hasmore hasmoreitems hasmorerecords hasmoreresults hasmorepages hasnext hasnextpage moreitemsincollection "
    "morerecords moreresults moreitems moreavailable istruncated truncated incompleteresults partial".split()
)
_DONE = frozenset("done last islast lastpage islastpage iscomplete".split())
_TOTAL = frozenset(
    "total totalcount totalsize totalrecords totalresults totalitems totalelements totalentries totalhits "
    "odatacount hydratotalitems".split()
)
_PAGES = frozenset("pages totalpages pagecount numpages pagestotal totalpagecount lastpage".split())
_ERRORS = frozenset("error errors".split())
_SUCCESS = frozenset("success ok issuccess".split())
_FINE = frozenset(" none null false 0 ok success no noerror".split(" "))
_NONE = frozenset(" none null false 0 -1".split(" "))
_NAME = re.compile(r"[@_A-Za-z][\w@.:-]{0,39}")
_RANGE = re.compile(r"(?:(\w+)\s+)?(?:(\d+)-(\d+)|\*)/(\d+)")
_DEPTH = 4

Place: TypeAlias = tuple[str, ...]  # the keys that lead to a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last answer with a list, `count` records long; `read` counts the records of all `number` answers."""

    place: str
    status: int
    headers: httpx.Headers = field(repr=False)
    document: object = field(repr=False)
    count: int
    number: int
    read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What the configuration follows. `is_told`: `total` or `more` says where the end is."""

    records: str | None
    is_paged: bool
    is_counted: bool
    is_told: bool

    @property
    def _is_whole_list(self) -> bool:
        """Whether `records` takes all of a list, so that their number may be compared with a total."""
        return self.records is None or "[?" not in self.records

    def refuse_more(self, last: Last) -> None:
        """Raises IncompleteRead where the answer after which nothing was asked says that there is more."""
        self._refuse_range(last)
        if self.is_told:
            return
        if last.status == httpx.codes.PARTIAL_CONTENT and not self.is_paged:
            raise _more(last, "by its status (206) it is a part of the list", f"set pagination{self._otherwise}")
        for place, value in _beside(last.document, last.count):
            self._judge(last, place, value, _toml(place))
        for name, text in last.headers.items():
            bare = bare_name(re.sub(r"^x-(?:wp-|pagination-)?", "", name))
            if bare in _NEXT | _TOTAL | _PAGES:
                value = int(text) if re.fullmatch(r"[0-9]{1,15}", text) else text
                self._judge(last, (bare,), value, f'"header:{name}"', header=name)

    def _refuse_range(self, last: Last) -> None:
        if found := _RANGE.search(last.headers.get("Content-Range", "")):
            unit, _, end, size = found.groups()
            is_short = unit != "bytes" and self._is_whole_list and last.read < int(size)
            if is_short or (end and int(end) + 1 < int(size)):
                what = f"Content-Range tells {size}, and {last.read} records came"
                raise _more(last, what, 'set pagination, and total = "header:Content-Range"')
        if next_link(last.headers) and not (self.is_paged and (self.is_told or self.is_counted)):
            raise IncompleteRead(
                last.place,
                "the source has more pages than this one",
                remedy='set pagination, here { type = "link-header" }',
            )

    def _judge(self, last: Last, place: Place, value: object, toml: str, header: str | None = None) -> None:
        name, key = bare_name(place[-1]), header or ".".join(place)
        if name in _TOTAL and self._counts_total(last) and _is_whole(value) and value > last.read:
            remedy = f"set pagination to how the API gives the others, and total = {toml}"
            if self.is_counted:
                remedy = f"set total = {toml}; if it counts something else, set pagination.more"
            elif self.is_paged:
                remedy = f"check pagination against a real answer, and set total = {toml}"
            raise _more(last, f"{key} is {value}, and {last.read} records came", remedy + self._otherwise)
        if header is None and _tells_more(name, value):
            more = _toml(place, " == `false`" if value is False else "")
            remedy = f"set pagination to how the API gives the others; pages, offsets and cursors take more = {more}"
            raise _more(last, f"{key} is {str(value).lower()}", remedy + self._otherwise)
        if self.is_counted:  # its end is an empty page
            return
        if name in _NEXT and (way := _way(value)) is not None:
            raise _more(last, f"{key} names another page", _follow(place, value, way, header) + self._otherwise)
        if name in _PAGES and _is_whole(value) and value > last.number:
            raise _more(last, f"{key} is {value}, and {last.number} came", f"set pagination{self._otherwise}")

    def _counts_total(self, last: Last) -> bool:
        """An address or a cursor that was followed to its end outweighs a number."""
        return self._is_whole_list and (self.is_counted or not self.is_paged or last.number == 1)

    @property
    def _otherwise(self) -> str:
        if self.is_paged:
            return ""
        records = self.records or "@"
        length = f'"length({records})"' if '"' not in records else f"'length({records})'"
        return f"; if it means something else, set total = {length}"


def refuse_errors(document: object, count: int, place: str) -> None:
    """Raises IncompleteRead where errors stand beside the list: what they are about is not in it."""
    for path, value in _beside(document, count):
        name = bare_name(path[-1])
        if (name in _ERRORS and not _is_fine(value)) or (name in _SUCCESS and value is False):
            raise IncompleteRead(
                place,
                f"the answer tells errors beside the list, under {'.'.join(path)}",
                remedy="see with the API what they say: the list may lack records; the next run reads anew",
            )


def _more(last: Last, what: str, remedy: str) -> IncompleteRead:
    return IncompleteRead(last.place, f"the answer says that there are more records: {what}", remedy=remedy)


# --- where keys are looked for ---


def _beside(document: object, count: int) -> Iterator[tuple[Place, Any]]:
    """What stands at the top, beside the list and above it, and in the tables there that tell of pages."""
    return _entries(document, (), count, _DEPTH) if isinstance(document, dict) else iter(())


def _entries(table: Mapping[str, Any], place: Place, count: int, depth: int) -> Iterator[tuple[Place, Any]]:
    for key, value in table.items():
        if not _NAME.fullmatch(key):
            continue
        yield (*place, key), value
        name = bare_name(key)
        if name == "links" and isinstance(value, list):
            yield from (((*place, _LINKED), link.get("href")) for link in value if _is_next_link(link))
        elif isinstance(value, dict) and depth and (name in _BESIDE or _holds(value, count, depth)):
            yield from _entries(value, (*place, key), count, depth - 1)


def _holds(table: Mapping[str, Any], count: int, depth: int) -> bool:
    """Whether the list is in there: one as long as the list of records, which an expression may have made of it."""
    return any(
        (isinstance(value, list) and len(value) == count)
        or (isinstance(value, dict) and depth > 0 and _holds(value, count, depth - 1))
        for value in table.values()
    )


def _is_next_link(link: object) -> bool:
    return isinstance(link, dict) and link.get("rel") == "next"


# --- what a value says ---


def _tells_more(name: str, value: object) -> bool:
    return (name in _MORE and value is True) or (name in _DONE and value is False)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_fine(value: object) -> bool:
    """Whether a key that is there in each answer says that there was no error."""
    if isinstance(value, dict):
        return all(_is_fine(inner) for inner in value.values())
    if isinstance(value, str):
        return bare_name(value) in _FINE
    return not value


def _way(value: object) -> Place | None:
    """The keys to a next page's address or cursor within the value; None where there is none."""
    if isinstance(value, dict):
        ways = ((key, _way(value[key])) for key in sorted(value, key=lambda key: key not in ("href", "url", "link")))
        return next(((key, *way) for key, way in ways if way is not None), None)
    if isinstance(value, str):
        return None if value.strip().lower() in _NONE else ()
    return () if value is True or (_is_whole(value) and value > 0) else None


def _follow(place: Place, value: Any, way: Place, header: str | None) -> str:  # noqa: ANN401 - any JSON
    for key in way:
        value = value[key]
    is_address = isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))
    if header and is_address:
        return f'set pagination = {{ type = "header", header = "{header}" }}'
    path = _toml((*place, *way))
    if is_address:
        return f'set pagination = {{ type = "next-url", next = {path} }}'
    if header:
        return "set pagination to how the API gives the others"
    if isinstance(value, str) or "cursor" in bare_name(place[-1]):
        return f'set pagination = {{ type = "cursor", cursor_param = the API\'s name for it, cursor = {path} }}'
    return 'set pagination, here { type = "page" } or { type = "offset" }'


def _toml(place: Sequence[str], after: str = "") -> str:
    """The place as a JMESPath expression, as it is written in the configuration."""
    is_plain = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
    path = ".".join(key if is_plain(key) or key == _LINKED else f'"{key}"' for key in place) + after
    return f"'{path}'" if '"' in path else f'"{path}"'
