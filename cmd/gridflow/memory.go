package main

import (
	"cmp"
	"log/slog"

	"gridflow/internal/office"
	"gridflow/internal/server"
)

// A systemMemory is how much memory the system has and gives, in bytes; 0: it sets no bound, or it is not known.
type systemMemory struct {
	group   int64 // what this process and all that it starts may have together
	process int64 // what this process may have by itself
	machine int64 // what there is
}

func memoryOfSystem() systemMemory {
	return systemMemory{group: server.GroupMemory(), process: server.ProcessMemory(), machine: server.MachineMemory()}
}

const (
	// workerBytes is what a worker of LibreOffice takes of a group's memory with ordinary workbooks: 60 to 170 MB of
	// its own were measured, and 140 MB of programs, which all workers have in common and the system can read again.
	workerBytes = 200 << 20
	// workerUnused is how much of what a worker asks the system for it does not use: stacks of threads, most of all.
	workerUnused = 110 << 20
	// workerLeast is the least bound of a worker's memory with which LibreOffice starts and shows an ordinary sheet.
	workerLeast = 300 << 20
	// officeRoomMost is the most of a group's memory that is kept for workers.
	officeRoomMost = 2 * office.DefaultMemory
	// serverLeast is what a server has at least that is to have workers beside it.
	serverLeast = 128 << 20
	// editBytes is what a cell that is changed takes until its call is done.
	editBytes = 250
)

// fit divides the memory that the system gives where nobody has said how: in a container the system ends who takes too
// much, or lets all in it crawl, and the workers of LibreOffice are in there with the server. office says whether there
// is a LibreOffice.
func (c *config) fit(m systemMemory, office bool) {
	said := func(name string) bool { _, ok := c.places[name]; return ok }
	c.ownMemory = m.group
	if m.group > 0 && office {
		room := officeRoom(m.group, c.memoryLimit)
		if !said("office-workers") {
			c.officeMost = int(room / workerBytes)
			c.officeWorkers = min(c.officeWorkers, (c.officeMost+1)/2) // of two one is a spare, and of three
			c.officeLeftOut = c.officeWorkers == 0
		}
		limits := c.officeLimits()
		if all := int64(limits.Capacity()) * workerBytes; all > 0 {
			c.ownMemory = max(m.group-max(room, all), min(m.group, serverLeast))
			c.officeTight = all+cmp.Or(c.memoryLimit, serverLeast) > m.group
		}
	}
	if m.process > 0 {
		c.ownMemory = min(cmp.Or(c.ownMemory, m.process), m.process)
	}
	if !said("cache-bytes") {
		c.cacheBytes = fittingCache(c.cacheBytes, c.ownMemory)
	}
	if !said("max-edit-cells") {
		c.maxEditCells = fittingEdits(c.maxEditCells, cmp.Or(c.memoryLimit, c.ownMemory, m.machine))
	}
}

// officeRoom is how much of a group's memory is kept for the workers of LibreOffice: what limit leaves, if the server has
// one (0: it has not), or half, and enough for one if the server then has what it needs.
func officeRoom(group, limit int64) int64 {
	if limit > 0 {
		return max(group-limit, 0)
	}
	room := min(group/2, officeRoomMost)
	if group/10*9 >= serverLeast+workerBytes {
		room = max(room, workerBytes)
	}
	return room
}

// workerMost is the most memory that a worker of LibreOffice may have in a group of so much, in bytes as the system counts
// what is asked for, where the server keeps to limit: what is left when the others have what they take with ordinary
// workbooks. With more it would not fail by itself: all in the group would wait for memory.
func workerMost(limits office.Limits, group, limit int64) int64 {
	most := 2 * limits.Memory
	if group > 0 && limit < group {
		left := group - limit - int64(limits.Capacity()-1)*workerBytes + workerUnused
		most = min(most, max(left, workerLeast))
	}
	return most
}

// fittingCache is how much memory the cache may take where nobody has said so: its default, or a quarter of what the
// server may have (own; 0: there is no bound) where that is less.
func fittingCache(def, own int64) int64 {
	if own == 0 {
		return def
	}
	return min(def, max(own/4, 1<<20))
}

// fittingEdits is how many cells a call may change where nobody has said so: the default, or where it is known how much memory
// there is (0: it is not) as many as take a quarter of it, while a save of twice as many takes half; 65 536 in any case.
func fittingEdits(def int, memory int64) int {
	if memory == 0 {
		return def
	}
	return int(min(int64(def), max(memory/4/editBytes, 1<<16)))
}

// hasOffice looks whether there is a LibreOffice that this server may use. Nothing is started for that.
func (c *config) hasOffice() bool {
	_, err := office.Finder(c.office)()
	return err == nil
}

// fitMemory has the collector keep to the settings and to what the system gives this process, and tells the
// operator where the two do not go together.
func (c *config) fitMemory(log *slog.Logger) {
	server.TuneGC(c.memoryLimit, c.cacheBytes, c.ownMemory)
	c.warnOfMemory(log)
}

// warnOfMemory says which settings do not go together with what the system gives: in a container it ends who takes more.
func (c *config) warnOfMemory(log *slog.Logger) {
	if c.ownMemory > 0 && (c.cacheBytes > c.ownMemory/2 || c.memoryLimit > c.ownMemory) {
		log.Warn("the system may end this process: cache-bytes is more than half of the memory that it has, or memory-limit is more than all of it",
			"own_bytes", c.ownMemory, "given_bytes", server.GroupMemory(), "cache_bytes", c.cacheBytes, "memory_limit", c.memoryLimit)
	}
	if c.officeTight {
		limits := c.officeLimits()
		log.Warn("the system may end this server or the workers of LibreOffice: with ordinary workbooks they take more than there is; give more, or fewer --office-workers, or a smaller --memory-limit",
			"given_bytes", server.GroupMemory(), "worker_bytes", workerBytes, "workers_max", limits.Capacity(), "memory_limit", c.memoryLimit)
	}
	if c.officeLeftOut {
		log.Warn("LibreOffice is left out: none of its workers has room in the memory that the system gives; give more, or --office-workers",
			"given_bytes", server.GroupMemory(), "worker_bytes", workerBytes)
	}
}
