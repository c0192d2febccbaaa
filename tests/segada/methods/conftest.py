"""Fixtures: a world of a few small frames, and the parts of a method on it."""

from collections.abc import Mapping

import pytest
from method_parts import Build, method_parts

from segada.engine.run_data import RunData, prepare_data
from segada.methods.base import MethodParts
from segada.settings import RunSettings


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


@pytest.fixture
def build(tiny_run: dict[str, object], run_data: RunData) -> Build:
    def built(changes: Mapping[str, object]) -> MethodParts:
        return method_parts(RunSettings.model_validate({**tiny_run, **changes}), run_data)

    return built
