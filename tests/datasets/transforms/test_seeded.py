import numpy as np

from infomin_plugin.datasets.transforms import RandomCrop, Seeded

IMG = np.random.RandomState(0).randint(256, size=(40, 40, 3)).astype(np.uint8)


def crop(seeded, index):
    return seeded(dict(img=IMG, sample_idx=index))['img']


def test_a_sample_is_always_drawn_alike():
    seeded = Seeded([dict(type='RandomCrop', size=8)])
    np.random.seed(1)
    first = [crop(seeded, i) for i in range(20)]
    np.random.seed(2)
    again = [crop(seeded, i) for i in reversed(range(20))][::-1]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len({view.tobytes() for view in first}) > 15  # and samples differ
    other = Seeded([RandomCrop(8)], seed=1)
    assert any((crop(other, i) != first[i]).any() for i in range(3))


def test_the_random_state_goes_on_as_if_nothing_had_been():
    np.random.seed(5)
    expected = np.random.random_sample(3)
    np.random.seed(5)
    found = [np.random.random_sample()]
    crop(Seeded([RandomCrop(8)]), 0)
    found += list(np.random.random_sample(2))
    assert found == list(expected)
