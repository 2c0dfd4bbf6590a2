"""Tables of what finished runs measured, read from their work directories."""
