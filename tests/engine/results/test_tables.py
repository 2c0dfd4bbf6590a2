"""What shares a cell, a row or a table: against folders whose scores are known."""

import re

import pytest
from result_tables import only, read
from work_dir_files import initialisation, write_read_out, write_test, write_training

from infomin_plugin.engine.results.markdown import put_between

INFOMIN = initialisation('InfoMin')


def test_mean_and_sample_deviation_over_seeds(tmp_path):
    for seed, ap in enumerate((10.0, 12.0, 17.0)):
        write_training(tmp_path / f'any{seed}', dict(AP=ap, AP50=30.0, AP75=8.0), seed=seed,
                       start=initialisation('InfoMin', seed=seed))
    table, left_out, text = only(tmp_path)
    cell = table.rows['InfoMin, 30 epochs']['AP']
    assert cell.mean == pytest.approx(13)  # 39 / 3
    assert cell.deviation == pytest.approx(13**0.5)  # (9 + 1 + 16) / 2
    assert '| InfoMin, 30 epochs | 13.0 ± 3.6 | 30.0 ± 0.0 | 8.0 ± 0.0 | 0, 1, 2 |' in text
    assert not left_out and not table.missing and not table.notes


def test_one_seed_has_no_deviation_and_lower_is_lower(tmp_path):
    write_training(tmp_path / 'a', dict(AP=10.04))
    table, _, text = only(tmp_path)
    assert table.rows['random']['AP'].deviation is None
    assert '| random | 10.0 | 0 |' in text


def test_rows_are_in_the_order_of_the_paper(tmp_path):
    rows = ['random', 'supervised', 'InstDis', 'PIRL', 'MoCo', 'MoCo v2', 'CMC', 'InfoMin',
            'InfoMin - blur']
    for place, method in enumerate(reversed(rows)):
        write_training(tmp_path / str(place), dict(AP=1.0), start=initialisation(method))
    write_training(tmp_path / 'long', dict(AP=1.0), start=initialisation('InfoMin', epochs=100))
    table, _, _ = only(tmp_path)
    assert list(table.rows) == [*rows[:2], *(f'{row}, 30 epochs' for row in rows[2:8]),
                                'InfoMin, 100 epochs', 'InfoMin - blur, 30 epochs']


def test_different_settings_never_share_a_cell(tmp_path):
    for seed in (0, 1):
        write_training(tmp_path / f'usual{seed}', dict(AP=10.0), start=INFOMIN, seed=seed)
    write_training(tmp_path / 'rate', dict(AP=30.0), start=INFOMIN, seed=2,
                   optim_wrapper__optimizer__lr=0.02)
    write_training(tmp_path / 'random', dict(AP=5.0), train_dataloader__batch_size=16)
    table, _, text = only(tmp_path)
    assert table.rows['InfoMin, 30 epochs']['AP'].values == (10.0, 10.0)
    marked = {row: cells['AP'].values for row, cells in table.rows.items() if '[' in row}
    assert sorted(marked.values()) == [(5.0, ), (30.0, )]
    assert '`rate`: unlike most runs of the table, `optim_wrapper.optimizer.lr` 0.02 (not 0.001)' \
        in text
    assert '`whole_batch` 16 (not 8)' in text


def test_many_different_settings_are_told_apart(tmp_path):
    # the same first differences, and one that a short note would not show
    for name, last in (('a', 1), ('b', 2)):
        write_training(tmp_path / name, dict(AP=float(last)), seed=last,
                       **{f'optim_wrapper__key{i}': 1 for i in range(9)}, optim_wrapper__z=last)
    for seed in (5, 6, 7):
        write_training(tmp_path / f'usual{seed}', dict(AP=9.0), seed=seed)
    table, _, _ = only(tmp_path)
    assert [cells['AP'].values for cells in table.rows.values()] == [
        (9.0, 9.0, 9.0), (1.0, ), (2.0, )]


def test_another_machine_is_no_other_setting(tmp_path):
    write_training(tmp_path / 'here', dict(AP=10.0), seed=0)
    write_training(tmp_path / 'there', dict(AP=12.0), seed=1, root='/mnt/else/cutouts',
                   train_dataloader__num_workers=16, test_dataloader__batch_size=1)
    table, _, _ = only(tmp_path)
    assert table.rows['random']['AP'].values == (10.0, 12.0)


def test_the_same_batch_on_more_gpus_is_no_other_setting(tmp_path):
    for seed, (processes, batch) in enumerate([(8, 2), (4, 4), (1, 16), (None, 16)]):
        write_training(tmp_path / str(seed), dict(AP=10.0 + seed), seed=seed, processes=processes,
                       train_dataloader__batch_size=batch)
    table, _, _ = only(tmp_path)
    assert table.rows['random']['AP'].values == (10.0, 11.0, 12.0, 13.0)


def test_the_same_config_on_fewer_gpus_is_another_setting(tmp_path):
    for seed, processes in enumerate([8, 8, 4]):
        write_training(tmp_path / str(seed), dict(AP=10.0), seed=seed, processes=processes,
                       train_dataloader__batch_size=2)
    table, _, text = only(tmp_path)
    assert list(table.rows) == ['random', 'random [1]']
    assert '`2`: unlike most runs of the table, `whole_batch` 8 (not 16)' in text


def test_other_data_are_another_table(tmp_path):
    write_training(tmp_path / 'a', dict(AP=10.0))
    write_training(tmp_path / 'b', dict(AP=12.0), seed=1, root='/data/other')
    assert [title.split(', ')[-1] for title in read(tmp_path)[0]] == ['cutouts test', 'other test']


