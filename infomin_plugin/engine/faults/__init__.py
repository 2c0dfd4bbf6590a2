"""What can fail a training, told in words: disks, files, lost processes, bad batches."""
