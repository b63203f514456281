"""openpyxl, as a script would use it: OP FILE SHEET CELL, prints ms=… of the work itself."""
import sys
import time

import openpyxl

op, path, sheet, cell = sys.argv[1:5]
start = time.perf_counter()


def done():
    print(f"ms={(time.perf_counter() - start) * 1000:.3f}")


if op == "cold":  # every cell addressable
    ws = openpyxl.load_workbook(path)[sheet]
    [[c.value for c in row] for row in ws["A1:J20"]]
    done()
elif op == "page":  # the first page alone, by the mode that streams
    ws = openpyxl.load_workbook(path, read_only=True)[sheet]
    [[c.value for c in row] for row in ws.iter_rows(min_row=1, max_row=50)]
    done()
elif op == "reads":
    ws = openpyxl.load_workbook(path)[sheet]
    start = time.perf_counter()
    for i in range(1000):
        row = 1 + i * 7919 % (ws.max_row - 20)
        [[c.value for c in r] for r in ws[f"A{row}:J{row + 19}"]]
    done()
elif op == "find":
    ws = openpyxl.load_workbook(path)[sheet]
    start = time.perf_counter()
    [c.coordinate for row in ws.iter_rows() for c in row if c.value is not None and "424242" in str(c.value)][:5]
    done()
elif op == "edit":
    ws = openpyxl.load_workbook(path)[sheet]
    start = time.perf_counter()
    ws[cell] = 424242
    assert ws[cell].value == 424242
    done()
elif op in ("save", "fidelity"):
    wb = openpyxl.load_workbook(path, keep_vba=path.endswith("m"))
    start = time.perf_counter()
    wb[sheet][cell] = 424242
    wb.save(path + ".saved.xlsx")
    done()
else:
    sys.exit(3)
