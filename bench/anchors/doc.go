// Package anchors puts gridflow's scheduler beside those that others use in Go: the
// semaphore of x/sync, the bulkhead and the adaptive limiter of failsafe-go, and the
// queue sets behind API priority and fairness of the Kubernetes API server.
//
//	cd bench/anchors && go test -v -run Side        # tables, in virtual time
//	cd bench/anchors && go test -v -timeout 60m -run Side . -wall -length 20s  # by the clock
//	cd bench/anchors && go test -run '^$' -bench .  # what acquiring and giving back costs
//
// All get the same requests: one process of arrivals per client, with a seed, and the time
// that each request will take drawn when it arrives. The backend has eight servers that
// work for 20 ms in the mean, exponentially distributed, in the order in which requests
// get to it; what it has begun it ends. An answer is good within 500 ms. Virtual time is that of
// testing/synctest, so that the goroutines, channels and timers of everybody are the real ones.
// By the clock the peak is what another backend does at the same time that always has work:
// sleeping takes longer than it says, the more so the busier the machine is.
//
// This is a module of its own, because the project does not depend on what it is compared
// with.
package anchors
