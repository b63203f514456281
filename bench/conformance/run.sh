#!/usr/bin/env bash
# Runs real MCP clients against gridflow: the conformance suite (against the
# fixtures server, which is gridflow's own HTTP stack, and against the program
# itself where no fixture is needed), the Inspector's command line, and the
# TypeScript SDK in both versions. Everything that fails is named at the end and
# makes the exit code 1; a missing npm makes it 2.
#
#   bench/conformance/run.sh [NAME-PATTERN]     run the steps whose name matches
#
# What each step printed is in results/. With SPREADSHEET_KIT_SDK=DIR the client library of
# spreadsheet-mcp is run as well: DIR is npm/spreadsheet-kit-sdk of its repository.
set -uo pipefail
cd "$(dirname "$0")" || exit 2
here=$PWD
pattern=${1:-}

command -v npm >/dev/null || { echo "conformance: npm is needed; install Node.js" >&2; exit 2; }
if [ ! -e node_modules/.installed ] || [ package.json -nt node_modules/.installed ]; then
  npm install --no-package-lock --no-fund --no-audit --loglevel=error || { echo "conformance: npm install failed" >&2; exit 2; }
  touch node_modules/.installed
fi
export PATH="$here/node_modules/.bin:$PATH" # node 22 from npm goes first
export MCP_INSPECTOR_SECRET_STORE=memory

work=$(mktemp -d)
started=()
cleanup() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
  wait
  rm -rf "$work"
}
trap cleanup EXIT
mkdir -p results && rm -f results/*.log

root=$(cd ../.. && pwd)
(cd "$root" && go build -o "$work/gridflow" ./cmd/gridflow && go build -tags conformance -o "$work/fixtures" ./bench/conformance/fixtures) || exit 1

# serve LOG COMMAND…: starts a server and puts its URL, which it prints, in $url.
serve() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  local pid=$!
  started+=("$pid")
  for _ in $(seq 100); do
    url=$(grep -om1 'http://127[^" ]*' "$log") && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "conformance: the server did not start: $*" >&2
  cat "$log" >&2
  exit 1
}

failed=()
count=0
# step NAME COMMAND…: runs a command, whose output goes to results/NAME.log.
step() {
  local name=$1
  shift
  [[ $name == *$pattern* ]] || return 0
  count=$((count + 1))
  if timeout 300 "$@" >"results/$name.log" 2>&1; then
    echo "ok    $name"
  else
    echo "FAIL  $name (exit code $?; results/$name.log)"
    failed+=("$name")
  fi
}
# expect TEXT COMMAND…: the command must succeed and print TEXT.
expect() {
  local text=$1
  shift
  local out rc
  out=$("$@")
  rc=$?
  printf '%s\n' "$out"
  [ $rc -eq 0 ] && grep -qF -- "$text" <<<"$out"
}
export -f expect

serve "$work/fixtures.log" "$work/fixtures" -listen 127.0.0.1:0
fixtures=$url
serve "$work/gridflow.log" "$work/gridflow" http --root "$root/examples" --listen 127.0.0.1:0
server=$url
stdio=("$work/gridflow" stdio --root "$root/examples" --log-level error)
printf '{"mcpServers":{"gridflow":{"command":"%s","args":["stdio","--root","%s","--log-level","error"]}}}' \
  "$work/gridflow" "$root/examples" >"$work/servers.json"
export HOME=$work # the Inspector writes there

# The suite. The tasks-* scenarios belong to an extension and are not scored.
for revision in 2025-11-25 2026-07-28; do
  step "suite-$revision" conformance server --url "$fixtures" --requirements $revision -o "$work/suite"
done
for scenario in server-sse-multiple-streams resources-list prompts-list sep-2164-resource-not-found \
  dns-rebinding-protection caching http-header-validation; do
  step "program-$scenario" conformance server --url "$server" --scenario $scenario -o "$work/suite"
done

# The Inspector. --strict also fails on schemas that some clients do not take.
tool=list_workbooks found=budget
for era in legacy modern; do
  for transport in stdio http; do
    if [ $transport = stdio ]; then target=(--config "$work/servers.json" --server gridflow); else target=("$server" --transport http); fi
    inspect=(mcp-inspector --cli "${target[@]}" --protocol-era $era --format json)
    step "inspector-$era-$transport-list" bash -c 'expect "$@"' - "\"$tool\"" "${inspect[@]}" --method tools/list --strict
    step "inspector-$era-$transport-call" bash -c 'expect "$@"' - $found "${inspect[@]}" --method tools/call --tool-name $tool
    step "inspector-$era-$transport-prompts" bash -c 'expect "$@"' - explore_workbook "${inspect[@]}" --method prompts/list
    step "inspector-$era-$transport-resources" bash -c 'expect "$@"' - gridflow:// "${inspect[@]}" --method resources/list
  done
done

# The SDK.
for transport in stdio http; do
  if [ $transport = stdio ]; then target=("${stdio[@]}"); else target=("$server"); fi
  step "sdk-v1-$transport" node sdk-v1.mjs 2025-11-25 $tool '{}' $found "${target[@]}"
  step "sdk-v2-legacy-$transport" node sdk-v2.mjs 2025-11-25 $tool '{}' $found "${target[@]}"
  step "sdk-v2-modern-$transport" node sdk-v2.mjs 2026-07-28 $tool '{}' $found "${target[@]}"
done

# spreadsheet-mcp's own client library, where somebody has it (it is on no registry).
if [ -n "${SPREADSHEET_KIT_SDK:-}" ]; then
  mkdir "$work/kit" && cp "$root"/examples/*.xlsx "$work/kit"
  step spreadsheet-kit node spreadsheet-kit.mjs "$SPREADSHEET_KIT_SDK" "$work/kit" \
    "$work/gridflow" stdio --root "$work/kit" --state-dir "$work/kit-state" --toolsets all --output-profile compat --log-level error
fi

if [ $count -eq 0 ]; then
  echo "conformance: no step is named *$pattern*" >&2
  exit 2
fi
echo "$((count - ${#failed[@]})) of $count passed"
[ ${#failed[@]} -eq 0 ]
