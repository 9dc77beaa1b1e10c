package qemu

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
)

// broken is a guest whose impairments are undone as another process would do it: from data.
type broken struct {
	*testing.T
	*Machine
}

func (b broken) impair(i instance.Impairment) {
	b.Helper()
	require.NoError(b, b.Impairable(b.Context(), i))
	require.Error(b, b.Impaired(b.Context(), i), "nothing was done yet")
	for range 2 {
		require.NoError(b, b.Impair(b.Context(), i))
	}
	require.EventuallyWithT(b, func(t *assert.CollectT) { assert.NoError(t, b.Impaired(b.Context(), i)) },
		2*time.Minute, 200*time.Millisecond)
}

func (b broken) mend(i instance.Impairment) {
	b.Helper()
	for range 2 {
		require.NoError(b, b.undo(b.UndoImpairment(i)))
	}
	require.Error(b, b.Impaired(b.Context(), i), "it was mended")
}

func (b broken) undo(u ledger.Undo) error {
	return Undoers()[u.Kind](b.Context(), b.driver.site.Scope, ledger.Entry{Name: "x", Undo: u})
}

func (b broken) sh(script string) (string, error) {
	r, err := b.Exec(b.Context(), instance.Command{Args: []string{"/bin/sh", "-c", script}})
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("exit code %d: %s", r.Exit, r.Stderr)
	}
	return strings.TrimSpace(r.Stdout), err
}

func (b broken) number(script string) int64 {
	b.Helper()
	said, err := b.sh(script)
	require.NoError(b, err)
	n, err := strconv.ParseInt(said, 10, 64)
	require.NoError(b, err)
	return n
}

// answers asks the guest's service once.
func (b broken) answers() error {
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return b.Dial(ctx, servicePort) }}}
	r, err := client.Get("http://guest/healthz")
	if err == nil {
		err = r.Body.Close()
	}
	return err
}

// eachRead prints how long twenty direct reads of 4 KiB took, ms each.
const eachRead = `perl -e '
sub now { my $b = "\0" x 16; syscall(228, 1, $b); my ($s, $n) = unpack("qq", $b); $s * 1e3 + $n / 1e6 }
sysopen(F, "/dev/vda", 0x4000) or die $!;
my $buf = "x" x (1 << 20); substr($buf, 0, 1) = "y";
my $off = -unpack("J", pack("p", $buf)) % 4096;
for (0..19) {
  sysseek(F, $_ * 1048576, 0); my $t = now();
  (sysread(F, $buf, 4096, $off) || 0) == 4096 or die $!;
  printf "%d\n", now() - $t;
}'`

func (b broken) reads() []int {
	b.Helper()
	said, err := b.sh(eachRead)
	require.NoError(b, err)
	var all []int
	for line := range strings.Lines(said) {
		n, err := strconv.Atoi(strings.TrimSpace(line))
		require.NoError(b, err)
		all = append(all, n)
	}
	return all
}

const (
	readOne   = "dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct"
	readMany  = "dd if=/dev/vda of=/dev/null bs=256k count=64 skip=8000 iflag=direct" // where nothing is: quick to read
	readBytes = 64 * 256 << 10
	memory    = "awk '/^MemTotal:/ {print $2}' /proc/meminfo"
)

// rate of many reads, bytes per second, by the guest's clock.
func (b broken) rate() float64 {
	b.Helper()
	ns := b.number("t=$(date +%s%N); " + readMany + " && echo $(($(date +%s%N) - t))")
	return readBytes / time.Duration(ns).Seconds()
}

