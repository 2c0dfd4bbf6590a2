"""Which runs are measurements, and of what: against folders whose content is known."""

import json
import shutil

import torch
from result_tables import only, read
from work_dir_files import (
    detection_config,
    initialisation,
    logged,
    write_read_out,
    write_start,
    write_test,
    write_training,
)

from infomin_plugin.engine.results.initialisations import row_label, row_order
from infomin_plugin.engine.results.measurements import read_measurements

INFOMIN = initialisation('InfoMin')


def test_what_a_table_is_about(tmp_path):
    write_training(tmp_path / 'a', {'box AP': 1.0, 'mask AP': 2.0}, kind='coco', epochs=12,
                   root='/home/somebody/cutouts', name='mask-rcnn_small')
    table, _, text = only(tmp_path)
    assert table.title == 'COCO, quarter-width ResNet-18-FPN, 12 epochs, cutouts test'
    assert 'Measured here with `mask-rcnn_small`, on `cutouts`.' in text
    assert '/home' not in text and str(tmp_path) not in text


def test_weights_of_an_unfinished_pre_training_are_a_row_of_their_own():
    assert row_label('InfoMin', 20, 30) == 'InfoMin, 20 of 30 epochs'
    assert row_label('InfoMin', 30, 30) == 'InfoMin, 30 epochs'
    assert row_order('random [1]') < row_order('InfoMin, 9 epochs') < (
        row_order('InfoMin, 10 epochs'))


def test_an_unfinished_run_is_named_and_left_out(tmp_path):
    write_training(tmp_path / 'whole', dict(AP=10.0), start=INFOMIN)
    write_training(tmp_path / 'cut', dict(AP=90.0), start=INFOMIN, seed=1, reached=3)
    write_start(tmp_path / 'fresh', detection_config(), '20260101_000000', lines=[dict(loss=1.0)])
    table, left_out, text = only(tmp_path)
    assert table.rows['InfoMin, 30 epochs']['AP'].values == (10.0, )
    assert left_out == {'cut': 'unfinished: last validated after 3 of 6 epochs',
                        'fresh': 'unfinished: not validated yet, of 6 epochs'}
    assert '- `cut`: unfinished: last validated after 3 of 6 epochs' in text


def test_splits_are_tables(tmp_path):
    training = write_training(tmp_path / 'voc', dict(AP=10.0), start=INFOMIN, seed=3)
    write_test(tmp_path / 'voc_test_unseen', training, dict(AP=6.0))
    tables, left_out, _ = read(tmp_path)
    assert not left_out
    by_split = {title.split()[-1]: table.rows['InfoMin, 30 epochs']['AP']
                for title, table in tables.items()}
    assert by_split['test'].values == (10.0, ) and by_split['test_unseen'].values == (6.0, )
    assert by_split['test_unseen'].seeds == ('3 of pre-training 0', )


def test_a_tested_checkpoint_is_found_where_the_folders_were_moved(tmp_path):
    training = write_training(tmp_path / 'node' / 'row' / 'voc', dict(AP=10.0), start=INFOMIN)
    write_test(tmp_path / 'node' / 'row' / 'unseen', training, dict(AP=6.0))
    # of the same name, but another row
    write_training(tmp_path / 'node' / 'other' / 'voc', dict(AP=2.0))
    shutil.move(tmp_path / 'node', tmp_path / 'laptop')
    tables, left_out, _ = read(tmp_path / 'laptop')
    unseen, = (table for title, table in tables.items() if 'unseen' in title)
    assert not left_out and list(unseen.rows) == ['InfoMin, 30 epochs']


