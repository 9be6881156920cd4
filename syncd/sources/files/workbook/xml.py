"""XML that is larger than memory: read in chunks, and what a reader has of it is taken after each."""

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from syncd.sources.files.workbook.sheet import Broken, Row

LONGEST_TEXT = 1 << 20


class Handler:
    """Hears of elements and text; `rows` are those that are read and not yet taken.

    `prefix` stands before the name of each element that is of the same namespace as the root.
    """

    prefix = ""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


def parse(chunks: Iterable[bytes], handler: Handler, *, is_whole: bool = True) -> Iterator[Row]:
    """Raises Broken where it is no valid XML, to its end if it `is_whole`."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text

    def begin(name: str, attributes: dict[str, str]) -> None:
        handler.prefix = name[: name.find(":") + 1]
        parser.StartElementHandler = handler.start
        handler.start(name, attributes)

    parser.StartElementHandler = begin
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)  # noqa: FBT003 - expat's own form
            if handler.rows:
                rows, handler.rows = handler.rows, []
                yield from rows
        parser.Parse(b"", is_whole)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Broken from error
    yield from handler.rows
