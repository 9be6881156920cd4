"""The container of old Office files, and of new ones with a password: a small file system in a file."""

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property

from syncd.sources.files.workbook.sheet import Broken

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER = 512
_FREE = 0xFFFFFFFA  # numbers from here on are no sectors
_STREAM, _ROOT = 2, 5


class Container:
    """Raises Broken wherever its parts do not lead to each other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        try:
            self._shift, self._mini_shift = struct.unpack_from("<2H", content, 30)
            self._directory, _, self._cutoff = struct.unpack_from("<I4sI", content, 48)
            self._mini_table, _, next_list, _ = struct.unpack_from("<4I", content, 60)
            sectors = list(struct.unpack_from("<109I", content, 76))
        except struct.error as error:
            raise Broken from error
        if self._shift not in (9, 12) or self._mini_shift != 6:
            raise Broken
        self._size = 1 << self._shift
        for sector in self._lists(next_list):
            sectors += sector
        self._table = [link for one in sectors if one < _FREE for link in self._links(self._sector(one))]

    def _lists(self, place: int) -> Iterator[list[int]]:
        """The sectors of the table that have no room in the header; the last number of each list leads to the next."""
        seen = set()
        while place < _FREE and place not in seen:
            seen.add(place)
            *links, place = self._links(self._sector(place))
            yield links

    def _links(self, sector: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(sector) // 4}I", sector))

    def _sector(self, place: int) -> bytes:
        start = max(_HEADER, self._size) + place * self._size
        sector = self._content[start : start + self._size]
        if len(sector) < self._size:
            raise Broken
        return sector

    def _chain(self, place: int, table: list[int]) -> Iterator[int]:
        for _ in range(len(table) + 1):
            if place >= _FREE:
                return
            if place >= len(table):
                raise Broken
            yield place
            place = table[place]
        raise Broken  # it goes round

    def _read(self, place: int) -> bytes:
        return b"".join(map(self._sector, self._chain(place, self._table)))

    @cached_property
    def _entries(self) -> Mapping[str, tuple[int, int, int]]:
        """By its name a stream's kind, first sector and size."""
        found: dict[str, tuple[int, int, int]] = {}
        content = self._read(self._directory)
        for at in range(0, len(content), 128):
            length, kind = struct.unpack_from("<HB", content, at + 64)
            if kind in (_STREAM, _ROOT):
                name = content[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
                found.setdefault(name, (kind, *struct.unpack_from("<II", content, at + 116)))
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def stream(self, name: str) -> bytes:
        _, place, size = self._entries[name]
        if size >= self._cutoff:
            content = self._read(place)
        else:
            root = next((start for kind, start, _ in self._entries.values() if kind == _ROOT), _FREE)
            small = self._read(root)
            table = [
                link for one in self._chain(self._mini_table, self._table) for link in self._links(self._sector(one))
            ]
            content = b"".join(small[one << 6 : (one + 1) << 6] for one in self._chain(place, table))
        if len(content) < size:
            raise Broken
        return content[:size]