def test_another_pre_training_of_the_same_name_is_another_row(tmp_path):
    for seed, config in enumerate(('infomin_r18', 'infomin_r18', 'my_infomin')):
        write_training(tmp_path / f'{seed}', dict(AP=10.0 + seed), seed=seed,
                       start=initialisation('InfoMin', config=config))
    table, _, text = only(tmp_path)
    assert [cells['AP'].values for cells in table.rows.values()] == [(10.0, 11.0), (12.0, )]
    assert 'unlike other runs of its name, ' in text and 'my_infomin' in text


def test_the_same_measured_again_counts_once(tmp_path):
    training = write_training(tmp_path / 'voc', dict(AP=10.0))
    write_test(tmp_path / 'again', training, dict(AP=10.5), split='test')
    table, left_out, _ = only(tmp_path)
    assert table.rows['random']['AP'].values == (10.5, )
    assert left_out == {'voc': 'measured again later in again, which counts'}


def test_side_by_side(tmp_path):
    training = write_training(tmp_path / 'voc', dict(AP=10.0, AP50=20.0), start=INFOMIN)
    write_test(tmp_path / 'voc_unseen', training, dict(AP=6.0))
    write_training(tmp_path / 'coco', {'box AP': 11.0, 'mask AP': 12.0}, kind='coco')
    for start in (INFOMIN, initialisation('random')):
        write_read_out(tmp_path / start['method'] / 'read_out_scores.json', {
            'linear test': 41.0, 'knn test': 36.0, 'knn test_unseen': 26.0}, start,
            data_root='/data/cutouts')
    tables, left_out, text = read(tmp_path, wide=True)
    assert list(tables) == ['cutouts, test', 'cutouts, test_unseen'] and not left_out
    assert ('| pre-training | kNN | linear | VOC AP | VOC AP50 | COCO box AP | COCO mask AP | '
            'seeds |') in text
    assert '| random | 36.0 | 41.0 | – | – | 11.0 | 12.0 | 0 |' in text
    assert '| InfoMin, 30 epochs | 36.0 | 41.0 | 10.0 | 20.0 | – | – | 0 |' in text
    assert ('Not measured: random (VOC AP, VOC AP50); '
            'InfoMin, 30 epochs (COCO box AP, COCO mask AP).') in text
    assert '| InfoMin, 30 epochs | 26.0 | 6.0 | 0 |' in text


def test_side_by_side_names_what_tells_columns_apart(tmp_path):
    write_training(tmp_path / 'a', dict(AP=10.0), epochs=6)
    write_training(tmp_path / 'b', dict(AP=12.0), epochs=12, seed=1)
    (table, ), _, text = (lambda found: (found[0].values(), *found[1:]))(read(tmp_path, wide=True))
    assert table.columns == ['VOC AP (12 epochs)', 'VOC AP (6 epochs)']
    assert re.search(r'\| random \| 12.0 \| 10.0 \| \d \(VOC AP \(\d+ epochs\): \d\) \|', text)


def test_read_outs_that_do_not_say_their_data_are_noted(tmp_path):
    write_training(tmp_path / 'voc', dict(AP=10.0))
    write_read_out(tmp_path / 'read_out_scores.json', {'knn test': 20.0}, initialisation('random'))
    tables, _, text = read(tmp_path, wide=True)
    assert list(tables) == ['cutouts, test']
    assert 'The read-outs do not say their data, taken to be `cutouts`.' in text


ENCODER = 'quarter-width ResNet-18'


def read_out_settings(k=20, **queries):
    return {'read_out.knn.k': k, 'read_out.inverse_penalty': [0.1, 1.0]} | {
        f'read_out.queries.{name}.folder': folder for name, folder in queries.items()}


def test_read_outs_with_other_settings_never_share_a_cell(tmp_path):
    for seed, settings in enumerate([
            read_out_settings(test='test'), read_out_settings(test='test', unseen='unseen'),
            read_out_settings(k=200, test='test'), read_out_settings(test='other')]):
        write_read_out(tmp_path / str(seed) / 'read_out_scores.json', {'knn test': 20.0 + seed},
                       INFOMIN, seed, data_root='/data/cutouts', encoder=ENCODER,
                       settings=settings)
    table, _, text = only(tmp_path)
    assert table.title == f'read-out, {ENCODER}, cutouts test'
    # that one measured another split too is no other setting of this one
    assert [cells['kNN'].values for cells in table.rows.values()] == [(20.0, 21.0), (22.0, ),
                                                                      (23.0, )]
    assert '`read_out.knn.k` 200 (not 20)' in text
    assert '`read_out.queries.test.folder` other (not test)' in text


def test_read_outs_of_other_encoders_are_other_tables_or_columns(tmp_path):
    for name, score in (('ResNet-18', 20.0), ('ResNet-50', 30.0)):
        write_read_out(tmp_path / name / 'read_out_scores.json', {'knn test': score}, INFOMIN,
                       data_root='/data/cutouts', encoder=name, settings=read_out_settings())
    assert list(read(tmp_path)[0]) == ['read-out, ResNet-18, cutouts test',
                                       'read-out, ResNet-50, cutouts test']
    table, = read(tmp_path, wide=True)[0].values()
    assert table.columns == ['kNN (ResNet-18)', 'kNN (ResNet-50)']


def test_into_a_document():
    document = ('# Title\n<!-- transfer_table:begin a -->\nold\n<!-- transfer_table:end a -->\n'
                'after\n')
    written = put_between(document, 'a', 'new\n')
    assert written == document.replace('old', 'new')
    assert put_between(written, 'a', 'new\n') == written
    for wrong in ('', document.replace(':end a', ':end b'), document * 2):
        with pytest.raises(ValueError, match='transfer_table:begin a'):
            put_between(wrong, 'a', 'new')
