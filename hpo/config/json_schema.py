"""The JSON schema of study files, with which editors complete and check them."""

from collections.abc import Callable
from typing import Any

from hpo.config.document import EXTENDS
from hpo.config.schema import StudySettings
from segada.settings import RunSettings
from segada.settings.schema import all_paths, slots

Schema = dict[str, Any]

DEFINITIONS = "#/$defs/"


def study_schema() -> Schema:
    """The schema (JSON Schema 2020-12) of a study file, and of one that extends another, which may say less.

    It knows every key with its type, its range and its sentence, and every path that a parameter can have. Relations
    between keys `load_study` alone checks.
    """
    run = RunSettings.model_json_schema()
    study = StudySettings.model_json_schema()
    definitions: Schema = study.pop("$defs")
    definitions["Parameter"] = study["properties"]["space"]["additionalProperties"]
    _write_rooms(study["properties"])
    sections = {f"Run.{name}": _partial(_moved(one, "Run.")) for name, one in run.pop("$defs").items()}
    sections["Run"] = _partial(_moved(run, "Run."))
    parts = {f"Part.{name}": _partial(_moved(one, "Part.")) for name, one in definitions.items()}
    # Of the parameters that are extended, null takes one out.
    parts["Part.Parameter"] = {"anyOf": [parts["Part.Parameter"], {"type": "null"}]}
    extending = _partial(_moved(study, "Part."))
    extending["properties"][EXTENDS] = {
        "type": "string",
        "description": "Another study file, seen from this one's folder, or a shipped study, whose word holds wherever "
        "this file says nothing else.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study file of segada",
        "$defs": {**definitions, **parts, **sections, "Study": study, "Extending": extending},
        "if": {"required": [EXTENDS]},
        "then": {"$ref": f"{DEFINITIONS}Extending"},
        "else": {"$ref": f"{DEFINITIONS}Study"},
    }


def _write_rooms(properties: Schema) -> None:
    """Says of free mappings what can be in them."""
    properties["run"] = {"$ref": f"{DEFINITIONS}Run", "description": properties["run"]["description"]}
    changes = {"anyOf": [{"$ref": f"{DEFINITIONS}Run"}, {"type": "null"}]}
    properties["pretrain"] = {**changes, "description": properties["pretrain"]["description"]}
    parameter = {"$ref": f"{DEFINITIONS}Parameter"}
    properties["space"] |= {"properties": _paths(), "additionalProperties": parameter}
    start = properties["start_from"]
    # A configuration is any mapping, a former study among them; and a single one needs no list.
    one = {"anyOf": start["items"].pop("oneOf")}
    properties["start_from"] = {"anyOf": [{**start, "items": one}, one], "description": start.pop("description")}


def _paths() -> Schema:
    """Every path that a parameter can have, with the sentences of its setting."""
    found: Schema = {}
    for path in all_paths(RunSettings):
        sentences = {place.description: None for place in slots(RunSettings, path.split(".")) if place.description}
        found[path] = {"$ref": f"{DEFINITIONS}Parameter", "description": " / ".join(sentences)}
    return found


def _changed(part: Any, change: Callable[[Schema], Schema]) -> Any:
    """A copy in which every mapping is changed, inner ones first."""
    if isinstance(part, list):
        return [_changed(item, change) for item in part]
    return change({key: _changed(value, change) for key, value in part.items()}) if isinstance(part, dict) else part


def _partial(part: Schema) -> Any:
    """The same of which anything may be absent, the name that tells the kind of a room too."""

    def change(one: Schema) -> Schema:
        kept = {key: value for key, value in one.items() if key not in ("discriminator", "oneOf")}
        if isinstance(one.get("required"), list):
            kept.pop("required")
        return {**kept, "anyOf": one["oneOf"]} if "oneOf" in one else kept

    return _changed(part, change)


def _moved(part: Schema, prefix: str) -> Any:
    """The same whose references are to definitions with a prefix; those to runs stay."""

    def change(one: Schema) -> Schema:
        target = one.get("$ref")
        if not isinstance(target, str) or target == f"{DEFINITIONS}Run":
            return one
        return {**one, "$ref": f"{DEFINITIONS}{prefix}{target.removeprefix(DEFINITIONS)}"}

    return _changed(part, change)
