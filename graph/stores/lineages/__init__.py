"""Lineages walked in process, by arrays that are made once for a snapshot."""
