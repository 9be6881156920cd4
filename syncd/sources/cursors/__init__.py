"""Since when changes are asked for: `times` and `numbers` are what records show, `bounds` is how a read uses them.

Pure. Each source that reads changes puts the bound into its own question.
"""
