#!/bin/sh
# Brings the peers into a folder, each by the client of its registry. Nothing of them comes
# into the repository. What cannot be had here is left out, and the report says so.
#
#   bench/peers/servers/install.sh DIR
set -u
dir=${1:?say where to: install.sh DIR}
mkdir -p "$dir/npm"
dir=$(cd "$dir" && pwd)
if command -v python3 >/dev/null; then
  [ -x "$dir/py/bin/excel-mcp-server" ] || { python3 -m venv "$dir/py" && "$dir/py/bin/pip" install -q excel-mcp-server==2.2.2 openpyxl==3.1.5; } || echo "excel-mcp-server, openpyxl: not to be had"
fi
if command -v npm >/dev/null; then
  [ -d "$dir/npm/node_modules/xlsx" ] || (cd "$dir/npm" && npm init -y >/dev/null && npm install --no-audit --no-fund @negokaz/excel-mcp-server@0.12.0 xlsx@0.18.5) || echo "@negokaz/excel-mcp-server, xlsx: not to be had"
fi
if command -v cargo >/dev/null; then # takes a while: some 500 crates
  [ -x "$dir/rust/bin/spreadsheet-mcp" ] || cargo install spreadsheet-mcp --version 0.11.1 --root "$dir/rust" --target-dir "$dir/target" || echo "spreadsheet-mcp: not to be had"
fi
exit 0
