#!/usr/bin/env bash
# Train under Slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options of train.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read from the environment.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 PARTITION JOB_NAME CONFIG [options of tools/train.py]" >&2; exit 2; }
partition=$1 job=$2 config=$3
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
# shellcheck disable=SC2086 # SRUN_ARGS holds several words
exec srun --partition "$partition" --job-name "$job" --kill-on-bad-exit=1 \
  --ntasks "$gpus" --ntasks-per-node "$per_node" --gres "gpu:$per_node" \
  --cpus-per-task "${CPUS_PER_TASK:-12}" ${SRUN_ARGS:-} \
  python -u "$(dirname "$0")/train.py" "$config" --launcher slurm "${@:4}"
