package worker

// AwaitExit waits until a process has ended, whoever's it is.
var AwaitExit = awaitExit

// WriteWarmUp writes a workbook with a sheet, values and formulas.
var WriteWarmUp = writeWarmUp

// GroupMembers are the processes of a group but for its first.
var GroupMembers = groupMembers

// PrintedMax is how much is kept of what a worker prints.
const PrintedMax = printedMax
