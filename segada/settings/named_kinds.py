"""Sections chosen by name: the settings class of each kind, ours by a table, the user's by `module:attribute`.

The name of code stands for an object whose attribute `Settings`, a subclass of `segada.settings.base.Settings`,
declares its settings; without the attribute it has none of its own.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Union, cast, get_args

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from segada.core.named_code import MARK, is_code, is_file_of_code, load_code
from segada.errors import InputError
from segada.settings.base import Settings
from segada.settings.nested import Value
from segada.settings.roles import check_role

ATTRIBUTE: Final = "Settings"
"""Attribute of the user's code that holds its settings class."""


class CodeSettings(Settings):
    """Base of the settings of the user's code, in sections of every role."""

    role: ClassVar[str]
    """Key of `segada.settings.roles.ROLES`."""
    selector: ClassVar[str] = "name"
    """Key of the section that holds the name."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by name: the class is made anew where the code is."""
        base = next(one for one in type(self).__mro__ if "role" in one.__dict__)
        return _restored, (base, self.model_dump())


class UnreadCode(CodeSettings):
    """Settings of code that is not imported: any key with any value."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True)
class Kinds:
    """Annotation of a union of settings classes that are told apart by the value of a key.

    One member of the union is a subclass of `CodeSettings`: it stands for every class of the user's code.
    """

    selector: str = "name"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Returns the schema of our own kinds, wrapped for names of code."""
        base = code_kind(source)
        ours = tuple(kind for kind in get_args(source) if kind is not base)
        inner = handler.generate_schema(Annotated[Union[ours], Field(discriminator=self.selector)])  # noqa: UP007 - a tuple

        def validate(value: Any, ours: core_schema.ValidatorFunctionWrapHandler) -> Any:
            if isinstance(value, base):
                return value
            name = value.get(self.selector) if isinstance(value, Mapping) else None
            return read_code(base, name, value) if isinstance(name, str) and is_code(name) else ours(value)

        def dump(value: Any, ours: core_schema.SerializerFunctionWrapHandler, info: Any) -> Any:
            if not isinstance(value, base):
                return ours(value)
            return value.model_dump(mode=info.mode, include=info.include, exclude=info.exclude)

        dumped = core_schema.wrap_serializer_function_ser_schema(dump, info_arg=True, schema=inner)
        return core_schema.no_info_wrap_validator_function(validate, inner, serialization=dumped)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Returns the JSON schema of our own kinds and of any code of the user."""
        ours = handler(schema)
        named = {"properties": {self.selector: named_code_schema()}, "required": [self.selector]}
        code = {"type": "object", **named, "additionalProperties": True}
        return {**ours, "oneOf": [*ours["oneOf"], code]}


def named_code_schema() -> dict[str, Any]:
    """Returns the JSON schema of a name of code."""
    return {"type": "string", "pattern": MARK, "description": "Code of yours: module:attribute, or ./file.py:name."}


@dataclass(frozen=True)
class OrCode:
    """Annotation of a literal type: its values, or code of the user that has a role.

    Attributes:
        role: Key of `segada.settings.roles.ROLES`.
    """

    role: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Returns the schema of the literal, wrapped for names of code."""

        def validate(value: Any, ours: core_schema.ValidatorFunctionWrapHandler) -> Any:
            return checked_name(self.role, value) if isinstance(value, str) and is_code(value) else ours(value)

        text = core_schema.simple_ser_schema("str")
        return core_schema.no_info_wrap_validator_function(validate, handler(source), serialization=text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Returns the JSON schema of the literal and of any code of the user."""
        return {"anyOf": [handler(schema), {"type": "string", "pattern": MARK}]}


def checked_name(role: str, name: str) -> str:
    """Returns the name of code that a setting of type string holds, with an absolute path.

    Args:
        role: Key of `segada.settings.roles.ROLES`.
        name: Name of the code.

    Raises:
        pydantic_core.PydanticCustomError: The code cannot be imported, or does not have the role.
    """
    whole = absolute(name)
    if not _Reading.only:
        try:
            check_role(role, whole, load_code(whole))
        except InputError as error:
            raise _unusable(error) from None
    return whole


def code_kind(union: Any) -> type[CodeSettings]:
    """Returns the member of a union that stands for the user's code."""
    kinds: tuple[type[Settings], ...] = get_args(union)
    return next(kind for kind in kinds if issubclass(kind, CodeSettings))


def settings_class(base: type[CodeSettings], name: str) -> type[CodeSettings]:
    """Returns the settings class of the code that a section names; the same one each time.

    Args:
        base: Class of the role, whose settings the section has in any case.
        name: Name of the code.

    Raises:
        InputError: There is no such code, or its attribute `Settings` is not a settings class.
    """
    return _unread(base) if _Reading.only else _made(base, absolute(name))


def read_code(base: type[CodeSettings], name: str, values: Mapping[str, Any]) -> CodeSettings:
    """Returns the settings of a section that names the user's code.

    Raises:
        pydantic.ValidationError: The code cannot be imported, or the values are not as its settings class demands.
    """
    try:
        kind = settings_class(base, name)
    except InputError as error:
        problem = InitErrorDetails(type=_unusable(error), loc=(base.selector,), input=name)
        raise ValidationError.from_exception_data(name, [problem]) from None
    return kind.model_validate({**values, base.selector: absolute(name)})


def absolute(name: str, folder: str | Path = "") -> str:
    """Returns the name of code with the path of its file made absolute; other names stay as they are.

    Args:
        name: Name in settings.
        folder: Folder from which a relative path is seen; empty is the current folder.
    """
    if not is_file_of_code(name):
        return name
    place, _, attribute = name.rpartition(MARK)
    return f"{os.path.normpath(Path(folder).absolute() / place)}{MARK}{attribute}"


def absolute_names(value: Value, folder: str | Path) -> Value:
    """Returns values in which all names of code are `absolute`."""
    return _renamed(value, lambda name: absolute(name, folder))


def portable(name: str) -> str:
    """Returns the name of code without the folder of its file, by which it is known wherever the file is."""
    place, mark, attribute = name.rpartition(MARK)
    return f"{Path(place).name}{mark}{attribute}" if is_file_of_code(name) else name


def portable_names(value: Value) -> Value:
    """Returns values in which all names of code are `portable`."""
    return _renamed(value, portable)


def _renamed(value: Value, change: Callable[[str], str]) -> Value:
    if isinstance(value, dict):
        return {key: _renamed(one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, change) for one in value]
    return change(value) if isinstance(value, str) else value


@contextmanager
def without_code() -> Iterator[None]:
    """Reads settings without importing the code that they name, for commands that only show what others ran.

    Sections that name code then accept any key with any value.
    """
    before, _Reading.only = _Reading.only, True
    try:
        yield
    finally:
        _Reading.only = before


def is_without_code() -> bool:
    """Returns True while `without_code` holds: no code of the user may be imported or called."""
    return _Reading.only


class _Reading:
    only: ClassVar[bool] = False
    """True while no code of the user is imported."""


def _unusable(error: InputError) -> PydanticCustomError:
    return PydanticCustomError("code", "{problem}", {"problem": str(error)})


@cache
def _unread(base: type[CodeSettings]) -> type[CodeSettings]:
    # The last base has the last word about unknown keys.
    return type("Unread", (base, UnreadCode), {"__module__": __name__})


@cache
def _made(base: type[CodeSettings], name: str) -> type[CodeSettings]:
    target = load_code(name)
    check_role(base.role, name, target)
    own = getattr(target, ATTRIBUTE, base)
    if not (isinstance(own, type) and issubclass(own, Settings)):
        cure = "derive it from segada.settings.base.Settings, or leave it out"
        raise InputError(f"{name!r}: its attribute {ATTRIBUTE} is not a settings class, but {own!r}; {cure}")
    bases = (base,) if issubclass(base, own) else (own, base)
    fields: dict[str, Any] = {base.selector: (Literal[name], ...)}
    made: Any = create_model(name.rpartition(MARK)[2], __base__=bases, __doc__=own.__doc__, **fields)
    return cast("type[CodeSettings]", made)


def _restored(base: type[CodeSettings], values: dict[str, Any]) -> CodeSettings:
    return read_code(base, values[base.selector], values)
