"""I_NCE of a trained model on held-out images; on two processes. Also the process started."""

import math
import sys
from pathlib import Path

import pytest
import torch
from image_sets import write_folder_set
from mmengine.config import Config
from two_processes import results_of, work
from two_views import encoders

from infomin_plugin.engine.measures.mutual_information import measure_mutual_information
from infomin_plugin.evaluation.mutual_information import estimate, info_nce_terms
from infomin_plugin.models import CrossViewContrast

TEMPERATURE = 0.2
MEMORIES = {'batch': None, 'queue': dict(type='KeyQueue', length=10, channels=4),
            'bank': dict(type='KeyBank', length=20, channels=4, num_negatives=9)}
PREPROCESSOR = dict(type='infomin_plugin.ViewDataPreprocessor', mean=(0., 0., 0.),
                    std=(255., 255., 255.))
PIPELINE = [
    dict(type='LoadImage'),
    dict(type='MultiView', views=dict(num=1, recipe=[dict(type='RandomCrop', size=32)])),
    dict(type='PackViews', meta_keys=('sample_idx', )),
]


def config(root, memory='batch', **settings):
    return Config(dict(
        default_scope='infomin_plugin',
        model=dict(type='CrossViewContrast', data_preprocessor=PREPROCESSOR,
                   generator=dict(type='ColorSpaceGenerator', space='YDbDr'), encoders=encoders(),
                   head=dict(type='ContrastiveHead', temperature=TEMPERATURE),
                   memory=MEMORIES[memory]),
        train_dataloader=dict(batch_size=4, dataset=dict(
            type='ImageFolder', data_root=f'{root}/objects', pipeline=PIPELINE)),
        mutual_information=dict(dataset=dict(data_root=f'{root}/classify/test'), batch_size=5,
                                **settings)))


def trained(root, memory='batch'):
    """A checkpoint of random weights, and the model."""
    torch.manual_seed(0)
    model = CrossViewContrast(**{k: v for k, v in config(root, memory).model.items()
                                 if k != 'type'}).eval()
    path = root / f'{memory}.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return model, path


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('set')
    write_folder_set(root)
    for memory in MEMORIES:
        trained(root, memory)
    return root


@pytest.mark.parametrize('memory, candidates', [('batch', 12), ('queue', 11), ('bank', 21)])
def test_is_the_estimate_of_what_the_model_compares(root, memory, candidates):
    model, path = trained(root, memory)
    model.head.temperature = 1.0  # the config's counts
    found = measure_mutual_information(config(root, memory), path)
    assert found.images == 12 and found.candidates == candidates
    assert found.ceiling == pytest.approx(math.log(candidates))
    # views as the pipeline draws them for each image
    cfg = config(root, memory)
    cfg.train_dataloader.dataset.update(data_root=f'{root}/classify/test', pipeline=[
        dict(type='Seeded', transforms=PIPELINE)])
    from infomin_plugin.registry import DATASETS
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, _scope_='infomin_plugin'))
    images = torch.stack([dataset[i]['inputs']['views'][0] for i in range(12)])
    with torch.no_grad():
        pairs = model(dict(views=[images.movedim(-1, 1) / 255]), mode='pairs')
    stored = model.stored_keys or [None, None]
    terms = [info_nce_terms(*pair, TEMPERATURE, negatives=negatives)
             for pair, negatives in zip(pairs, stored, strict=True)]
    expected = estimate((terms[0] + terms[1]) / 2, candidates)
    assert found.i_nce == pytest.approx(expected.i_nce, abs=1e-5)
    assert found.low == pytest.approx(expected.low, abs=1e-5)


def test_fewer_candidates_have_a_lower_ceiling(root):
    found = measure_mutual_information(config(root, candidates=4), root / 'batch.pth')
    assert found.candidates == 4 and found.i_nce <= found.ceiling == pytest.approx(math.log(4))


def test_is_the_same_again_and_with_workers(root):
    once = measure_mutual_information(config(root), root / 'batch.pth')
    torch.manual_seed(9)
    again = measure_mutual_information(config(root, num_workers=2), root / 'batch.pth')
    assert again == once
    other = measure_mutual_information(config(root, seed=1), root / 'batch.pth')
    assert other.i_nce != once.i_nce  # other crops


@pytest.mark.parametrize('change, message', [
    (dict(mutual_information=None), 'has no mutual_information: which images are held out'),
    (dict(mutual_information=dict(datset=1)), r"has the keys .* got \['datset'\]"),
])
def test_bad_settings_are_named(root, change, message):
    cfg = config(root)
    cfg.update(change)
    with pytest.raises(ValueError, match=message):
        measure_mutual_information(cfg, root / 'batch.pth')


def test_a_config_without_its_recipe_is_refused(root):
    cfg = config(root)
    cfg.model.data_preprocessor.recipes = dict(views=[None])
    with pytest.raises(ValueError, match='give the config that the run was started with'):
        measure_mutual_information(cfg, root / 'batch.pth')


def test_the_config_is_left_as_it_was(root, tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(config('elsewhere').pretty_text + "\ndata_root = 'elsewhere'\n")
    cfg = Config.fromfile(path)
    cfg.data_root = str(root)
    before = cfg.pretty_text
    assert measure_mutual_information(cfg, root / 'batch.pth').images == 12
    assert cfg.pretty_text == before


def test_missing_images_are_named(root):
    cfg = config(root)
    cfg.mutual_information.dataset.data_root = f'{root}/nowhere'
    with pytest.raises(FileNotFoundError, match='nowhere'):
        measure_mutual_information(cfg, root / 'batch.pth')


def test_two_processes_find_the_same(root):
    main, other = results_of(__file__, root)
    assert other == [None, None]
    for memory, found in zip(('batch', 'queue'), main, strict=True):
        alone = measure_mutual_information(config(root, memory), root / f'{memory}.pth')
        assert found == pytest.approx(tuple(alone), abs=1e-6)


def run(rank):
    folder = Path(sys.argv[1])
    results = [measure_mutual_information(config(folder, memory), folder / f'{memory}.pth')
               for memory in ('batch', 'queue')]
    return [result and tuple(result) for result in results]


if __name__ == '__main__':
    work(run)
