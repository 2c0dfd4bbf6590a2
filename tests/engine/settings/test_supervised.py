"""torchvision's supervised weights: which file, how it is fetched, what is refused."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from checkpoint_files import random_trunk, torchvision_plain
from mmcls.utils import register_all_modules as register_mmcls
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules as register_mmdet
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from infomin_plugin.checkpoints import CheckpointError, find_architecture
from infomin_plugin.engine.settings import supervised
from infomin_plugin.engine.settings.pretrained import place_pretrained, verify_pretrained
from infomin_plugin.engine.settings.supervised import architecture_of, download, supervised_file


@pytest.fixture(scope='module', autouse=True)
def registered():
    register_mmcls(init_default_scope=False)
    register_mmdet(init_default_scope=False)


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """torch.hub's folder for downloads, which pass by no proxy."""
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    return tmp_path / 'hub' / 'checkpoints'


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    """A small web site with the state dict of a ResNet-18, and the requests that it got."""
    root = tmp_path_factory.mktemp('site')
    torch.save(torchvision_plain(random_trunk('resnet18', seed=5), {}), root / 'new')
    start = hashlib.sha256((root / 'new').read_bytes()).hexdigest()[:8]
    (root / 'new').rename(root / f'resnet18-{start}.pth')
    (root / 'resnet18-00000000.pth').write_bytes((root / f'resnet18-{start}.pth').read_bytes())
    requests = []

    class Handler(SimpleHTTPRequestHandler):

        def log_message(self, *args) -> None:
            requests.append(args)

    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=str(root)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}', f'resnet18-{start}.pth', requests
    server.shutdown()
    server.server_close()


# --- which network a config asks for


@pytest.mark.parametrize('backbone', [
    dict(type='ResNet', depth=18),
    dict(type='ResNet', depth=50),
    dict(type='mmdet.ResNet', depth=101, base_channels=16, stem_channels=16),
    dict(type='ResNeXt', depth=50, groups=32, base_width=4),
    dict(type='ResNeXt', depth=50, groups=8),
    dict(type='ResNeXt', depth=101, groups=32, base_width=8),
    dict(type='ResNeXt', depth=50, groups=4, base_width=4, base_channels=16, stem_channels=16),
    dict(type='mmcls.ResNeXt', depth=50, groups=64, width_per_group=4),
])
def test_architecture_is_the_one_that_is_built(backbone):
    # names and shapes without memory; mmcls's reads values of its tensors
    device = 'cpu' if backbone['type'].startswith('mmcls') else 'meta'
    with torch.device(device), DefaultScope.overwrite_default_scope('mmdet'):
        state = MODELS.build(backbone).state_dict()
    assert architecture_of(ConfigDict(backbone)) == find_architecture(state)


@pytest.mark.parametrize('backbone', [
    dict(type='SwinTransformer'), dict(type='mmcls.ResNeXt', depth=50)])
def test_silent_configs_are_not_guessed(backbone):
    assert architecture_of(ConfigDict(backbone)) is None
    with pytest.raises(ValueError, match='does not say which ResNet it is'):
        supervised_file(ConfigDict(backbone))


@pytest.mark.parametrize('backbone, file', [
    # the first weights of each, as pytorch.org has had them since torchvision 0.9 or before
    (dict(type='ResNet', depth=18), 'resnet18-f37072fd.pth'),
    (dict(type='ResNet', depth=50), 'resnet50-0676ba61.pth'),
    (dict(type='ResNet', depth=101), 'resnet101-63fe2227.pth'),
    (dict(type='ResNet', depth=152), 'resnet152-394f9c45.pth'),
    (dict(type='ResNeXt', depth=101, groups=32, base_width=8), 'resnext101_32x8d-8ba56ff5.pth'),
])
def test_file_of_each_network(backbone, file, monkeypatch):
    monkeypatch.setattr(supervised, 'download', lambda url: url)
    assert supervised_file(ConfigDict(backbone)) == f'https://download.pytorch.org/models/{file}'


@pytest.mark.parametrize('backbone, name', [
    (dict(type='ResNeXt', depth=152, groups=32, base_width=8), 'resnext152_32x8d'),
    (dict(type='ResNet', depth=18, base_channels=16), 'resnet18_base16'),
])
def test_networks_that_torchvision_has_not(backbone, name):
    with pytest.raises(ValueError, match=f'no weights of {name}.*resnext101_32x8d.*--pretrained'):
        supervised_file(ConfigDict(backbone))


