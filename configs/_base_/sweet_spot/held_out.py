# What the views share is measured on STL-10's 8,000 test images, each against 4,095 others.
mutual_information = dict(dataset=dict(split='test'), candidates=4096, num_workers=4)
