# Low frequencies in view 1, high ones in view 2; three channels each.
generator = dict(type='FrequencySplit', sigma=0.7)
sweep = dict(
    keys=['model.generator.sigma'],
    values=[0.3, 0.5, 0.7, 1.0, 2.0, 4.0],
    label='sigma of the low pass, px')
