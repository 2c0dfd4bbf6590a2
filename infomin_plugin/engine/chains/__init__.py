"""Chains of commands: the rows of a table, the runs of a sweep, stages that are done once."""
