// SheetJS, as a script would use it: TOOLS OP FILE SHEET CELL, prints ms=… of the work itself.
const [tools, op, path, sheet, cell] = process.argv.slice(2);
const XLSX = require(tools + "/npm/node_modules/xlsx");
let start = performance.now();
const done = () => console.log("ms=" + (performance.now() - start).toFixed(3));
const read = (options) => XLSX.readFile(path, Object.assign({ cellStyles: true, bookVBA: true }, options));
const rows = (ws, from, to) => XLSX.utils.sheet_to_json(ws, { header: 1, range: `A${from}:J${to}` });
if (op === "cold") {
  rows(read().Sheets[sheet], 1, 20);
  done();
} else if (op === "page") {
  rows(read({ sheetRows: 50 }).Sheets[sheet], 1, 50);
  done();
} else if (op === "reads") {
  const ws = read().Sheets[sheet];
  const last = XLSX.utils.decode_range(ws["!ref"]).e.r;
  start = performance.now();
  for (let i = 0; i < 1000; i++) {
    const row = 1 + ((i * 7919) % (last - 20));
    rows(ws, row, row + 19);
  }
  done();
} else if (op === "find") {
  const ws = read().Sheets[sheet];
  start = performance.now();
  Object.keys(ws).filter((k) => k[0] !== "!" && String(ws[k].v).includes("424242")).slice(0, 5);
  done();
} else if (op === "edit") {
  const ws = read().Sheets[sheet];
  start = performance.now();
  ws[cell] = { t: "n", v: 424242 };
  done();
} else if (op === "save" || op === "fidelity") {
  const wb = read();
  start = performance.now();
  wb.Sheets[sheet][cell] = { t: "n", v: 424242 };
  XLSX.writeFile(wb, path + ".saved.xlsx", { bookVBA: true, cellStyles: true });
  done();
} else process.exit(3);
