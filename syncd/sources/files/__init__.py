"""Files as sources: `opening` finds a file and waits until it is whole, `remote` downloads one from another machine.

`text` decodes, `table` is what all tables share, `csv` and `excel` are the adapters.
"""
