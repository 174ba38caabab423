# What alicred and its examples use of this package, and no more.
from .instance import Instance as Instance
from .table import Table as Table
