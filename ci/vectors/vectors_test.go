// Package vectors holds journals with their verdicts, and a second judge that was written from docs/verdict.md alone:
// where the two judges disagree, one of them or the page is wrong.
package vectors

import (
	"os"
	"os/exec"
	"testing"
)

func TestTheSecondJudgeAgreesWithEveryVerdict(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("python3 is missing: make setup installs it")
	}
	if err != nil {
		t.Fatalf("find python3: %v; make setup installs it", err)
	}
	// So a cached result ends when a file of this folder changes: go test does not see what Python reads.
	if _, err := os.ReadDir("."); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-B", "judge.py", "--check", ".").CombinedOutput(); err != nil {
		t.Fatalf("the judges disagree (%v): docs/verdict.md says who is right\n%s", err, out)
	}
}
