"""Workbooks, one module for each form that they come in; `recognize` tells which one a file is.

Each gives the same: sheets, and of a sheet its rows as a person sees them. `formats` shows a number by its format.
"""
