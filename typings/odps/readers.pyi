# What alicred and its examples use of this package, and no more.
from collections.abc import Iterator
from types import TracebackType

from odps.types import Record

class CsvRecordReader:
    def __iter__(self) -> Iterator[Record]: ...
    def __enter__(self) -> CsvRecordReader: ...
    def __exit__(self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None) -> None: ...
