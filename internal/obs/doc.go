// Package obs is what the process tells its operator: the structured log ([NewLogger]) and
// what it counts ([Metrics]).
//
// Metrics are one table (table.go), of which registration, docs/metrics.md and the golden
// test are made. They come from three places. The gate tells of each call as it comes,
// starts and ends ([Metrics.Listener]): that fills the windows of the classes, from which
// takt, variation and Little's law follow (window.go). What stands around a call tells what
// became of it ([Metrics.Observe]): by tool and outcome, and in the bounded memory of the
// latest calls and the busiest clients (calls.go). And what others count is read when a
// scraper or the tool server_status looks (collect.go, status.go).
//
// What follows from them is made here too: the level is raised while more comes than can be
// done ([Metrics.Tick], demand.go), and the alerts, rules and dashboard that are shipped
// name rows of the table (alerts.go, dashboard.go).
//
// Two invariants. Nothing here ever writes to standard output, which belongs to the
// protocol (stdio) or to a command's answer. And no client is named: no label holds one,
// and the status has aliases only, because the id of a session is a secret.
package obs
