"""The slurm_*.sh against stand-ins of Slurm's programs, which write down how they are called.

The stand-in of srun does what a training does to its work dir.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'tools/slurm_train.sh'
STAND_IN = f'''#!{sys.executable}
import json, os, sys
from pathlib import Path
name = Path(sys.argv[0]).name
with open({{calls!r}}, 'a') as file:
    file.write(json.dumps([name, *sys.argv[1:]]) + '\\n')
with open({{ports!r}}, 'a') as file:
    file.write(os.environ.get('MASTER_PORT', name) + '\\n')
if name == 'srun':
    if 'LAST' in os.environ:
        work_dir = Path(sys.argv[sys.argv.index('--work-dir') + 1])
        work_dir.mkdir(parents=True, exist_ok=True)
        (work_dir / 'last_checkpoint').write_text(os.environ['LAST'])
    sys.exit(int(os.environ.get('STATUS', 0)))
'''


@pytest.fixture
def slurm(tmp_path):
    """Run the script; returns its status and the calls that it made."""
    calls = tmp_path / 'calls'
    for name in ('srun', 'sbatch', 'scontrol'):
        program = tmp_path / 'bin' / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN.format(calls=str(calls), ports=str(tmp_path / 'ports')))
        program.chmod(0o755)

    def run(*arguments, script=SCRIPT, **environment):
        calls.write_text('')
        result = subprocess.run(
            ['bash', str(script), *arguments], cwd=tmp_path, capture_output=True, text=True,
            timeout=30, env=dict(PATH=f'{tmp_path / "bin"}:/usr/bin:/bin', **environment))
        return result.returncode, [json.loads(line) for line in calls.read_text().splitlines()]

    return run


def options(call):
    """Words after the name, by the option before them."""
    return dict(zip(call, call[1:], strict=False))


def test_without_requeue_it_is_a_step_that_is_waited_for(slurm):
    status, calls = slurm('gpu', 'mine', 'c.py', '--amp', GPUS='16', STATUS='3')
    assert status == 3
    (call, ) = calls
    assert call[0] == 'srun' and call[-5:] == [
        f'{SCRIPT.parent}/train.py', 'c.py', '--launcher', 'slurm', '--amp']
    assert options(call)['--ntasks'] == '16' and options(call)['--gres'] == 'gpu:8'


def test_it_submits_itself(slurm, tmp_path):
    words = ['gpu', 'mine', 'configs/c.py', '--cfg-options', 'classes=[a cat,dog]', "x='$HOME'"]
    status, calls = slurm(*words, REQUEUE='1', GPUS='4', GRACE='60', SBATCH_ARGS='--time 1:00:00')
    assert status == 0
    (call, ) = calls
    said = options(call)
    assert call[0] == 'sbatch' and '--requeue' in call
    assert {key: said[key] for key in ('--signal', '--ntasks', '--time', '--partition')} == {
        '--signal': 'TERM@60', '--ntasks': '4', '--time': '1:00:00', '--partition': 'gpu'}
    # the job is the same command, word by word
    assert shlex.split(said['--wrap']) == ['exec', 'bash', str(SCRIPT), *words]


@pytest.mark.parametrize('last, again', [
    ('preempted.pth', True), ('/w/preempted.pth', True), ('epoch_200.pth', False),
    ('/preempted.pth/epoch_1.pth', False), ('', False)])
@pytest.mark.parametrize('words, work_dir', [
    ([], 'work_dirs/c'), (['--amp', '--work-dir', 'w d'], 'w d'), (['--work-dir=v'], 'v')])
def test_the_job_is_queued_again_only_if_it_was_preempted(
        slurm, tmp_path, last, again, words, work_dir):
    status, calls = slurm('gpu', 'mine', 'configs/c.py', *words, REQUEUE='1', SLURM_JOB_ID='42',
                          LAST=last)
    assert status == 0
    assert options(calls[0])['--work-dir'] == work_dir and '--resume' in calls[0]
    assert (tmp_path / work_dir / 'last_checkpoint').exists()
    assert calls[1:] == ([['scontrol', 'requeue', '42']] if again else [])


def test_a_job_that_failed_is_not_queued_again(slurm):
    status, calls = slurm('gpu', 'mine', 'c.py', REQUEUE='1', SLURM_JOB_ID='42', STATUS='1',
                          LAST='preempted.pth')
    assert status == 1 and [call[0] for call in calls] == ['srun']


def test_a_job_that_saved_nothing_yet_is_done(slurm):
    status, calls = slurm('gpu', 'mine', 'c.py', REQUEUE='1', SLURM_JOB_ID='42')
    assert status == 0 and [call[0] for call in calls] == ['srun']


@pytest.mark.parametrize('script, words', [
    ('slurm_train.sh', ['c.py']), ('slurm_test.sh', ['c.py', 'epoch_1.pth'])])
def test_steps_have_ports_of_their_own(slurm, tmp_path, script, words):
    """Also those of one allocation."""
    for _ in range(4):
        slurm('gpu', 'mine', *words, script=SCRIPT.with_name(script), SLURM_JOB_ID='42')
    ports = [int(line) for line in (tmp_path / 'ports').read_text().split()]
    # neither privileged, nor MMEngine's own, nor of those that Linux gives away
    assert all(1024 <= port < 29500 for port in ports)
    assert len(ports) == 4 and len(set(ports)) > 1
    slurm('gpu', 'mine', *words, script=SCRIPT.with_name(script), MASTER_PORT='12345')
    assert (tmp_path / 'ports').read_text().split()[4:] == ['12345']


def test_a_port_is_chosen_where_the_job_runs(slurm, tmp_path):
    slurm('gpu', 'mine', 'c.py', REQUEUE='1')
    assert (tmp_path / 'ports').read_text().split() == ['sbatch']
    slurm('gpu', 'mine', 'c.py', REQUEUE='1', SLURM_JOB_ID='42')
    assert (tmp_path / 'ports').read_text().split()[1].isdigit()
