"""Rows in a file that survives a crash, so that a sweep can be continued."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Rows:
    """A file of rows, one line of JSON each, written whole or not at all.

    The first line is the header, which says of what they are.
    """

    def __init__(self, path: str | os.PathLike, header: Mapping[str, Any]):
        self.path = Path(path).expanduser().absolute()
        self.header = json.loads(json.dumps(header))

    def read(self) -> list[dict[str, Any]]:
        """The rows of the file. If there is none, it is begun; a last line cut short is removed.

        Raises:
            ValueError: If the file has no header, or another one.
        """
        content = self.path.read_bytes() if self.path.exists() else b""
        complete = content.rfind(b"\n") + 1
        lines = content[:complete].splitlines()
        if not lines:
            self.write(json.dumps(self.header), "wb")
            return []
        try:
            header, *rows = map(json.loads, lines)
        except ValueError:
            raise ValueError(
                f"path is {str(self.path)!r}, which is no file of a sweep: "
                "name another file, or remove this one"
            ) from None
        if header != self.header:
            different = [
                name
                for name in self.header
                if not isinstance(header, dict) or header.get(name) != self.header[name]
            ]
            raise ValueError(
                f"path is {str(self.path)!r}, which belongs to another sweep: "
                f"{', '.join(different)} differ; name another file, or remove this one"
            )
        os.truncate(self.path, complete)
        return rows

    def add(self, row: Mapping[str, Any]) -> None:
        """Append `row`; it is on disk when this returns."""
        self.write(json.dumps(row), "ab")

    def write(self, line: str, mode: str) -> None:
        with open(self.path, mode) as file:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
