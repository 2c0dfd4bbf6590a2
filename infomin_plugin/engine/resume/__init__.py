"""Checkpoints that survive a crash, and the place in the data that a run goes on from."""
