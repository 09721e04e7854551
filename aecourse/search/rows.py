"""Rows in a file that outlives a crash: what lets a sweep go on where it stopped."""

import json
import os
from pathlib import Path


class Rows:
    """Rows in a file, one a line of JSON, each there whole or not at all; the first line says what they are of."""

    def __init__(self, path, header):
        self.path, self.header = Path(path).expanduser().absolute(), json.loads(json.dumps(header))

    def read(self):
        """The rows that stand in the file, which is begun where it is absent; a last line that was cut off is removed."""
        whole = self.path.read_bytes() if self.path.exists() else b""
        lines = whole[: whole.rfind(b"\n") + 1].splitlines()
        if not lines:
            self.write(json.dumps(self.header), "wb")
            return []
        try:
            header, *rows = map(json.loads, lines)
        except ValueError:
            raise ValueError(
                f"path is {str(self.path)!r}, which holds no sweep: name another file, or remove this one"
            ) from None
        if header != self.header:
            other = [
                name
                for name in self.header
                if not isinstance(header, dict) or header.get(name) != self.header[name]
            ]
            raise ValueError(
                f"path is {str(self.path)!r}, which belongs to another sweep: {', '.join(other)} differ; "
                "name another file, or remove this one"
            )
        os.truncate(self.path, whole.rfind(b"\n") + 1)
        return rows

    def add(self, row):
        """Append `row`, so that it outlives the process."""
        self.write(json.dumps(row), "ab")

    def write(self, line, mode):
        with open(self.path, mode) as file:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
