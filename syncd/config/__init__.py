"""The configuration: one TOML file, or a folder with one for each museum, validated before anything runs.

`load` reads it, `document` assembles one file of it, `folder` all, `neighbours` looks for what two museums can't both
have, `places` and `words` turn mistakes into words, `secrets` fetches what stands elsewhere, `templates` fills in what
syncs have in common, `model` is what it may say, `schema` the same as JSON Schema, `showing` prints it as it holds,
`prefixes` says which syncs are not kept apart, `likeness` which lists have the same people, `metrics` where a run
leaves its metrics, `drafting` writes a first one.
"""

from syncd.config.document import NOT_ASKED
from syncd.config.load import find_config, load
from syncd.config.schema import json_schema

__all__ = [
    "NOT_ASKED",
    "drafting",
    "find_config",
    "folder",
    "json_schema",
    "likeness",
    "load",
    "metrics",
    "model",
    "prefixes",
    "showing",
]
