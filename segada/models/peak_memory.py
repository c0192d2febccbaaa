"""Peak memory of adaptation: the greatest number of bytes of tensors alive at one time.

This is not the process's resident set: a worker runs one trial after another and keeps freed memory, so that the
resident set would show the largest trial so far. Only adaptation counts: frames are evaluated in batches of any size.
"""

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from segada.models.segmentor import Segmentor

MEBIBYTE = 2**20
STEPS = 2
"""Number of steps of a kind whose tensors are counted: the first creates the optimizer's moments, the second starts
with them."""


class MemoryMeter(ABC):
    """Base of meters of the peak memory since a run began.

    Attributes:
        peak: Peak in bytes; 0 before the first step.
    """

    def __init__(self) -> None:
        self.peak = 0

    @property
    def mebibytes(self) -> float:
        """Peak in MiB."""
        return self.peak / MEBIBYTE

    @abstractmethod
    def step(self) -> AbstractContextManager[object]:
        """Returns a context whose work is a step of the stream."""

    @abstractmethod
    def part(self, *kind: object) -> AbstractContextManager[object]:
        """Returns a context whose work takes as much memory as other work of the same kind."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the state that a resumed run needs to get the same peak."""
        return {"peak": self.peak}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state of `state_dict`; a checkpoint older than this measure has none."""
        self.peak = state.get("peak", 0)


class AllocatorPeak(MemoryMeter):
    """Peak memory on a GPU: allocations of torch's allocator, over every step, including memory that the method does
    not use."""

    def step(self) -> AbstractContextManager[object]:
        """Counts the work in the context."""
        return self._counted()

    def part(self, *kind: object) -> AbstractContextManager[object]:  # noqa: ARG002 - every step is counted
        """Returns an empty context, since every step is counted."""
        return nullcontext()

    @contextmanager
    def _counted(self) -> Any:
        torch.cuda.reset_peak_memory_stats()
        yield
        self.peak = max(self.peak, torch.cuda.max_memory_allocated())


class TensorCount(MemoryMeter):
    """Peak memory on a CPU: the network and every tensor that the method's work touches, in the first steps of each
    kind.

    It is the same on every machine. Memory that an operation allocates internally is not counted.
    """

    def __init__(self, network: Segmentor) -> None:
        super().__init__()
        self._network = network
        self._counted: dict[str, int] = {}

    def step(self) -> AbstractContextManager[object]:
        """Returns an empty context, since only parts are counted."""
        return nullcontext()

    def part(self, *kind: object) -> AbstractContextManager[object]:
        """Counts the work in the context, unless enough work of its kind has been counted."""
        name = " ".join(map(str, kind))
        count = self._counted.get(name, 0)
        if count == STEPS:
            return nullcontext()
        self._counted[name] = count + 1
        return self._counting()

    @contextmanager
    def _counting(self) -> Any:
        with Living() as living:
            living.see((*self._network.parameters(), *self._network.buffers()))
            yield
        self.peak = max(self.peak, living.peak)

    def state_dict(self) -> dict[str, Any]:
        """Returns the state, with the number of counted steps of each kind."""
        return {**super().state_dict(), "counted": dict(self._counted)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state of `state_dict`."""
        super().load_state_dict(state)
        self._counted = dict(state.get("counted", {}))


class Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors alive inside the context, each storage once.

    Attributes:
        now: Bytes alive now.
        peak: Greatest number of bytes alive.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Runs the operation and counts its inputs and outputs."""
        self.see(args)
        made = func(*args, **(kwargs or {}))
        self._look((made,), self._made)
        return made

    def see(self, values: Iterable[object]) -> None:
        """Counts tensors that existed before: a tensor first found now was also alive at the peak."""
        self._look(values, self._found)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        self._alive.clear()

    def _look(self, values: Iterable[object], count: Callable[[int], None]) -> None:
        for value in values:
            if isinstance(value, Tensor):
                storage = value.untyped_storage()
                if storage._cdata not in self._alive:
                    self._keep(storage)
                    count(storage.nbytes())
            elif isinstance(value, list | tuple):
                self._look(value, count)

    def _made(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)

    def _found(self, size: int) -> None:
        self.now += size
        self.peak += size

    def _keep(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()

        def gone(_: object) -> None:
            del self._alive[address]
            self.now -= size

        self._alive[address] = weakref.ref(storage, gone)


def memory_meter(network: Segmentor) -> MemoryMeter:
    """Returns the memory meter of the device that the network is on."""
    return TensorCount(network) if network.mean.device.type == "cpu" else AllocatorPeak()
