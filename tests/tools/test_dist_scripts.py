"""dist_train.sh and dist_test.sh against a stand-in of Python, which says what it is given."""

import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def given(tmp_path):
    """Run a script where ``python`` is all that is installed; returns the words Python gets."""
    python = tmp_path / 'bin' / 'python'
    python.parent.mkdir()
    python.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)

    def run(script, *words, **environment):
        return subprocess.run(
            ['bash', str(TOOLS / script), *words], capture_output=True, text=True, timeout=30,
            check=True, env=dict(PATH=f'{python.parent}:/usr/bin:/bin', **environment),
        ).stdout.splitlines()

    return run


@pytest.mark.parametrize('script, files', [
    ('dist_train.sh', ['c.py']), ('dist_test.sh', ['c.py', 'k.pth'])])
@pytest.mark.parametrize('environment, machines', [
    ({}, ['1', '0', '127.0.0.1', '29500']),
    (dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='host', PORT='3'), ['2', '1', 'host', '3'])])
def test_it_starts_torchrun_of_the_python_on_the_path(given, script, files, environment, machines):
    nodes, rank, address, port = machines
    tool = TOOLS / f'{script.removeprefix("dist_").removesuffix(".sh")}.py'
    assert given(script, *files, '4', '--cfg-options', 'a=[b c]', **environment) == [
        '-m', 'torch.distributed.run', '--nnodes', nodes, '--node_rank', rank,
        '--nproc_per_node', '4', '--master_addr', address, '--master_port', port,
        str(tool), *files, '--launcher', 'pytorch', '--cfg-options', 'a=[b c]']
