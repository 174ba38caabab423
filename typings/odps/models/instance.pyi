# What alicred and its examples use of this package, and no more.
from odps.readers import CsvRecordReader

class Instance:
    def open_reader(self, *, tunnel: bool = ...) -> CsvRecordReader: ...
