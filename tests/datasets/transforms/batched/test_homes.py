"""The same changes give the same views in both homes: workers and batches on the device."""

from pathlib import Path

import numpy as np
import pytest
import torch
from batches import differences, to_batch, to_images, variants
from mmengine.config import Config

from infomin_plugin.datasets.transforms import ColorJitter, GaussianBlur, RandAugment, build_recipe
from infomin_plugin.datasets.transforms.batched import BATCHED_OPERATIONS
from infomin_plugin.datasets.transforms.batched.recipe import BatchedRecipe, apply_changes
from infomin_plugin.datasets.transforms.changes import Change, apply_change
from infomin_plugin.datasets.transforms.operations import OPERATIONS
from infomin_plugin.datasets.transforms.rand_augment import AUGMENTATIONS

RECIPES = Path(__file__).parents[4] / 'configs' / '_base_' / 'recipes'
NAMES = ['infomin_aug', 'mocov2_aug', 'instdis_aug', 'cmc_aug', 'cmcv2_aug']
GEOMETRY = {'crop', 'flip', 'patches'}


def tail(name):
    """A recipe's steps after crop and flip."""
    return Config.fromfile(RECIPES / f'{name}.py')[name][2:]


def in_worker(image, changes):
    for change in changes:
        image = apply_change(image, change)
    return image


def drawn_changes(number):
    """Changes of every operation, as the steps draw them."""
    steps = [RandAugment([name], 1, 7, 3, prob=1) for name in AUGMENTATIONS if name != 'Identity']
    steps += build_recipe([dict(type='ColorJitter', **{name: 0.8 if name != 'hue' else 0.5})
                           for name in ('brightness', 'contrast', 'saturation', 'hue')])
    steps += [GaussianBlur((0.1, 2), 23), GaussianBlur((0.1, 2), 9), GaussianBlur((0.1, 2))]
    changes = {'grey': [Change('grey')] * number}
    for step in steps:
        for change in (step.draw((64, 80))[0] for _ in range(number)):
            changes.setdefault(change.name, []).append(change)
    return changes


def test_every_operation_has_both_forms():
    assert set(BATCHED_OPERATIONS) == set(OPERATIONS) - GEOMETRY


def test_each_operation_is_the_workers_within_a_level(photo):
    changes = drawn_changes(24)
    assert set(changes) == set(BATCHED_OPERATIONS) - {'color_space'}
    for name, listed in changes.items():
        images = variants(photo, len(listed), (64, 80))
        ours = apply_changes(to_batch(images), [[change] for change in listed])
        references = map(apply_change, images, listed)
        assert differences(ours, references).max() <= 1, name


@pytest.mark.parametrize('space', ['YDbDr', 'YIQ', 'YPbPr'])
def test_colour_spaces_are_the_workers(photo, space):
    images = variants(photo, 8, (37, 53))
    ours = apply_changes(to_batch(images), [[Change('color_space', (space, ))]] * 8)
    references = np.stack([OPERATIONS['color_space'](image, space) for image in images])
    assert ours.dtype == torch.float32
    np.testing.assert_allclose(to_images(ours), references, atol=1e-6)


def check_same_views(ours, references):
    """A level more or less before an operation with a threshold may be many after it: rarely."""
    error = np.abs(ours.astype(float) - references)
    assert (error.mean((1, 2, 3)) < 0.5).all()
    assert ((error > 2).mean((1, 2, 3)) < 0.01).all()
    assert error.mean() < 0.01


@pytest.mark.parametrize('name', NAMES)
def test_whole_recipes_give_the_workers_views_sample_by_sample(photo, name):
    recipe = BatchedRecipe(tail(name))
    torch.manual_seed(5)
    changes = recipe.draw(160, (64, 80))
    images = variants(photo, 160, (64, 80))
    torch.manual_seed(5)
    ours = to_images(recipe(to_batch(images)))
    references = np.stack(list(map(in_worker, images, changes)))
    assert ours.dtype == references.dtype
    if ours.dtype == np.float32:  # colour spaces: back to grey levels; chrominance spans 2.7
        ours, references = 255 * ours, 255 * references
        error = np.abs(ours - references)
        assert error.mean() < 0.02 and ((error > 4).mean((1, 2, 3)) < 0.01).all()
        return
    check_same_views(ours, references)


def test_a_change_left_out_or_out_of_order_would_be_seen(photo):
    recipe = BatchedRecipe(tail('infomin_aug'))
    image, = variants(photo, 1, (64, 80))
    seen = tried = 0
    for changes in recipe.draw(100, (64, 80)):
        reference = in_worker(image, changes)[None]
        others = [changes[:i] + changes[i + 1:] for i in range(len(changes))]
        others += [changes[::-1]]
        for other in others:
            ours = to_images(apply_changes(to_batch([image]), [other]))
            if np.abs(in_worker(image, other) - reference.astype(int)).mean() > 2:
                tried += 1
                with pytest.raises(AssertionError):
                    check_same_views(ours, reference)
                seen += 1
    assert seen == tried > 200


