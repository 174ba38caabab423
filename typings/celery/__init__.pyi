# What docs/examples/pools uses of Celery, which has no types of its own.
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

class Task(Generic[P, R]):
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

class Celery:
    def __init__(self, main: str) -> None: ...
    def config_from_object(self, obj: str) -> None: ...
    def task(self, *, acks_late: bool = ..., reject_on_worker_lost: bool = ...) -> Callable[[Callable[P, R]], Task[P, R]]: ...
