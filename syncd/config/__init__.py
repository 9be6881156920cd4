"""The configuration: one TOML file, validated as a whole before anything runs.

`load` reads and assembles it, `places` and `words` turn its mistakes into words, `secrets` fetches what stands
elsewhere, `templates` fills in what syncs have in common, `model` is what it may say, `schema` the same as JSON Schema,
`showing` prints it as it holds, `prefixes` says which syncs are not kept apart, `likeness` which lists have the same
people, `drafting` writes a first one.
"""

from syncd.config.document import NOT_ASKED
from syncd.config.load import find_config, load
from syncd.config.schema import json_schema

__all__ = ["NOT_ASKED", "drafting", "find_config", "json_schema", "likeness", "load", "model", "prefixes", "showing"]
