"""The styles of an OpenDocument: they say how its numbers are shown, in elements of which we make Excel's format."""

from dataclasses import dataclass

from syncd.sources.files.workbook.formats import PLAIN, Format, compile_format
from syncd.sources.files.workbook.xml import Handler


@dataclass(frozen=True, slots=True)
class Style:
    format: Format = PLAIN
    has_time: bool = False


_FORMATS = {f"number:{kind}-style" for kind in "number currency percentage date time boolean text".split()}
_SIGNS = {
    "number:currency-symbol": "[$€]",
    "number:scientific-number": "0E+0",
    "number:fraction": "?/?",
    "number:fill-character": "* ",
    "number:text-content": "@",
}


class StyleReader(Handler):
    """Of styles.xml first, then of what stands before the tables in content.xml."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden_tables: set[str] = set()
        self.cells: dict[str, Style] = {}
        self._codes: dict[str, str] = {}
        self._timed: set[str] = set()
        self._parents: dict[str, tuple[str, str]] = {}  # of a cell's style: the format and the style that it is made of
        self._new: list[str] = []  # styles whose format is not yet looked up
        self._name = self._code = ""
        self._maps: list[str] = []
        self._style = ""
        self._number: dict[str, str] | None = None
        self._embedded: list[tuple[int, str]] = []
        self._words: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _FORMATS:
            self._name, self._code, self._maps = attributes.get("style:name", ""), "", []
        elif name.startswith("number:"):
            self._start_number(name, attributes)
        elif name == "style:map" and self._name:
            condition = attributes.get("style:condition", "").replace("value()", "").replace("!=", "<>")
            self._maps.append(f"[{condition}]{self._codes.get(attributes.get('style:apply-style-name', ''), '')}")
        elif name == "style:style":
            self._style = attributes.get("style:name", "")
            if attributes.get("style:family") == "table-cell":
                made_of = attributes.get("style:data-style-name", ""), attributes.get("style:parent-style-name", "")
                self._parents[self._style] = made_of
                self._new.append(self._style)
        elif name == "style:table-properties" and attributes.get("table:display") == "false":
            self.hidden_tables.add(self._style)

    def _start_number(self, name: str, attributes: dict[str, str]) -> None:
        if name == "number:number":
            self._number, self._embedded = attributes, []
        elif name in {"number:text", "number:embedded-text"}:
            self._words = []
            if name == "number:embedded-text":
                self._embedded.append((int(attributes.get("number:position", 0)), ""))
        elif name == "number:hours":
            self._timed.add(self._name)
        else:
            self._code += _SIGNS.get(name, "")

    def text(self, text: str) -> None:
        if self._words is not None:
            self._words.append(text)

    def end(self, name: str) -> None:
        if name == "number:text":
            self._code += "".join(map(_quoted, self._words or ()))
            self._words = None
        elif name == "number:embedded-text":
            self._embedded[-1] = self._embedded[-1][0], "".join(self._words or ())
            self._words = None
        elif name == "number:number" and self._number is not None:
            self._code += _digits(self._number, self._embedded)
            self._number = None
        elif name in _FORMATS:
            self._codes[self._name] = ";".join([*self._maps, self._code])
            self._name = ""
        elif name in {"office:automatic-styles", "office:styles"}:
            self._compile()

    def _compile(self) -> None:
        """Once its part ends: another part may have formats of the same names."""
        for style in self._new:
            format_name, seen = "", style
            for _ in range(20):  # a style that is made of itself has no format
                if not (found := self._parents.get(seen)) or (format_name := found[0]):
                    break
                seen = found[1]
            code = self._codes.get(format_name, "")
            self.cells[style] = Style(format=compile_format(code), has_time=format_name in self._timed)
        self._new = []


def _quoted(text: str) -> str:
    return "%".join(f'"{part}"' if part else "" for part in text.replace('"', "''").split("%"))


def _digits(number: dict[str, str], embedded: list[tuple[int, str]]) -> str:
    """`00000`, `#,##0` or `00.00`; texts stand before so many of its digits."""
    least = int(number.get("number:min-integer-digits", 1))
    count = min(max(least, 1, *(place for place, _ in embedded)), 400) if embedded else min(max(least, 1), 400)
    words = dict(embedded)
    code = ""
    for place in range(count, 0, -1):
        code += _quoted(words.get(place, "")) + ("0" if place <= least else "#")
    code += _quoted(words.get(0, ""))
    if number.get("number:grouping") == "true":
        code = f"#,{code}"
    decimals = min(int(number.get("number:decimal-places", 0)), 20)
    return code + ("." + "0" * decimals if decimals else "")
