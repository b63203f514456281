//go:build !linux

package server

// ProcessMemory gives how much memory the system lets this process alone have, in bytes; 0: it is not known.
func ProcessMemory() int64 { return 0 }

// GroupMemory gives how much memory the system lets this process and all that it starts have together, in bytes; 0: it
// is not known.
func GroupMemory() int64 { return 0 }

// MachineMemory gives how much memory the machine has, in bytes; 0: it is not known.
func MachineMemory() int64 { return 0 }
