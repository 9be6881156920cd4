"""A file on another machine: it is downloaded whole, into a file without a name, before anything of it is read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from syncd.errors import IncompleteRead, lacks_extra
from syncd.sources.files import https, s3, sftp
from syncd.sources.files.download import Download
from syncd.sources.files.opening import FileOptions, OpenFile, Waiting

FETCH = {"https": https.fetch, "s3": s3.fetch, "sftp": sftp.fetch}


@contextmanager
def downloaded(options: FileOptions, base: Path, waiting: Waiting) -> Iterator[OpenFile]:
    """The file under `options.url`, whole.

    Raises IncompleteRead where it can't be had. No message holds more of the address than the name and the host.
    """
    with TemporaryFile() as file:
        download = Download(options=options, base=base, file=file, waiting=waiting)
        try:
            name, changed = FETCH[options.scheme](download)
        except ImportError:
            raise IncompleteRead(download.host, lacks_extra("remote")) from None
        version = f"{file.seek(0, os.SEEK_END)} {changed}"
        file.seek(0)
        yield OpenFile(name=name, raw=cast("BinaryIO", file), version=version)
