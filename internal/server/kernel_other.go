//go:build !linux

package server

// KernelMemory gives how much memory the system lets this process have, in bytes; 0: it is not known.
func KernelMemory() int64 { return 0 }

// MachineMemory gives how much memory the machine has, in bytes; 0: it is not known.
func MachineMemory() int64 { return 0 }
