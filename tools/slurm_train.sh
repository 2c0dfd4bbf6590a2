#!/usr/bin/env bash
# Train under Slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options of train.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK, MASTER_PORT and SRUN_ARGS are read from the environment.
# REQUEUE=1 submits a batch job instead, which goes on until the training is done: GRACE seconds
# (120) before its time is up, or when it is pre-empted, it saves, ends and is queued again.
# SBATCH_ARGS holds further options of sbatch, such as --time.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 PARTITION JOB_NAME CONFIG [options of tools/train.py]" >&2; exit 2; }
partition=$1 job=$2 config=$3
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
tools=$(dirname "$0")
tasks=(--ntasks "$gpus" --ntasks-per-node "$per_node" --gres "gpu:$per_node"
  --cpus-per-task "${CPUS_PER_TASK:-12}")
# shellcheck disable=SC2206 # SRUN_ARGS holds several words
step=(srun --partition "$partition" --job-name "$job" --kill-on-bad-exit=1 "${tasks[@]}" ${SRUN_ARGS:-}
  python -u "$tools/train.py" "$config" --launcher slurm)
if [ "${REQUEUE:-0}" = 1 ] && [ -z "${SLURM_JOB_ID:-}" ]; then
  # shellcheck disable=SC2086 # SBATCH_ARGS holds several words
  exec sbatch --requeue --open-mode append --signal "TERM@${GRACE:-120}" --partition "$partition" \
    --job-name "$job" "${tasks[@]}" ${SBATCH_ARGS:-} \
    --wrap "exec bash $(printf '%q ' "$(cd "$tools" && pwd)/slurm_train.sh" "$@")"
fi
# all tasks of the step read it; MMEngine's default, 29500, is one port for all jobs of a node
export MASTER_PORT=${MASTER_PORT:-$((10000 + RANDOM % 16384))}
[ "${REQUEUE:-0}" = 1 ] || exec "${step[@]}" "${@:4}"

work_dir=work_dirs/$(basename "$config" .py)
options=("${@:4}")
for index in "${!options[@]}"; do
  case ${options[index]} in
    --work-dir) work_dir=${options[index + 1]} ;;
    --work-dir=*) work_dir=${options[index]#*=} ;;
  esac
done
"${step[@]}" --work-dir "$work_dir" --resume "${options[@]}"
# a training that was pre-empted ends with status 0 too; what it saved last tells the difference
last=$(cat "$work_dir/last_checkpoint" 2>/dev/null || true)
if [ "${last##*/}" = preempted.pth ]; then
  exec scontrol requeue "$SLURM_JOB_ID"
fi
