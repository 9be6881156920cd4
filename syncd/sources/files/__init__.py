"""Files as sources: `opening` finds a file and waits until it is whole, `remote` downloads one from another machine.

`text` decodes, `workbook` reads what spreadsheet programs write, `table` is what all tables share, `csv` and `excel`
are the adapters.
"""
