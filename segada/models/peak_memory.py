"""How much memory adapting takes: the most bytes of tensors that were alive at one time.

Not the process's resident set: a worker is used for one trial after another and keeps what it frees, so that it would
speak of the greatest trial so far. And of adapting alone: frames are evaluated in batches of any size.
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
"""Steps of a kind whose tensors are counted: the first makes the optimizer's moments, the second begins with them."""


class MemoryMeter(ABC):
    """The greatest memory since a run began.

    Attributes:
        peak: In bytes; 0 before the first step.
    """

    def __init__(self) -> None:
        self.peak = 0

    @property
    def mebibytes(self) -> float:
        """`peak` in MiB."""
        return self.peak / MEBIBYTE

    @abstractmethod
    def step(self) -> AbstractContextManager[object]:
        """The work inside is a step of the stream."""

    @abstractmethod
    def part(self, *kind: object) -> AbstractContextManager[object]:
        """The work inside takes as much memory as other work of this kind."""

    def state_dict(self) -> dict[str, Any]:
        """What a run that goes on needs to come to the same peak."""
        return {"peak": self.peak}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave; of a checkpoint that is older than this measure, nothing."""
        self.peak = state.get("peak", 0)


class AllocatorPeak(MemoryMeter):
    """On a GPU: what torch's allocator had given out, over every step, what the method does not use included."""

    def step(self) -> AbstractContextManager[object]:
        """Counts the work inside."""
        return self._counted()

    def part(self, *kind: object) -> AbstractContextManager[object]:  # noqa: ARG002 - every step is counted
        """Counts nothing more."""
        return nullcontext()

    @contextmanager
    def _counted(self) -> Any:
        torch.cuda.reset_peak_memory_stats()
        yield
        self.peak = max(self.peak, torch.cuda.max_memory_allocated())


class TensorCount(MemoryMeter):
    """On a CPU: the network and every tensor that the method's work touches, in the first steps of each kind.

    The same on every machine. What an operation allocates inside itself is not seen.
    """

    def __init__(self, network: Segmentor) -> None:
        super().__init__()
        self._network = network
        self._counted: dict[str, int] = {}

    def step(self) -> AbstractContextManager[object]:
        """Counts nothing more than the parts."""
        return nullcontext()

    def part(self, *kind: object) -> AbstractContextManager[object]:
        """Counts the work inside, unless enough of its kind was counted."""
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
        """And how much of each kind was counted."""
        return {**super().state_dict(), "counted": dict(self._counted)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self._counted = dict(state.get("counted", {}))


class Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that are alive while it is entered, each storage once.

    Attributes:
        now: Bytes alive.
        peak: The most that were.
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
        """Lets the operation be, and looks at what goes in and what comes out."""
        self.see(args)
        made = func(*args, **(kwargs or {}))
        self._look((made,), self._made)
        return made

    def see(self, values: Iterable[object]) -> None:
        """Counts tensors that there were before: what is met only now was alive at the peak, too."""
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
    """The measure of the device that the network is on."""
    return TensorCount(network) if network.mean.device.type == "cpu" else AllocatorPeak()
