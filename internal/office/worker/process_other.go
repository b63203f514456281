//go:build !linux

package worker

import "gridflow/internal/office/wire"

func (p *Process) start(Network, chan<- wire.Hello) error { return ErrUnsupported }
func (p *Process) send(wire.Request)                      {}
func (p *Process) end(*Exit)                              {}
