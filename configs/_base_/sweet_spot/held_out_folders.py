# What the views share is measured on the test images, each against all others.
mutual_information = dict(dataset=dict(data_root='data/cutouts/classify/test'))
