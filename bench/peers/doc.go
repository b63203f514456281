// Command peers measures gridflow's reader side by side with those of others,
// in one run on one machine, and prints the ratios as Markdown tables.
//
//	cd bench/peers && go run . -books DIR [-runs 5] [-only W1,W5] [-peers excelize-rows,calamine]
//
// DIR holds W1.xlsx … W5.xlsx, as bench/gen writes them. Every reading is a
// process of its own, so that neither a warm heap nor a leak helps or harms
// anybody; the peers take turns, so that a busy machine is busy for all of them.
// User CPU comes first: on a shared machine wall time says less.
//
// A peer (see peers.go) is a way to build a command, and the command. It reads
// one workbook and prints key=value pairs, of which cells and sum are compared
// with those of gridflow: whoever finds other cells is marked. A peer that
// cannot be built here is skipped, and the report says why.
//
// This is a module of its own, because the project does not depend on what it is
// compared with.
package main
