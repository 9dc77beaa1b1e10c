// Package goroutines finds those of lifeboat that the tests of a package leave behind.
package goroutines

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// patience is for goroutines that are about to end, on a host that is busy.
const patience = 10 * time.Second

// Main runs the tests of a package and fails when one of them left a goroutine behind that runs code of lifeboat, or was
// started by it. It ends the process: TestMain(m *testing.M) { goroutines.Main(m) }
func Main(m interface{ Run() int }) {
	code := m.Run()
	left := Left()
	for end := time.Now().Add(patience); len(left) > 0 && time.Now().Before(end); left = Left() {
		time.Sleep(10 * time.Millisecond)
	}
	if len(left) > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines are left after the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// Left are the stacks of all goroutines of lifeboat but the calling one's.
func Left() []string {
	text := make([]byte, 64<<10)
	for n := runtime.Stack(text, true); ; n = runtime.Stack(text, true) {
		if n < len(text) {
			text = text[:n]
			break
		}
		text = make([]byte, 2*len(text))
	}
	stacks := strings.Split(strings.TrimSpace(string(text)), "\n\n")[1:] // the first is the caller's
	return slices.DeleteFunc(stacks, func(s string) bool {
		return !strings.Contains(s, "\nlifeboat/") && !strings.Contains(s, "created by lifeboat/")
	})
}
