package journal

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/vfs"
)

var kills = flag.Int("kills", 20, "how often TestKill kills the process that appends")

// childDir tells this binary to be the process that is killed, and where it appends.
const childDir = "GRIDFLOW_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := appendForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

const (
	killStreams = 8
	killSegment = 64 << 10 // bytes: so that segments are sealed and deleted as well
)

// payload is what record seq of a life of a stream has in it: it can be told from the
// record alone whether it is right.
func payload(id string, life, seq uint64) []byte {
	h := fnv.New64a()
	fmt.Fprint(h, id, life, seq)
	rnd := rand.New(rand.NewPCG(h.Sum64(), 0))
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 600), life)
	for range rnd.IntN(500) {
		b = append(b, byte(rnd.Uint32()))
	}
	return b
}

// appendForEver appends to every stream, and now and then ends one. It tells on standard
// output what was acknowledged, one write for each, and before an end that it may come.
func appendForEver(dir string) error {
	o, err := vfs.OpenOS(dir)
	if err != nil {
		return err
	}
	l, err := Open(o, "j", Options{SegmentBytes: killSegment})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	failed := make(chan error, killStreams)
	for i := range killStreams {
		wg.Go(func() { failed <- appendStream(l, fmt.Sprintf("s%d", i)) })
	}
	return <-failed
}

func appendStream(l *Log, id string) error {
	for {
		life, seq := rand.Uint64(), uint64(0)
		for e, err := range l.All(id) {
			if err == ErrNoStream {
				break
			}
			if err != nil {
				return err
			}
			life, seq = binary.LittleEndian.Uint64(e.Data), e.Seq
		}
		for rand.IntN(150) != 0 {
			seq++
			if _, err := l.Append(id, uint8(seq), payload(id, life, seq)); err != nil {
				return err
			}
			fmt.Printf("ack %s %d %d\n", id, life, seq)
		}
		fmt.Printf("end? %s %d 0\n", id, life)
		if err := l.End(id); err != nil && err != ErrNoStream {
			return err
		}
		fmt.Printf("end! %s %d 0\n", id, life)
	}
}

// acked is what was acknowledged of a stream.
type acked struct {
	life, seq uint64
	end       string // "", "end?" or "end!"
}

// TestKill kills a process that appends, again and again, and looks each time whether
// what it was told to be durable is there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	o, err := vfs.OpenOS(dir)
	must(t, err)
	defer o.Close()
	told := make(map[string]acked)
	total := 0
	for round := range *kills {
		total += killOne(t, dir, told)
		l, err := Open(o, "j", Options{SegmentBytes: killSegment})
		if err != nil {
			t.Fatalf("after kill %d: %v", round+1, err)
		}
		for i := range killStreams {
			checkKilled(t, l, fmt.Sprintf("s%d", i), told)
		}
		if round%10 == 0 {
			sound(t, l)
		}
		must(t, l.Close())
		if t.Failed() {
			t.Fatalf("after kill %d", round+1)
		}
	}
	t.Logf("%d kills, %d appends acknowledged, none lost", *kills, total)
}

// killOne runs the process until it has told a number of things, kills it, and notes
// all that it told.
func killOne(t *testing.T, dir string, told map[string]acked) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	patience := 1 + rand.IntN(400)
	in := bufio.NewReader(out)
	n := 0
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break // a line without an end was never told as a whole
		}
		must(t, err)
		if n++; n == patience {
			must(t, cmd.Process.Kill())
		}
		var what, id string
		var life, seq uint64
		if _, err := fmt.Sscan(line, &what, &id, &life, &seq); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		a := told[id]
		if a.life != life {
			a = acked{life: life}
		}
		if what == "ack" {
			a.seq = max(a.seq, seq)
		} else {
			a.end = what
		}
		told[id] = a
	}
	cmd.Wait()
	if n < patience {
		t.Fatalf("it stopped by itself: %s", stderr.String())
	}
	return n
}

// checkKilled compares a stream with what was told of it, and believes the stream where
// more is there: that may be.
func checkKilled(t *testing.T, l *Log, id string, told map[string]acked) {
	t.Helper()
	a, known := told[id]
	now := acked{}
	for e, err := range l.All(id) {
		if err == ErrNoStream {
			if known && a.end == "" && a.seq > 0 {
				t.Errorf("stream %s is gone: %+v was told", id, a)
			}
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		if e.Seq == 1 {
			now.life = binary.LittleEndian.Uint64(e.Data)
		}
		now.seq++
		if want := payload(id, now.life, now.seq); e.Seq != now.seq || e.Kind != uint8(e.Seq) || string(e.Data) != string(want) {
			t.Errorf("stream %s has another record %d than was appended", id, now.seq)
			return
		}
	}
	switch {
	case now.life == a.life && (a.end == "end!" || now.seq < a.seq):
		t.Errorf("stream %s has %+v, and %+v was told", id, now, a)
	case now.life != a.life && known && a.end == "" && a.seq > 0:
		t.Errorf("stream %s has begun anew, and %+v was told", id, a)
	}
	told[id] = now
}
