"""What a config leaves to the data or the weights is filled in, and checked, before it is built."""
