// Package lazy compiles regular expressions when they are first used. Most commands use few of them, and every command would
// pay for all.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp returns the expression, compiled at the first call; a mistake in it panics then. It may be called from any goroutine.
func Regexp(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