# --- the file


def test_downloaded_once_by_many(published, hub):
    site, name, requests = published
    before = len(requests)
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(download, [f'{site}/{name}'] * 4))
    assert paths == {hub / name} and len(requests) == before + 1
    assert download(f'http://nowhere.invalid/{name}') == hub / name  # the web is not asked again


def test_another_file_is_not_kept(published, hub):
    with pytest.raises(CheckpointError, match='not the file that its name says.*"00000000"'):
        download(f'{published[0]}/resnet18-00000000.pth')
    assert [path.suffix for path in hub.iterdir()] == ['.lock']


def test_another_file_at_its_place_is_refused(published, hub):
    site, name, _ = published
    hub.mkdir(parents=True)
    (hub / name).write_bytes(b'something else')
    with pytest.raises(CheckpointError, match=f'{name} is not the file of .*Remove it'):
        download(f'{site}/{name}')


@pytest.mark.parametrize('url', [
    'http://127.0.0.1:9/resnet50-0676ba61.pth', 'file:///nowhere/resnet50-0676ba61.pth'])
def test_no_connection(url, hub):
    with pytest.raises(ConnectionError, match=f'{url} cannot be downloaded.*Put it to {hub}'):
        download(url)
    assert not list(hub.glob('*.pth'))


# --- in a model


def test_placed_as_supervised(published, tmp_path, monkeypatch):
    site, name, _ = published
    monkeypatch.setattr(supervised, 'download', lambda url: download(f'{site}/{name}'))
    cfg = Config(dict(model=dict(backbone=dict(type='ResNet', depth=18)), pretrained='supervised',
                      work_dir=str(tmp_path / 'work')))
    trunk = place_pretrained(cfg)
    assert dict(cfg.initialisation) == dict(
        method='supervised', arch='resnet18', origin='supervised')
    model = nn.Module()
    with DefaultScope.overwrite_default_scope('mmdet'):
        model.backbone = MODELS.build(cfg.model.backbone)
    model.backbone.init_weights()
    assert 'from supervised: ' in str(verify_pretrained(model, trunk, values=True))
    for key, tensor in random_trunk('resnet18', seed=5).items():
        assert torch.equal(model.backbone.state_dict()[key], tensor), key
    written = torch.load(Path(cfg.model.backbone.init_cfg.checkpoint), weights_only=True)
    assert written['meta']['origin'] == 'supervised'


def test_supervised_weights_have_no_momentum_encoder(published, tmp_path, monkeypatch):
    site, name, _ = published
    monkeypatch.setattr(supervised, 'download', lambda url: download(f'{site}/{name}'))
    cfg = Config(dict(model=dict(backbone=dict(type='ResNet', depth=18)), pretrained='supervised',
                      pretrained_from='momentum', work_dir=str(tmp_path / 'work')))
    with pytest.raises(CheckpointError, match='holds no momentum encoder'):
        place_pretrained(cfg)


# --- groups and widths are compared before anything is built


@pytest.mark.parametrize('asked, names', [
    (dict(type='ResNeXt', groups=8, base_width=8), 'resnext50_4x4d_base16.*resnext50_8x8d_base16'),
    (dict(type='ResNeXt', groups=4, base_width=8), 'resnext50_4x4d_base16.*resnext50_4x8d_base16'),
    (dict(type='ResNet'), 'resnext50_4x4d_base16, the ResNet of the model is resnet50_base16'),
])
def test_another_grouping_is_refused_before_building(asked, names, tmp_path):
    narrow = dict(depth=50, base_channels=16, stem_channels=16)
    with DefaultScope.overwrite_default_scope('mmdet'):
        trunk = MODELS.build(dict(type='ResNeXt', groups=4, base_width=4, **narrow))
    trunk.init_cfg = None
    torch.save(trunk.state_dict(), tmp_path / 'next.pth')
    cfg = Config(dict(model=dict(backbone=dict(**asked, **narrow)),
                      pretrained=str(tmp_path / 'next.pth'), work_dir=str(tmp_path / 'work')))
    with pytest.raises(CheckpointError, match=names):
        place_pretrained(cfg)
    cfg.model.backbone = ConfigDict(type='ResNeXt', groups=4, base_width=4, **narrow)
    model = nn.Module()
    model.backbone = trunk
    assert verify_pretrained(model, place_pretrained(cfg)).whole
