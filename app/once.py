"""Heavy answers that many ask for: computed once for each question, off the event loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from app.workbench import Workbench

KEPT = 64
_T = TypeVar("_T")


class OnceCache:
    """Keeps the newest answers; who asks while one is computed waits for that one."""

    def __init__(self, bench: Workbench, size: int = KEPT) -> None:
        self._bench = bench
        self._size = size
        self._answers: OrderedDict[Hashable, asyncio.Task[Any]] = OrderedDict()

    async def get(self, key: Hashable, compute: Callable[[], _T]) -> _T:
        """Return the answer to `key`; a failure is not kept."""
        task = self._answers.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._bench.run(compute))
            self._answers[key] = task
            if len(self._answers) > self._size:
                self._answers.popitem(last=False)
        answer: _T = await asyncio.shield(task)
        return answer