def test_a_tested_checkpoint_says_itself_what_it_is(tmp_path):
    training = tmp_path / 'elsewhere' / 'voc'
    training.mkdir(parents=True)
    torch.save(dict(state_dict={}, meta=dict(
        cfg=detection_config(start=INFOMIN).pretty_text, seed=7, position=dict(batch=16),
        experiment_name='my_config_20260101_000000')), training / 'epoch_6.pth')
    write_test(tmp_path / 'work' / 'a', training, dict(AP=6.0))
    write_test(tmp_path / 'work' / 'b', tmp_path / 'nowhere', dict(AP=7.0))
    table, left_out, text = only(tmp_path / 'work')
    assert '| InfoMin, 30 epochs | 6.0 | 7 of pre-training 0 |' in text
    assert table.configs == ['my_config'] and 'whose training is not among' in str(left_out)
    measurement, = read_measurements([tmp_path / 'work'])[0]
    assert measurement.shared['whole_batch'] == 16  # images a step of all processes


def test_a_test_of_an_unfinished_or_replaced_training_is_left_out(tmp_path):
    training = write_training(tmp_path / 'voc', dict(AP=10.0))
    write_test(tmp_path / 'early', training, dict(AP=6.0), epoch=3)
    write_test(tmp_path / 'before', training, dict(AP=7.0), time='20250101_000000')
    tables, left_out, _ = read(tmp_path)
    assert len(tables) == 1
    assert 'epoch_3.pth, of a training to 6' in left_out['early/20260101_010000']
    assert 'whose training is not' in left_out['before/20250101_000000']


def test_a_resumed_training_still_knows_its_weights(tmp_path):
    first = detection_config(start=INFOMIN)
    write_start(tmp_path / 'voc', first, '20260101_000000', lines=[dict(loss=1.0, epoch=1)])
    resumed = detection_config()
    resumed.pop('initialisation')
    resumed.resume = True
    write_start(tmp_path / 'voc', resumed, '20260101_010000',
                lines=[logged('voc', dict(AP=10.0)) | dict(step=6)])
    assert list(only(tmp_path)[0].rows) == ['InfoMin, 30 epochs']


def test_stock_configs_without_an_initialisation(tmp_path):
    torch.save(dict(state_dict={}, meta=dict(pretraining=INFOMIN)), tmp_path / 'backbone.pth')
    for name, init_cfg in (
            ('a', None), ('b', dict(type='Pretrained', checkpoint='torchvision://resnet18')),
            ('c', dict(type='Pretrained', checkpoint=str(tmp_path / 'backbone.pth'))),
            ('d', dict(type='Pretrained', checkpoint='/gone/mine.pth'))):
        config = detection_config()
        config.pop('initialisation')
        config.model.backbone.init_cfg = init_cfg
        write_start(tmp_path / name, config, '20260101_000000',
                    lines=[logged('voc', dict(AP=1.0)) | dict(step=6)])
    assert list(only(tmp_path)[0].rows) == ['random', 'supervised', 'InfoMin, 30 epochs',
                                            'mine.pth']


def test_a_hostile_folder_is_not_executed_and_stops_nothing(tmp_path):
    write_training(tmp_path / 'good', dict(AP=10.0))
    for name, text in (('bad', "a = open({mark!r}, 'w')"), ('odd', 'model = 3\nrandomness = 1')):
        vis_data = write_training(tmp_path / name, dict(AP=99.0)) / '20260101_000000' / 'vis_data'
        for file in (vis_data / 'config.py', tmp_path / name / 'detector.py'):
            file.write_text(text.format(mark=str(tmp_path / 'executed')))
    (tmp_path / 'read_out_scores.json').write_text('{"scores": {"knn te')
    many = write_training(tmp_path / 'many', dict(AP=10.0), seed=1) / '20260101_000000'
    (many / f'{many.name}.log').write_text(f'    GPU number: {"9" * 5000}\n')
    table, left_out, _ = only(tmp_path)
    assert table.rows['random']['AP'].values == (10.0, 10.0)
    assert not (tmp_path / 'executed').exists()
    assert 'Nothing of it was executed' in left_out['bad/20260101_000000/vis_data/config.py']
    assert {'odd', 'read_out_scores.json'} <= left_out.keys()


