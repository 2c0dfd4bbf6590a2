#!/usr/bin/env bash
# Evaluate under Slurm: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of test.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK, MASTER_PORT and SRUN_ARGS are read from the environment.
set -euo pipefail
[ $# -ge 4 ] || { echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [options of tools/test.py]" >&2; exit 2; }
partition=$1 job=$2 config=$3 checkpoint=$4
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
# all tasks of the step read it; MMEngine's default, 29500, is one port for all jobs of a node
export MASTER_PORT=${MASTER_PORT:-$((10000 + RANDOM % 16384))}
# shellcheck disable=SC2086 # SRUN_ARGS holds several words
exec srun --partition "$partition" --job-name "$job" --kill-on-bad-exit=1 \
  --ntasks "$gpus" --ntasks-per-node "$per_node" --gres "gpu:$per_node" \
  --cpus-per-task "${CPUS_PER_TASK:-12}" ${SRUN_ARGS:-} \
  python -u "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher slurm "${@:5}"
