#!/usr/bin/env bash
# Evaluate on the GPUs of this node, or of several: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of test.py]
# Several nodes: NNODES=2 NODE_RANK=0 MASTER_ADDR=host tools/dist_test.sh …
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 CONFIG CHECKPOINT GPUS [options of tools/test.py]" >&2; exit 2; }
config=$1 checkpoint=$2 gpus=$3
exec python -m torch.distributed.run \
  --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$gpus" \
  --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
  "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
