package sandbox

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// run is PID 1 of a sandbox. It returns only on a signal or when the namespace
// cannot be closed; restored code must not be started before the ready line.
func run(c Config, out io.Writer) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	log := newEgress(out)
	if err := start(c, log); err != nil {
		log.write(Line{Event: "error", Error: err.Error()})
		return err
	}
	results := tryProbes(c.Probes, log)
	for i := range results {
		log.write(Line{Event: "probe", Probe: &results[i]})
	}
	if err := reach(c, log); err != nil { // a kernel that cannot count is no reason not to drill
		log.write(Line{Event: "unmeasured", Error: err.Error()})
	}
	log.open()
	log.write(Line{Event: "ready", Boot: bootTime()})
	<-stop
	log.flush()
	return nil
}

// bootTime is CLOCK_BOOTTIME in nanoseconds, 0 where there is none.
func bootTime() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return now.Nano()
}

// listenPlain listens without Multipath TCP, which Go adds by itself: such a connection does not say where it wanted
// to go. Who asks for it falls back to TCP.
func listenPlain(address netip.AddrPort) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp", address.String())
}

// start closes the namespace and opens the sandbox's own probe listeners, in this order:
// nothing may get out in between.
func start(c Config, log *egress) error {
	if err := wallRoutes(c); err != nil {
		return fmt.Errorf("wall the routes: %w", err)
	}
	if err := wallFilter(c); err != nil {
		return fmt.Errorf("write packet filter rules: %w", err)
	}
	if err := listenLog(logGroup, rejected(log)); err != nil {
		return fmt.Errorf("listen to the packet filter's log: %w", err)
	}
	for _, ip := range ownAddresses() {
		tcp, err := listenPlain(netip.AddrPortFrom(ip, recorderPort))
		if err != nil {
			return fmt.Errorf("open the recorder: %w", err)
		}
		go record(tcp, log)
		udp, err := net.ListenPacket("udp", netip.AddrPortFrom(ip, dnsPort).String())
		if err != nil {
			return fmt.Errorf("open the DNS stub: %w", err)
		}
		go stub(udp, c.Allow, log)
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(c.Address, AnswerPort).String())
	if err != nil {
		return fmt.Errorf("open the answering port: %w", err)
	}
	go answer(l, c.Answer)
	return nil
}

// answer tells everybody who asks which sandbox this is.
func answer(l net.Listener, text string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.WriteString(c, text)
			_ = c.Close()
		}()
	}
}
