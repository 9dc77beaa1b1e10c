package evidence

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// atOnce does n things, a few of them at a time.
func atOnce(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, 2*runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// turns lets those who work at once enter what came of it one after another, by their numbers. Who waits for a turn waits for nobody with a
// higher number: atOnce begins in that order.
type turns []chan struct{}

func inTurn(n int) turns {
	t := make(turns, n+1)
	for i := range t {
		t[i] = make(chan struct{})
	}
	close(t[0])
	return t
}

// take does something when the turn of i has come, and then it is that of the next.
func (t turns) take(i int, do func()) {
	<-t[i]
	defer close(t[i+1])
	do()
}
