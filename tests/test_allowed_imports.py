"""What `hpo` may import: of `segada` a list of light modules, no torch, and Ray in two places."""

from collections.abc import Iterator

import grimp
import pytest

LIGHT = (
    "segada",
    "segada.artifacts.run_files",
    "segada.cli.console",
    "segada.cli.dispatch",
    "segada.cli.exit_codes",
    "segada.cli.interruption",
    "segada.cli.output_dir",
    "segada.core.atomic_io",
    "segada.core.named_code",
    "segada.core.printing",
    "segada.core.run_names",
    "segada.core.spreadsheet",
    "segada.core.output_pipe",
    "segada.core.storage_errors",
    "segada.errors",
    "segada.metrics",
    "segada.records",
    "segada.settings",
    "segada.testing.command",
    "segada.testing.findings",
    "segada.testing.suite",
)
"""All that `hpo` may import of `segada`: these modules, and those of the package `segada.settings`."""
BRIDGE = "hpo.execution.trainable"
"""The only module of `hpo` that imports the engine."""
RAY = ("hpo.execution", "hpo.submission.job_server")
HEAVY = ("torch", "torchvision", "timm", "mmcv", "mmengine", "cv2")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "hpo", "segada", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def imports_of_hpo(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for importer in sorted(graph.modules):
        if is_in(importer, "hpo"):
            yield from ((importer, imported) for imported in sorted(graph.find_modules_directly_imported_by(importer)))


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def is_light(module: str) -> bool:
    return module in LIGHT or is_in(module, "segada.settings")


def test_hpo_imports_of_segada_what_is_light_and_the_engine_in_the_bridge_alone(graph: grimp.ImportGraph) -> None:
    found = [
        (importer, imported)
        for importer, imported in imports_of_hpo(graph)
        if is_in(imported, "segada") and not is_light(imported) and importer != BRIDGE
    ]
    assert found == []


def test_the_list_names_what_exists_and_what_hpo_imports(graph: grimp.ImportGraph) -> None:
    imported = {imported for importer, imported in imports_of_hpo(graph) if importer != BRIDGE}
    for module in LIGHT:
        assert any(is_in(one, module) for one in imported), f"{module} is on the list, and hpo does not import it"


def test_what_is_light_does_not_import_torch_by_any_way(graph: grimp.ImportGraph) -> None:
    light = [module for module in graph.modules if is_in(module, "segada") and is_light(module)]
    chains = [graph.find_shortest_chain(module, heavy) for module in light for heavy in HEAVY if heavy in graph.modules]
    assert [chain for chain in chains if chain is not None] == []


@pytest.mark.parametrize(("library", "places"), [("ray", RAY), *((heavy, ()) for heavy in HEAVY)])
def test_a_library_is_imported_in_its_places_alone(
    graph: grimp.ImportGraph, library: str, places: tuple[str, ...]
) -> None:
    importers = [importer for importer, imported in imports_of_hpo(graph) if imported == library]
    assert [one for one in importers if not any(is_in(one, place) for place in places)] == []
    assert not places or importers
