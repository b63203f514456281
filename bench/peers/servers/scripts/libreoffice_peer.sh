#!/bin/sh
# LibreOffice from the command line: OP FILE SHEET CELL, prints ms=… of the whole process.
# It cannot be asked for a range or an edit without a macro; what it can is open and write.
op=$1 file=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
case $op in
cold) to=csv ;;
fidelity) to=xlsx ;;
*) exit 3 ;;
esac
begin=$(date +%s%N)
soffice "-env:UserInstallation=file://$out/profile" --headless --convert-to $to --outdir "$out" "$file" >/dev/null 2>&1 || exit 1
end=$(date +%s%N)
name=$(basename "$file" .xlsx)
[ -e "$out/$name.$to" ] || exit 1
[ $op = fidelity ] && cp "$out/$name.xlsx" "$file.saved.xlsx"
echo "ms=$(((end - begin) / 1000000))"