def test_undefined_metrics_are_missing(tmp_path):
    write_training(tmp_path / 'a', {'box AP': 4.0, 'mask AP': -100.0}, kind='coco')
    write_training(tmp_path / 'b', {'box AP': float('nan')}, kind='coco', seed=1)
    table, left_out, _ = only(tmp_path)
    assert table.columns == ['box AP'] and table.rows['random']['box AP'].values == (4.0, )
    assert 'undefined' in left_out['b']


def test_an_average_over_other_thresholds_is_not_called_ap(tmp_path):
    write_training(tmp_path / 'a', dict(AP=40.0, AP50=40.0), val_evaluator__iou_thrs=0.5)
    assert only(tmp_path)[0].columns == ['AP50']


def test_read_outs_of_a_model_itself_are_left_out(tmp_path):
    write_training(tmp_path / 'voc', dict(AP=10.0))
    write_read_out(tmp_path / 'read_out_scores.json', {'test': 20.0}, {})
    assert '--pretrained' in only(tmp_path)[1]['read_out_scores.json']


def test_read_outs_are_found_by_what_they_say(tmp_path):
    write_read_out(tmp_path / 'a' / 'knn_scores.json', {'knn test': 20.0}, INFOMIN)
    write_read_out(tmp_path / 'b' / 'linear probe_scores.json', {'knn test': 22.0}, INFOMIN, seed=1)
    for name, text in dict(
            cut='{"scores": {"knn test": 2', words='{"scores": "good", "config": "a", '
            '"initialisation": {"method": "InfoMin"}}',
            encoder='{"scores": {"knn test": 2}, "config": "a", "encoder": ["E"], '
            '"initialisation": {"method": "InfoMin"}}').items():
        (tmp_path / f'{name}_scores.json').write_text(text)
    for number, text in enumerate((  # of anybody
            '', '[1, 2', '[1, 2]', '{"scores": [1, 2]}', '{"game": 1}', '3', '[' * 100_000)):
        (tmp_path / f'{number}_scores.json').write_text(text)
    (tmp_path / 'bytes_scores.json').write_bytes(b'\xff\xfe')
    table, left_out, _ = only(tmp_path)
    assert table.rows['InfoMin, 30 epochs']['kNN'].values == (20.0, 22.0)
    assert left_out.keys() == {f'{name}_scores.json' for name in ('cut', 'words', 'encoder')}
    assert all(reason.startswith('not understood: ') for reason in left_out.values())


def test_knn_curves(tmp_path):
    for name, last, seed in (('a', 30, 0), ('b', 30, 1), ('c', 15, 2)):
        config = detection_config(seed=seed, train_cfg__max_epochs=30, method='InfoMin')
        config.custom_hooks = [dict(type='KNNHook', k=20)]
        config.val_evaluator = config.initialisation = None
        write_start(tmp_path / name, config, '20260101_000000', lines=[dict(loss=1.0)])
        (tmp_path / name / 'knn.json').write_text(json.dumps(
            [dict(epoch=0, test=20.0 + seed), dict(epoch=last, test=30.0 + seed)]))
    _, left_out, text = only(tmp_path)
    assert '| InfoMin, 30 epochs | 20.5 ± 0.7 | 30.5 ± 0.7 | 0, 1 |' in text
    assert left_out == {'c/knn.json': 'unfinished: the curve ends after 15 of 30 epochs'}


def test_of_two_validations_at_the_end_the_later_counts(tmp_path):
    # a training that is resumed where it ended validates once more
    config = detection_config()
    for time, ap in (('20260101_000000', 10.0), ('20260101_010000', 11.0)):
        write_start(tmp_path / 'voc', config, time,
                    lines=[logged('voc', dict(AP=ap)) | dict(step=6)])
        config.resume = True
    assert only(tmp_path)[0].rows['random']['AP'].values == (11.0, )
