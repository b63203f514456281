package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestSlowSessionHoldsUpNobody: two sessions watch the same workbooks, and one does not read.
// The other is told of each change in the moment in which it happens: in the bubble time
// passes only while somebody waits for it. Who reads again is told once of each.
func TestSlowSessionHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resources := fixtureResources{changed: make(chan string)}
		s := New(Config{Tools: fixtureTools(), Resources: resources})
		telling, stop := context.WithCancel(t.Context())
		told := make(chan bool)
		go func() { defer close(told); s.tellChanges(telling) }()

		subscribe := ""
		for i, uri := range []string{"gridflow://wb-1", "gridflow://wb-2"} {
			subscribe += fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"resources/subscribe","params":{"uri":%q}}`+"\n", 10+i, uri)
		}
		connect := func(out io.Writer) (end func()) {
			in, client := io.Pipe()
			session, err := s.mcp.Connect(t.Context(), newLineConn(in, out, s.checkCall), nil)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(client, initializeMessage+"\n"+`{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n"+subscribe)
			return func() {
				client.Close()
				session.Close()
			}
		}
		var quick, late lockedBuffer
		slow := &gatedWriter{to: &late, open: make(chan bool)}
		endQuick := connect(&quick)
		synctest.Wait()
		endSlow := connect(slow)
		for range 3 { // the answers to initialize and subscribe
			slow.open <- true
		}
		synctest.Wait()

		const changes = 50
		start := time.Now()
		for i := range changes {
			resources.changed <- fmt.Sprintf("gridflow://wb-%d", 1+i%2)
			synctest.Wait()
			if n := strings.Count(quick.String(), methodResourceUpdated); n != i+1 {
				t.Fatalf("after change %d the one who reads has %d notices", i+1, n)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the changes took %v", waited)
		}
		close(slow.open)
		synctest.Wait()
		// The one that was being written, and one of each of the two that waited.
		if n := strings.Count(late.String(), methodResourceUpdated); n != 3 {
			t.Errorf("who reads late has %d notices\n%s", n, late.String())
		}
		if sessions, lagged := s.Subscribers(); sessions != 2 || lagged != changes-3 {
			t.Errorf("%d sessions watch, %d notices were replaced by later ones, want 2 and %d", sessions, lagged, changes-3)
		}
		if n := len(s.notices.waiting); n != 0 {
			t.Errorf("%d queues are left", n)
		}
		stop()
		<-told
		endQuick()
		endSlow()
		synctest.Wait()
		if sessions, _ := s.Subscribers(); sessions != 0 {
			t.Errorf("%d sessions that have ended watch", sessions)
		}
	})
}

// gatedWriter takes a piece for each value of open, and everything once it is closed.
type gatedWriter struct {
	to   io.Writer
	open chan bool
}

func (w *gatedWriter) Write(p []byte) (int, error) {
	<-w.open
	return w.to.Write(p)
}

// panickyResources panic in Changes once each time that something is sent to panic.
type panickyResources struct {
	fixtureResources
	panic chan bool
}

func (r panickyResources) Changes(ctx context.Context, fn func(workbook string)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.panic:
			panic("secret detail")
		case workbook := <-r.changed:
			fn(workbook)
		}
	}
}

// TestPanicOfTheFollower: what follows the files panics, and so does the telling of a change.
// The watchers are told of all changes after that, and after the first also that something
// may have changed meanwhile.
func TestPanicOfTheFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resources := panickyResources{fixtureResources{changed: make(chan string)}, make(chan bool)}
		var out, log lockedBuffer
		s := New(Config{Tools: fixtureTools(), Resources: resources, Log: slog.New(slog.NewTextHandler(&log, nil))})
		broken := true
		s.mcp.AddSendingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
			return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
				if method == methodResourceUpdated && broken {
					panic("secret detail")
				}
				return next(ctx, method, req)
			}
		})
		in, client := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.ServeStdio(t.Context(), in, &out, time.Minute) }()
		io.WriteString(client, initializeMessage+"\n"+`{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n"+
			`{"jsonrpc":"2.0","id":10,"method":"resources/subscribe","params":{"uri":"gridflow://wb-1/Data"}}`+"\n")
		told := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if n := strings.Count(out.String(), methodResourceUpdated); n != want {
				t.Fatalf("%s: %d notices, want %d\n%s", when, n, want, log.String())
			}
		}
		synctest.Wait()
		resources.changed <- "gridflow://wb-1"
		told(0, "the telling panics")
		broken = false
		resources.changed <- "gridflow://wb-1"
		told(1, "after a panic of the telling")
		for i := range 3 {
			resources.panic <- true
			time.Sleep(followAgain + time.Millisecond)
			told(2+2*i, "after a panic of the follower")
			resources.changed <- "gridflow://wb-1"
			told(3+2*i, "a change after that")
		}
		if n := strings.Count(log.String(), "panic;"); n != 4 {
			t.Errorf("%d panics are in the log, want 4:\n%s", n, log.String())
		}
		client.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
