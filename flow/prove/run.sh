#!/usr/bin/env bash
# Checks permit.pml with Spin: the model itself must pass, each of its faults must fail.
# PROVE_N is how many calls there are at most, 4 by default; 3 takes a minute or two. Nothing is
# installed: where spin or gcc is missing this says so and fails, or with PROVE_OPTIONAL=1
# says that it is skipped.
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/permit.pml
most=${PROVE_N:-4}
for tool in spin gcc; do
  if ! command -v "$tool" >/dev/null; then
    echo "prove: $tool is not installed (Debian: apt-get install spin gcc)"
    if [ "${PROVE_OPTIONAL:-0}" = 1 ]; then echo "prove: skipped"; exit 0; fi
    exit 1
  fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

depth=300000 # of a search; deeper ones say so, and fail

# build DEFINES…: makes the checker of the model with these.
build() {
  defines=$*
  spin "$@" -a "$model" >spin.out 2>&1 || { cat spin.out; exit 1; }
  gcc -O1 -DNFAIR=3 -DVECTORSZ=2048 -DCOLLAPSE -DMEMLIM=12000 -w -o pan pan.c
}

# check WANT CLAIM…: each claim holds (WANT is ok) or does not (WANT is wrong).
check() {
  local want=$1 claim errors states got
  shift
  for claim; do
    # The claims about waiting need fairness, that about seats holds without.
    ./pan -a $([ "$claim" = seats ] || echo -f) -m"$depth" -N "$claim" >pan.out
    errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.out)
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)
    got=ok
    if [ "$errors" != 0 ]; then
      got=wrong
    elif grep -qE 'max search depth too small|out of memory|Search not completed' pan.out; then
      got=unfinished # and proves nothing
    fi
    printf '%-6s %-30s %-10s %12s states\n' "$claim" "$defines" "$got" "$states"
    if [ $got != "$want" ]; then
      grep -E 'assertion|acceptance|claim|depth' pan.out || true
      echo "prove: it should be $want"
      exit 1
    fi
  done
}

for n in $(seq 2 "$most"); do
  if [ "$n" -gt 3 ]; then depth=5000000; fi
  build -DN="$n"
  check ok seats first last
  build -DN="$n" -DEMPTY=0
  check ok last
  build -DN="$n" -DSEATS=2
  check ok seats last
  build -DN="$n" -DSHARING=0
  check ok seats last
  build -DN="$n" -DSHARING="$n"
  check ok seats last
  build -DN="$n" -DKEEPING=1
  check ok seats last
done
build -DN=3 -DKEEPING=2
check ok seats first last
build -DN=2 -DKEEPING=2 -DSHARING=0
check ok seats first last
# The faults.
depth=300000
build -DN=2 -DFORGET=1
check wrong seats first last
build -DN=3 -DENDLESS
check wrong last
build -DN=3 -DSILENT=1
check wrong first
build -DN=2 -DKEEPING=2 -DGIVEN=1
check wrong seats
build -DN=2 -DKEEPING=1 -DSHARING=0 -DLOST=1
check wrong seats
echo "prove: all as it should be, for up to $most calls"
