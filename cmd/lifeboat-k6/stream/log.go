package stream

import (
	"time"

	"github.com/sirupsen/logrus"
)

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