// One guest meets every impairment and its end: a boot costs 20 s under emulation.
func TestVMImpair(t *testing.T) {
	needs.EveryVM(t)
	d := newBench(t)
	m := d.bootGuest(t, openFile(t, guestImage(t)), VM{})
	awaitHTTP(t, m, "/healthz", 3*time.Minute)
	b := broken{t, m}
	require.Eventually(t, func() bool { // until then it reads a lot by itself
		state, _ := b.sh("systemctl is-system-running || :")
		return state == "running" || state == "degraded"
	}, 3*time.Minute, 2*time.Second)
	part := func(name string, f func(b broken)) {
		if !t.Run(name, func(t *testing.T) { f(broken{t, m}) }) {
			t.FailNow()
		}
	}

	part("bytes per second", func(b broken) {
		const rate = 2_000_000
		before := b.rate()
		limit := instance.Impairment{BytesPerSecond: rate}
		b.impair(limit)
		during := 0.0
		for try := 0; try < 3 && during < 0.8*rate; try++ { // a host that is busy elsewhere only takes from it
			during = b.rate()
		}
		b.mend(limit)
		after := b.rate()
		b.Logf("bytes/s: before %.0f, during %.0f, after %.0f", before, during, after)
		assert.Greater(b, during, 0.8*rate)
		assert.Less(b, during, 1.25*rate)
		assert.Greater(b, after, 2*during)
	})
	part("latency", func(b broken) {
		limit := instance.Impairment{Latency: 80 * time.Millisecond}
		before := b.reads()
		b.impair(limit)
		during := b.reads()
		b.mend(limit)
		after := b.reads()
		b.Logf("ms for each read: before %v, during %v, after %v", before, during, after)
		total := 0
		for _, ms := range during {
			total += ms
		}
		for _, all := range [][]int{before, during, after} {
			slices.Sort(all)
		}
		assert.Less(b, before[len(before)/2], 20)
		assert.Less(b, after[len(after)/2], 20)
		// A disk that rested serves the first at once, and so after each time that the host was busy elsewhere.
		assert.GreaterOrEqual(b, during[len(during)/2], 60)
		assert.GreaterOrEqual(b, total/len(during), 60)
	})
	part("errors of reads", func(b broken) {
		limit := instance.Impairment{IOError: instance.DiskReads}
		_, err := b.sh(readOne) // from now on the program is in the guest's memory
		require.NoError(b, err)
		b.impair(limit)
		_, err = b.sh(readOne)
		require.ErrorContains(b, err, "Input/output error")
		require.ErrorContains(b, b.Impair(b.Context(), instance.Impairment{IOError: instance.DiskWrites}), "reads fail already")
		require.NoError(b, b.undo(b.UndoImpairment(instance.Impairment{IOError: instance.DiskWrites})))
		require.NoError(b, b.Impaired(b.Context(), limit), "the end of another impairment ends none")
		b.mend(limit)
		_, err = b.sh(readOne)
		require.NoError(b, err)
	})
	part("link", func(b broken) {
		limit := instance.Impairment{LinkDown: true}
		require.NoError(b, b.answers())
		b.impair(limit)
		require.Error(b, b.answers())
		carrier := b.number("cat /sys/class/net/en*/carrier")
		assert.Zero(b, carrier)
		b.mend(limit)
		began := time.Now()
		require.Eventually(b, func() bool { return b.answers() == nil }, time.Minute, 100*time.Millisecond)
		b.Logf("answers again %s after the link came back", time.Since(began))
	})
	part("memory", func(b broken) {
		limit := instance.Impairment{Balloon: 384 << 20}
		before := b.number(memory)
		began := time.Now()
		b.impair(limit)
		took := time.Since(began)
		during := b.number(memory)
		began = time.Now()
		b.mend(limit)
		b.Logf("KiB: before %d, during %d (after %s), after %d (after %s)", before, during, took, b.number(memory), time.Since(began))
		assert.Less(b, during, int64(384<<10))
		assert.Equal(b, before, b.number(memory))
		assert.ErrorContains(b, b.Impairable(b.Context(), instance.Impairment{Balloon: 2 << 30}), "the machine has 1024 MiB in all")
	})
	part("pause", func(b broken) {
		limit := instance.Impairment{Pause: true}
		lag := func() int64 { return time.Now().Unix() - b.number("date +%s") }
		before := lag()
		b.impair(limit)
		require.Error(b, b.answers())
		time.Sleep(3 * time.Second)
		b.mend(limit)
		require.Eventually(b, func() bool { return b.answers() == nil }, time.Minute, 100*time.Millisecond)
		b.Logf("the guest's clock lags by %d s, before by %d s", lag(), before)
	})
	part("clock", func(b broken) {
		off := func(want time.Duration) int64 { // at the time of the question, and not of the answer
			before := time.Now().Unix()
			said := b.number("date +%s")
			wrong, took := int64(want.Seconds()), time.Now().Unix()-before
			assert.InDelta(b, wrong+took/2, said-before, float64(took)/2+2)
			return said - before
		}
		for _, by := range []time.Duration{time.Hour, -time.Hour} {
			limit := instance.Impairment{ClockSkew: by}
			b.impair(limit)
			now := off(by)
			b.mend(limit)
			b.Logf("the guest's clock is off by %d s, then by %d s", now, off(0))
		}
	})
	part("errors of writes", func(b broken) {
		limit := instance.Impairment{IOError: instance.DiskWrites}
		require.NoError(b, m.Snapshot(b.Context(), "before the writes fail"))
		const write = `f=/var/tmp/lifeboat; dd if=/dev/zero of=$f bs=4k count=1 oflag=direct conv=notrunc`
		_, err := b.sh(write + " && sync && " + readOne)
		require.NoError(b, err)
		b.impair(limit)
		_, err = b.sh(write)
		require.ErrorContains(b, err, "Input/output error")
		_, err = b.sh(readOne)
		require.NoError(b, err, "reads go on")
		require.NoError(b, m.Snapshot(b.Context(), "while the writes fail"))
		require.NoError(b, b.Impaired(b.Context(), limit), "a snapshot heals nothing")
		b.mend(limit)
		_, err = b.sh(readOne)
		require.NoError(b, err)
	})
	part("interrupt", func(b broken) {
		limit := instance.Impairment{NMI: true}
		require.Error(b, b.Impaired(b.Context(), limit))
		_, err := b.sh("echo 1 >/proc/sys/kernel/unknown_nmi_panic")
		require.NoError(b, err)
		require.NoError(b, b.Impair(b.Context(), limit))
		require.Eventually(b, func() bool { return b.Impaired(b.Context(), limit) == nil }, 20*time.Second, 200*time.Millisecond)
		require.ErrorIs(b, b.undo(b.UndoImpairment(limit)), ledger.ErrGone)
		said, err := b.sinceBoot(b.Context())
		require.NoError(b, err)
		assert.Contains(b, said, "Kernel panic - not syncing")
		require.Error(b, b.answers())
	})
	require.NoError(t, m.cut(t.Context()))
	require.ErrorIs(t, b.undo(m.UndoImpairment(instance.Impairment{Pause: true})), ledger.ErrGone, "it ended with QEMU")
	require.Error(t, m.Impaired(t.Context(), instance.Impairment{Pause: true}))
}
