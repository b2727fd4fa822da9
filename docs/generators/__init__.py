"""Builds what the reference pages say about the code: `pages.fill` is the file to open first.

A page of docs/reference has its prose, and a marker where a table belongs:

    <!-- generated: events -->

Where a table with notes follows the marker, its rows get further columns: the notes are written by hand, the rest comes
from the code. Nothing here imports MkDocs, so that the tests read the same pages without it.
"""
