"""JSON schema of study files, for completion and checks in editors."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hpo.config.document import EXTENDS
from hpo.config.schema import StudySettings
from hpo.config.study_file import StudyFile
from hpo.search_space.validation import named_trees
from segada.settings import RunSettings
from segada.settings.named_kinds import CodeSettings, named_code_schema
from segada.settings.nested import Tree
from segada.settings.run import DEFAULT_NAMES
from segada.settings.schema import all_paths, code_kinds, slots

Schema = dict[str, Any]

DEFINITIONS = "#/$defs/"


def study_schema(file: StudyFile | None = None) -> Schema:
    """Returns the schema (JSON Schema 2020-12) of a study file; a file that extends another may omit required keys.

    It contains every key with type, range and description, and every path that a parameter can have. Relations between
    keys are checked by `load_study` alone.

    Args:
        file: Study that names code of the user, whose settings and paths are added; None adds none.
    """
    trees = [] if file is None else named_trees(file.space, file.settings.run)
    run = _with_code(RunSettings.model_json_schema(), trees)
    study = StudySettings.model_json_schema()
    if file is not None:
        _write_own_parts(study, file.settings)
    definitions: Schema = study.pop("$defs")
    definitions["Parameter"] = study["properties"]["space"]["additionalProperties"]
    _write_free_mappings(study["properties"], trees)
    described = {"$ref": f"{DEFINITIONS}Run", "description": study["properties"]["run"]["description"]}
    # An external engine has settings of its own.
    is_external = {"properties": {"engine": {"type": "object"}}, "required": ["engine"]}
    by_engine = {"if": is_external, "else": {"properties": {"run": described}}}
    sections = {f"Run.{name}": _partial(_moved(one, "Run.")) for name, one in run.pop("$defs").items()}
    sections["Run"] = _partial(_moved(run, "Run."))
    parts = {f"Part.{name}": _partial(_moved(one, "Part.")) for name, one in definitions.items()}
    # In a file that extends another, null removes an inherited parameter.
    parts["Part.Parameter"] = {"anyOf": [parts["Part.Parameter"], {"type": "null"}]}
    extending = _partial(_moved(study, "Part."))
    extending["properties"][EXTENDS] = {
        "type": "string",
        "description": "Base study file: a path relative to this file's folder, or the name of a shipped study. It "
        "supplies every value that this file does not set.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study file of segada",
        "$defs": {**definitions, **parts, **sections, "Study": study | by_engine, "Extending": extending | by_engine},
        "if": {"required": [EXTENDS]},
        "then": {"$ref": f"{DEFINITIONS}Extending"},
        "else": {"$ref": f"{DEFINITIONS}Study"},
    }


def _write_own_parts(study: Schema, settings: StudySettings) -> None:
    """Adds the schemas of the settings of code that makes the sampler or the pruner, in place of that of any code."""
    properties = study["properties"]
    for section, own in (("sampler", settings.sampler), ("pruning", settings.pruning)):
        if isinstance(own, CodeSettings):
            made = _named_by_path(type(own), study["$defs"])
            properties[section] = _changed(properties[section], partial(_in_place_of_any_code, known=[made]))


def _named_by_path(kind: type[CodeSettings], definitions: Schema) -> Schema:
    """Returns the schema of the settings of code, which a file may name by a relative path; adds its definitions."""
    made: Schema = kind.model_json_schema(ref_template=f"{DEFINITIONS}{{model}}")
    definitions |= made.pop("$defs", {})
    made["properties"][kind.selector] = named_code_schema()
    return made


def _in_place_of_any_code(section: Schema, known: Sequence[Schema]) -> Schema:
    return {**section, "oneOf": [*section["oneOf"][:-1], *known]} if known and "oneOf" in section else section


def _with_code(run: Schema, trees: Sequence[Tree]) -> Schema:
    """Returns the schema of a run in which sections know the settings of the code that values name."""
    definitions, properties = dict(run["$defs"]), dict(run["properties"])
    for section in DEFAULT_NAMES:
        known = [_named_by_path(kind, definitions) for kind in code_kinds(RunSettings, section, trees)]
        properties[section] = _in_place_of_any_code(properties[section], known)
    return {**run, "$defs": definitions, "properties": properties}


def _write_free_mappings(properties: Schema, trees: Sequence[Tree]) -> None:
    """Adds the schemas of the free-form mappings `pretrain`, `space` and `start_from`."""
    changes = {"anyOf": [{"$ref": f"{DEFINITIONS}Run"}, {"type": "null"}]}
    properties["pretrain"] = {**changes, "description": properties["pretrain"]["description"]}
    parameter = {"$ref": f"{DEFINITIONS}Parameter"}
    properties["space"] |= {"properties": _paths(trees), "additionalProperties": parameter}
    start = properties["start_from"]
    # A configuration is any mapping, including a former study; a single entry needs no list.
    one = {"anyOf": start["items"].pop("oneOf")}
    properties["start_from"] = {"anyOf": [{**start, "items": one}, one], "description": start.pop("description")}


def _paths(trees: Sequence[Tree]) -> Schema:
    """Returns the schema of every path that a parameter can have, with the description of its setting."""
    found: Schema = {}
    for path in all_paths(RunSettings, trees):
        places = slots(RunSettings, path.split("."), trees)
        sentences = {place.description: None for place in places if place.description}
        found[path] = {"$ref": f"{DEFINITIONS}Parameter", "description": " / ".join(sentences)}
    return found


def _changed(part: Any, change: Callable[[Schema], Schema]) -> Any:
    """Returns a copy in which `change` is applied to every mapping, inner mappings first."""
    if isinstance(part, list):
        return [_changed(item, change) for item in part]
    return change({key: _changed(value, change) for key, value in part.items()}) if isinstance(part, dict) else part


def _partial(part: Schema) -> Any:
    """Returns the schema with every key optional, including the discriminator of a section of ours."""

    def change(one: Schema) -> Schema:
        kept = {key: value for key, value in one.items() if key not in ("discriminator", "oneOf")}
        # What may have any key is known by its name alone.
        if isinstance(one.get("required"), list) and one.get("additionalProperties") is not True:
            kept.pop("required")
        return {**kept, "anyOf": one["oneOf"]} if "oneOf" in one else kept

    return _changed(part, change)


def _moved(part: Schema, prefix: str) -> Any:
    """Returns the schema with a prefix on its references to definitions; references to `Run` stay."""

    def change(one: Schema) -> Schema:
        target = one.get("$ref")
        if not isinstance(target, str) or target == f"{DEFINITIONS}Run":
            return one
        return {**one, "$ref": f"{DEFINITIONS}{prefix}{target.removeprefix(DEFINITIONS)}"}

    return _changed(part, change)
