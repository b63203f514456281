//go:build interleave

package csync

import (
	"sync/atomic"
	"unsafe"

	"gridflow/internal/interleave/coro"
)

// An atomic is the standard one with a stop before each operation. Every exchange counts
// as a write, also where it fails: whether it fails is known too late.

var (
	kindLoad  = coro.Kind{Type: "atomic", Verb: "Load", Access: coro.Read}
	kindStore = coro.Kind{Type: "atomic", Verb: "Store"}
	kindSwap  = coro.Kind{Type: "atomic", Verb: "Swap"}
	kindCAS   = coro.Kind{Type: "atomic", Verb: "CompareAndSwap"}
	kindPlus  = coro.Kind{Type: "atomic", Verb: "Add"}
	kindAnd   = coro.Kind{Type: "atomic", Verb: "And"}
	kindOr    = coro.Kind{Type: "atomic", Verb: "Or"}
)

// Int32 is an atomic.Int32.
type Int32 struct{ v atomic.Int32 }

func (x *Int32) Load() int32 { coro.Step(&kindLoad, unsafe.Pointer(x)); return x.v.Load() }

func (x *Int32) Store(v int32) { coro.Step(&kindStore, unsafe.Pointer(x)); x.v.Store(v) }

func (x *Int32) Swap(v int32) int32 { coro.Step(&kindSwap, unsafe.Pointer(x)); return x.v.Swap(v) }

func (x *Int32) CompareAndSwap(was, v int32) bool {
	coro.Step(&kindCAS, unsafe.Pointer(x))
	return x.v.CompareAndSwap(was, v)
}

func (x *Int32) Add(d int32) int32 { coro.Step(&kindPlus, unsafe.Pointer(x)); return x.v.Add(d) }

func (x *Int32) And(mask int32) int32 { coro.Step(&kindAnd, unsafe.Pointer(x)); return x.v.And(mask) }

func (x *Int32) Or(mask int32) int32 { coro.Step(&kindOr, unsafe.Pointer(x)); return x.v.Or(mask) }

// Int64 is an atomic.Int64.
type Int64 struct{ v atomic.Int64 }

func (x *Int64) Load() int64 { coro.Step(&kindLoad, unsafe.Pointer(x)); return x.v.Load() }

func (x *Int64) Store(v int64) { coro.Step(&kindStore, unsafe.Pointer(x)); x.v.Store(v) }

func (x *Int64) Swap(v int64) int64 { coro.Step(&kindSwap, unsafe.Pointer(x)); return x.v.Swap(v) }

func (x *Int64) CompareAndSwap(was, v int64) bool {
	coro.Step(&kindCAS, unsafe.Pointer(x))
	return x.v.CompareAndSwap(was, v)
}

func (x *Int64) Add(d int64) int64 { coro.Step(&kindPlus, unsafe.Pointer(x)); return x.v.Add(d) }

func (x *Int64) And(mask int64) int64 { coro.Step(&kindAnd, unsafe.Pointer(x)); return x.v.And(mask) }

func (x *Int64) Or(mask int64) int64 { coro.Step(&kindOr, unsafe.Pointer(x)); return x.v.Or(mask) }

// Uint32 is an atomic.Uint32.
type Uint32 struct{ v atomic.Uint32 }

func (x *Uint32) Load() uint32 { coro.Step(&kindLoad, unsafe.Pointer(x)); return x.v.Load() }

func (x *Uint32) Store(v uint32) { coro.Step(&kindStore, unsafe.Pointer(x)); x.v.Store(v) }

func (x *Uint32) Swap(v uint32) uint32 { coro.Step(&kindSwap, unsafe.Pointer(x)); return x.v.Swap(v) }

func (x *Uint32) CompareAndSwap(was, v uint32) bool {
	coro.Step(&kindCAS, unsafe.Pointer(x))
	return x.v.CompareAndSwap(was, v)
}

func (x *Uint32) Add(d uint32) uint32 { coro.Step(&kindPlus, unsafe.Pointer(x)); return x.v.Add(d) }

func (x *Uint32) And(mask uint32) uint32 {
	coro.Step(&kindAnd, unsafe.Pointer(x))
	return x.v.And(mask)
}

func (x *Uint32) Or(mask uint32) uint32 { coro.Step(&kindOr, unsafe.Pointer(x)); return x.v.Or(mask) }

// Uint64 is an atomic.Uint64.
type Uint64 struct{ v atomic.Uint64 }

func (x *Uint64) Load() uint64 { coro.Step(&kindLoad, unsafe.Pointer(x)); return x.v.Load() }

func (x *Uint64) Store(v uint64) { coro.Step(&kindStore, unsafe.Pointer(x)); x.v.Store(v) }

func (x *Uint64) Swap(v uint64) uint64 { coro.Step(&kindSwap, unsafe.Pointer(x)); return x.v.Swap(v) }

func (x *Uint64) CompareAndSwap(was, v uint64) bool {
	coro.Step(&kindCAS, unsafe.Pointer(x))
	return x.v.CompareAndSwap(was, v)
}

func (x *Uint64) Add(d uint64) uint64 { coro.Step(&kindPlus, unsafe.Pointer(x)); return x.v.Add(d) }

func (x *Uint64) And(mask uint64) uint64 {
	coro.Step(&kindAnd, unsafe.Pointer(x))
	return x.v.And(mask)
}

func (x *Uint64) Or(mask uint64) uint64 { coro.Step(&kindOr, unsafe.Pointer(x)); return x.v.Or(mask) }

// Bool is an atomic.Bool.
type Bool struct{ v atomic.Bool }

func (x *Bool) Load() bool { coro.Step(&kindLoad, unsafe.Pointer(x)); return x.v.Load() }

func (x *Bool) Store(v bool) { coro.Step(&kindStore, unsafe.Pointer(x)); x.v.Store(v) }

func (x *Bool) Swap(v bool) bool { coro.Step(&kindSwap, unsafe.Pointer(x)); return x.v.Swap(v) }

func (x *Bool) CompareAndSwap(was, v bool) bool {
	coro.Step(&kindCAS, unsafe.Pointer(x))
	return x.v.CompareAndSwap(was, v)
}

// Pointer is an atomic.Pointer.
type Pointer[T any] struct{ v atomic.Pointer[T] }

func (x *Pointer[T]) Load() *T { coro.Step(&kindLoad, unsafe.Pointer(x)); return x.v.Load() }

func (x *Pointer[T]) Store(v *T) { coro.Step(&kindStore, unsafe.Pointer(x)); x.v.Store(v) }

func (x *Pointer[T]) Swap(v *T) *T { coro.Step(&kindSwap, unsafe.Pointer(x)); return x.v.Swap(v) }

func (x *Pointer[T]) CompareAndSwap(was, v *T) bool {
	coro.Step(&kindCAS, unsafe.Pointer(x))
	return x.v.CompareAndSwap(was, v)
}
