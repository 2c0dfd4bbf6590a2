"""Linear accuracy on STL-10 in percent, by regime and input (Tian et al. 2020), recalled."""
published = {
    'raw': dict(RGB='81.5 ± 0.2', YDbDr='86.6 ± 0.2'),
    'unsupervised': dict(RGB='82.4 ± 3.2', YDbDr='84.3 ± 0.5'),
    'supervised': dict(RGB='79.9 ± 1.5', YDbDr='78.5 ± 2.3'),
    'semi-supervised': dict(RGB='86.0 ± 0.6', YDbDr='87.0 ± 0.3'),
}
