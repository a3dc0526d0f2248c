#!/bin/sh
# The whole recipe, from nothing to a pipeline folder in WORK/final/model.  WORK (default: var/storybook in the current folder)
# receives about 5 GB.  About two and a half hours on two CPU cores with matrix units for bfloat16, with the defaults; on a GPU try
#   N=300000 VAE_MIN=30 UNET_MIN=180 UNET_ARGS="--batch 256 --ema 0.9995" sh run_all.sh
# A trial of everything in a few minutes (the pictures mean nothing yet):  N=600 TRIAL=1 sh run_all.sh
set -e
here="$(cd "$(dirname "$0")" && pwd)"
work="${WORK:-$PWD/var/storybook}"
mkdir -p "$work"
cd "$work"
python="${PYTHON:-python}"
step() { echo "== $1"; script="$1"; shift; "$python" "$here/$script" "$@"; }
# Keep freed memory and use large pages: on a CPU this alone made training 1.3x to 1.7x faster.
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=1000000000000:glibc.malloc.top_pad=268435456
if [ -n "$TRIAL" ]; then
    few="--steps 3"; pairs="--n 12"; words="--captions 2000"; exam="--n 8 --infer-steps 2"; look="--steps 4"; fast=""
else
    few=""; pairs=""; words=""; exam=""; look=""; fast="--compile"
fi
step make_data.py --n "${N:-60000}"
step text.py $words
step vae.py --minutes "${VAE_MIN:-11}" --batch 4 --lr 1.2e-3 $few
step encode.py
step train_unet.py --minutes "${UNET_MIN:-65}" $fast $few ${UNET_ARGS:-}   # stop and start again at will: it resumes
# Left and right: teach the words to the text encoder, learn to draw by them on noisy pictures, then return to details.
step teach_position.py --model run/model --out taught $few
step train_unet.py --init taught --out placed --minutes "${PLACE_MIN:-12}" --lr 8e-4 --ema 0.998 --high-noise 0.85 $fast $few ${UNET_ARGS:-}
step train_unet.py --init placed/model --out final --minutes "${DETAIL_MIN:-40}" --lr 6e-4 --high-noise 0.2 $fast $few ${UNET_ARGS:-}
step make_pairs.py $pairs
step train_upscaler.py --minutes "${UPSCALER_MIN:-12}" $few
step judge.py train --minutes 3 $few
step judge.py eval --model final/model --out obedience.json $exam
step sample.py --model final/model --out samples.webp $look
step check.py --model final/model $look
