"""The configuration: one TOML file, validated as a whole before anything runs."""

from syncd.config.load import find_config, load
from syncd.config.model import Config, DeleteOptions, GuardOptions, StateOptions, SyncConfig
from syncd.config.schema import json_schema

__all__ = [
    "Config",
    "DeleteOptions",
    "GuardOptions",
    "StateOptions",
    "SyncConfig",
    "find_config",
    "json_schema",
    "load",
]
