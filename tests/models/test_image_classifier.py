import pytest
import torch
from mmcls.models.classifiers import ImageClassifier
from mmcls.models.utils import ClsDataPreprocessor
from mmcls.structures import ClsDataSample

from infomin_plugin.models import CachedClassifier, ClassifierDataPreprocessor

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def settings(**changes):
    return dict(
        backbone=dict(type='mmcls.ResNet', depth=18, base_channels=8, stem_channels=8),
        neck=dict(type='mmcls.GlobalAveragePooling'),
        head=dict(type='mmcls.LinearClsHead', num_classes=3, in_channels=64,
                  loss=dict(type='mmcls.CrossEntropyLoss')),
        data_preprocessor=dict(type='infomin_plugin.ClassifierDataPreprocessor', mean=MEAN, std=STD)
    ) | changes


def batch(labels=(2, 0)):
    torch.manual_seed(0)
    views = torch.randint(256, (len(labels), 16, 12, 3), dtype=torch.uint8)
    return dict(inputs=dict(views=[views], patches=[]), gt_label=torch.tensor(labels))


def test_batches_become_those_of_mmcls():
    found = ClassifierDataPreprocessor(mean=MEAN, std=STD)(batch(), training=True)
    views = batch()['inputs']['views'][0].permute(0, 3, 1, 2)
    wanted = ClsDataPreprocessor(mean=MEAN, std=STD)(dict(
        inputs=views, data_samples=[ClsDataSample().set_gt_label(label) for label in (2, 0)]), True)
    torch.testing.assert_close(found['inputs'], wanted['inputs'])
    for ours, theirs in zip(found['data_samples'], wanted['data_samples'], strict=True):
        assert torch.equal(ours.gt_label.label, theirs.gt_label.label)


def test_features_stay_as_they_are():
    data = dict(inputs=torch.randn(2, 64), gt_label=torch.tensor([1, 1]))
    found = ClassifierDataPreprocessor(mean=MEAN, std=STD)(data, training=True)
    assert torch.equal(found['inputs'], data['inputs'])
    assert [int(sample.gt_label.label) for sample in found['data_samples']] == [1, 1]


def test_labels_are_needed_in_training_alone():
    preprocessor = ClassifierDataPreprocessor(mean=MEAN, std=STD)
    data = batch()
    data.pop('gt_label')
    assert preprocessor(data)['data_samples'] is None
    with pytest.raises(KeyError, match='gt_label'):
        preprocessor(data, training=True)


def test_a_cached_classifier_takes_images_and_their_features_alike():
    torch.manual_seed(0)
    upstream, ours = ImageClassifier(**settings()).eval(), CachedClassifier(**settings()).eval()
    ours.load_state_dict(upstream.state_dict())
    data = ours.data_preprocessor(batch())
    features = upstream.extract_feat(data['inputs'])[-1]
    for mode in ('tensor', 'loss'):
        wanted = upstream(**data, mode=mode)
        for inputs in (data['inputs'], features):
            found = ours(inputs=inputs, data_samples=data['data_samples'], mode=mode)
            torch.testing.assert_close(found, wanted)


def test_features_are_of_one_stage():
    with pytest.raises(ValueError, match="got 'backbone'"):
        CachedClassifier(**settings()).extract_feat(torch.randn(2, 64), stage='backbone')
