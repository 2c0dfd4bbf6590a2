"""Fixed statistics of the views Y | Db, Dr of RGB in 0…1, as in the authors' code (PyContrast)."""
ydbdr_norm = dict(mean=(0.457, -0.082, -0.052), std=(0.500, 1.331, 1.333))
