//! Reads every sheet of a workbook with calamine and looks at every cell.
//! Arguments: how many times, and the file. Prints cells and sum as key=value.

use calamine::{open_workbook, Data, Reader, Xlsx};
use std::{env, fs::File, io::BufReader};

fn main() {
    let args: Vec<String> = env::args().collect();
    let repeat: usize = args[1].parse().expect("a number of readings");
    let (mut cells, mut sum) = (0u64, 0f64);
    for _ in 0..repeat {
        (cells, sum) = read(&args[2]);
    }
    println!("cells={cells} sum={sum:?}");
}

fn read(path: &str) -> (u64, f64) {
    let mut book: Xlsx<BufReader<File>> = open_workbook(path).expect("a workbook");
    let (mut cells, mut total) = (0, 0.0);
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).expect("a sheet");
        let mut sum = 0.0; // by sheet, so that the order of additions is gridflow's
        for (_, _, value) in range.used_cells() {
            cells += 1;
            match value {
                Data::Int(n) => sum += *n as f64,
                Data::Float(f) => sum += f,
                Data::DateTime(d) => sum += d.as_f64(),
                _ => {}
            }
        }
        total += sum;
    }
    (cells, total)
}