def test_what_happens_to_a_sample_does_not_depend_on_the_others(photo):
    recipe = BatchedRecipe(tail('infomin_aug'))
    images = variants(photo, 48, (37, 53))
    changes = recipe.draw(48, (37, 53))
    together = apply_changes(to_batch(images), changes)
    alone = torch.cat([apply_changes(to_batch([image]), [drawn])
                       for image, drawn in zip(images, changes, strict=True)])
    error = (together.int() - alone.int()).abs()
    # Sums of convolutions may be rounded otherwise; the rest is equal bit for bit.
    blurred = torch.tensor([any('blur' in change.name for change in drawn) for drawn in changes])
    assert error[~blurred].max() == 0
    assert (error > 0).float().mean() < 1e-3


def test_each_sample_keeps_its_order(photo):
    # Four operations that do not commute, in two orders, in one batch.
    forward = [Change('brightness', (1.9, )), Change('invert'), Change('contrast', (1.7, )),
               Change('solarize', (100, ))]
    image, = variants(photo, 1, (37, 53))
    lists = [forward, forward[::-1], [], forward[:1], forward[::-1] + forward]
    references = [in_worker(image, changes) for changes in lists]
    assert differences(apply_changes(to_batch([image] * 5), lists), references).max() <= 1


@pytest.mark.parametrize('name', sorted(BATCHED_OPERATIONS))
def test_operations_never_wait_for_the_device(name):
    """Tensors on 'meta' have no values: what would read one, or mix devices, is an error there."""
    changes = drawn_changes(6) | {'color_space': [Change('color_space', ('YIQ', ))] * 6}
    arguments = [np.array(values) for values in zip(
        *(change.arguments for change in changes[name]), strict=True)]
    number = len(changes[name])
    images = torch.empty(number, 3, 20, 24, dtype=torch.uint8, device='meta')
    out = BATCHED_OPERATIONS[name](images, *arguments)
    assert out.shape == images.shape and out.device.type == 'meta'
    assert out.dtype == (torch.float32 if name == 'color_space' else torch.uint8)


def test_half_precision_around_it_changes_nothing(photo):
    changes = BatchedRecipe(tail('cmcv2_aug')).draw(24, (37, 53))
    batch = to_batch(variants(photo, 24, (37, 53)))
    plain = apply_changes(batch, changes)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.nn.functional.linear(plain[0, 0], plain[0, 0]).dtype == torch.bfloat16
        assert torch.equal(apply_changes(batch, changes), plain)


def test_the_batch_is_not_written_to_and_may_be_strided(photo):
    images = np.stack(variants(photo, 16, (37, 53)))
    strided = torch.from_numpy(images).movedim(-1, 1)  # as workers lay it out
    recipe, before = BatchedRecipe(tail('infomin_aug')), strided.clone()
    torch.manual_seed(1)
    out = recipe(strided)
    assert torch.equal(strided, before) and not torch.equal(out, before)
    torch.manual_seed(1)
    assert torch.equal(recipe(before.contiguous()), out)


def test_patches_of_an_image_get_the_same_changes(photo):
    flat = torch.full((200, 9, 3, 4, 4), 100, dtype=torch.uint8)
    out = BatchedRecipe([ColorJitter(brightness=0.8)])(flat)
    assert out.shape == flat.shape and (out == out[:, :1, :, :1, :1]).all()
    assert len(out[:, 0, 0, 0, 0].unique()) > 50
    patches = np.random.randint(0, 256, (2, 9, 5, 7, 3), np.uint8)
    step = dict(type='ColorSpace', space='YDbDr')
    ours = BatchedRecipe([step])(torch.from_numpy(patches).movedim(-1, -3)).movedim(-3, -1)
    built, = build_recipe([step])
    references = np.stack([built(dict(img=image))['img'] for image in patches])
    np.testing.assert_allclose(ours, references, atol=1e-6)


def test_mistakes_are_named(photo):
    batch, space = to_batch([photo[:8, :8]] * 2), Change('color_space', ('YIQ', ))
    for lists in ([[space], []], [[space, Change('grey')], [space]]):
        with pytest.raises(ValueError, match='ColorSpace must be the last step'):
            apply_changes(batch, lists)
    with pytest.raises(ValueError, match="'crop' has no batched form"):
        apply_changes(batch, [[], [Change('crop', ((0, 0, 4, 4), (8, 8)))]])
    with pytest.raises(TypeError, match='must be uint8, got torch.float32'):
        apply_changes(batch.float(), [[], []])
    flip = dict(type='RandomFlip')
    for recipe, name in ([flip], 'RandomFlip'), ([lambda results: results], '<lambda>'), (
            [dict(type='RandomApply', transforms=[flip])], r'RandomApply\(RandomFlip\)'):
        with pytest.raises(TypeError, match=f'{name} cannot be applied on the training device'):
            BatchedRecipe(recipe)
