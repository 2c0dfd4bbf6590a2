#!/usr/bin/env bash
# Train on the GPUs of this node, or of several: tools/dist_train.sh CONFIG GPUS [options of train.py]
# Several nodes: NNODES=2 NODE_RANK=0 MASTER_ADDR=host tools/dist_train.sh …
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 CONFIG GPUS [options of tools/train.py]" >&2; exit 2; }
config=$1 gpus=$2
exec python -m torch.distributed.run \
  --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$gpus" \
  --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
  "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
