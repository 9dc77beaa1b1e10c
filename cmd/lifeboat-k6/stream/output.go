package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/metrics"
	"go.k6.io/k6/v2/output"

	"lifeboat-k6/wire"
)

// flushEvery is how often the writer looks for work that only time completes.
const flushEvery = 50 * time.Millisecond

// Output is the k6 side of a Stream.
type Output struct {
	s          *Stream
	log        logrus.FieldLogger
	w          io.WriteCloser
	version    string
	http       bool
	control    bool
	thresholds map[string]metrics.Thresholds
	watched    map[string]*watched // by the thresholds' metric
	builtin    *metrics.BuiltinMetrics

	done   chan struct{}
	join   *joiner // touched by the writer goroutine only, and by Stop after it ended
	buf    bytes.Buffer
	broken bool
	lost   int
}

var (
	_ output.WithThresholds        = (*Output)(nil)
	_ output.WithTestRunStop       = (*Output)(nil)
	_ output.WithBuiltinMetrics    = (*Output)(nil)
	_ output.WithStopWithTestError = (*Output)(nil)
)

// Sinks says where records may go besides inherited descriptors.
type Sinks struct {
	// Stdout is the real standard output, nil when the process kept it for k6.
	Stdout *os.File
	// Version is k6's, for the opening record.
	Version string
}

// Constructor returns what k6 calls for --out lifeboat=…
func (s *Stream) Constructor(sinks Sinks) output.Constructor {
	return func(p output.Params) (output.Output, error) {
		cfg, err := parseConfig(p.ConfigArgument)
		if err != nil {
			return nil, err
		}
		logger, ok := p.Logger.(*logrus.Logger)
		if !ok {
			// Exceptions are seen in the log as well; a stream that cannot see it would be too green.
			return nil, fmt.Errorf("lifeboat output: cannot watch a log of type %T", p.Logger)
		}
		w, err := cfg.open(sinks.Stdout)
		if err != nil {
			return nil, err
		}
		s.timeout.Store(int64(cfg.timeout))
		s.request.Store(int64(cfg.request))
		logger.AddHook(logHook{s})
		return &Output{
			s: s, w: w, http: cfg.http, control: cfg.control, version: sinks.Version, done: make(chan struct{}),
			log: p.Logger.WithField("output", "lifeboat"), join: newJoiner(s, cfg.timeout),
		}, nil
	}
}

// Description is shown by k6 when it starts.
func (o *Output) Description() string { return "lifeboat stream" }

// SetThresholds takes the thresholds whose last state the closing record carries.
func (o *Output) SetThresholds(t map[string]metrics.Thresholds) {
	o.thresholds, o.watched = t, watch(t)
}

// SetTestRunStopCallback takes the way to stop a run that nobody listens to.
func (o *Output) SetTestRunStopCallback(f func(error)) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.stop = f
}

// SetBuiltinMetrics takes k6's own metrics, to tell them from the script's.
func (o *Output) SetBuiltinMetrics(b *metrics.BuiltinMetrics) { o.builtin = b }

// Start writes the opening record; an error means that nobody reads.
func (o *Output) Start() error {
	base, hello := readClocks()
	o.s.base = base
	hello.K6 = o.version
	if err := o.write(hello); err != nil {
		return fmt.Errorf("write lifeboat stream: nobody reads it: %w", err)
	}
	o.s.started.Store(true)
	go o.loop()
	if o.control {
		go o.s.obey(os.Stdin)
	}
	return nil
}

// AddMetricSamples only queues: k6 must not wait for the reader.
func (o *Output) AddMetricSamples(c []metrics.SampleContainer) {
	if len(c) > 0 {
		o.s.samples(c)
	}
}

// Stop ends the stream of a run that had no error.
func (o *Output) Stop() error { return o.StopWithTestError(nil) }

// StopWithTestError writes what is left and the closing record.
func (o *Output) StopWithTestError(testErr error) error {
	o.s.close()
	<-o.done
	end := wire.End{Kind: wire.KindEnd, At: o.s.Offset(time.Now()), Thresholds: o.finalThresholds(), Totals: o.join.totals}
	end.Totals.Lost = o.lost
	if testErr != nil {
		end.Error = clip(testErr.Error())
		end.Exit = 255 // k6 leaves with -1 for an error without a code
		var coded errext.HasExitCode
		if errors.As(testErr, &coded) {
			end.Exit = int(coded.ExitCode())
		}
	}
	return errors.Join(o.write(end), o.w.Close())
}

// loop is the writer: the only goroutine that encodes, so a record's line is never torn by another.
func (o *Output) loop() {
	defer close(o.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	nextBeat := time.Now()
	for {
		select {
		case <-o.s.wake:
		case <-tick.C:
		}
		queue, lost, closed := o.s.take()
		o.lost = lost
		for _, v := range queue {
			o.handle(v)
		}
		now := time.Now()
		o.join.release(now, closed, o.encode)
		if !now.Before(nextBeat) {
			nextBeat = now.Add(time.Second)
			t := o.join.totals
			o.encode(wire.Beat{Kind: wire.KindBeat, At: o.s.Offset(now), VUs: o.join.vus, Iterations: t.Iterations})
		}
		o.flush()
		if closed {
			if len(queue) == 0 {
				o.join.cut(now, o.encode)
				o.flush()
				return
			}
			o.s.signal() // look once more, at once
		}
	}
}

func (o *Output) handle(v any) {
	switch v := v.(type) {
	case []metrics.SampleContainer:
		for _, c := range v {
			o.container(c)
		}
	case edge:
		o.join.edge(v, o.encode)
	case logLine:
		o.join.logged(v, o.encode)
	case wire.Span:
		o.join.span(v)
		o.encode(v)
	default:
		o.encode(v)
	}
}

func (o *Output) encode(rec any) {
	enc := json.NewEncoder(&o.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rec); err != nil {
		// Encode writes nothing on an error, so the line stays whole. Only a metric's value can do this.
		_ = enc.Encode(wire.Log{Kind: wire.KindLog, Level: "error", Message: "encode record: " + err.Error()})
	}
}

func (o *Output) flush() {
	defer o.buf.Reset()
	if o.buf.Len() == 0 || o.broken {
		return
	}
	if _, err := o.w.Write(o.buf.Bytes()); err != nil {
		o.broken = true
		o.s.Stop(fmt.Errorf("write lifeboat stream: its reader went away: %w", err))
	}
}

func (o *Output) write(rec any) error {
	o.buf.Reset()
	o.encode(rec)
	defer o.buf.Reset()
	_, err := o.w.Write(o.buf.Bytes())
	return err
}

// exceptionSource is how k6 marks the log line of an exception that left an iteration.
const exceptionSource = "stacktrace"

// logLine is a line of k6's log on its way to the writer.
type logLine struct {
	at       time.Time
	level    string
	message  string
	scenario string
	source   string
}

// logHook forwards warnings and worse: an exception in a script without our module shows up nowhere else.
type logHook struct{ s *Stream }

// Levels is warning and above.
func (logHook) Levels() []logrus.Level { return logrus.AllLevels[:logrus.WarnLevel+1] }

// Fire queues the line.
func (h logHook) Fire(e *logrus.Entry) error {
	l := logLine{at: e.Time, level: e.Level.String(), message: e.Message}
	l.scenario, _ = e.Data["scenario"].(string)
	l.source, _ = e.Data["source"].(string)
	if err, ok := e.Data["error"].(error); ok {
		if l.message != "" {
			l.message += ": "
		}
		l.message += err.Error()
	}
	h.s.push(l)
	return nil
}
