package detect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

func TestLateStarts(t *testing.T) {
	t.Parallel()
	at := func(starts ...int) []record.LateStart {
		s := StartsOf(record.Pace{Rate: 10})
		for _, ms := range starts {
			s.Add(time.Duration(ms) * time.Millisecond)
		}
		return s.Late()
	}
	ms := time.Millisecond
	assert.Empty(t, at(0, 100, 200, 300))
	assert.Empty(t, at(0, 100, 290, 300), "what every host does")
	assert.Equal(t, []record.LateStart{{From: 100 * ms, To: 2600 * ms, By: 2400 * ms}}, at(0, 100, 2600, 2601, 2602, 2700))
	assert.Empty(t, at(0, 500, 100, 400, 200, 300), "told late, and begun in time: the business hung")
	assert.Equal(t, []record.LateStart{{From: 0, To: 1700 * ms, By: 900 * ms}}, at(0, 1000, 1100, 1700), "one stretch")
	steady := []int{0, 1000}
	for ms := 1100; ms <= 6000; ms += 100 {
		steady = append(steady, ms)
	}
	assert.Len(t, at(append(steady, 7000)...), 2)
	none := StartsOf(record.Pace{Rate: 0})
	none.Add(0)
	none.Add(time.Hour)
	assert.Empty(t, none.Late())
}

// What a red stretch was like is told when it ends: how many were bad, how many only late, when one was answered last.
func TestRedFacts(t *testing.T) {
	t.Parallel()
	late := bad(200, 1300)
	slow := ok(1400, 2100)
	answered := bad(2200, 2210)
	answered.Answered = true
	answered.Failed, answered.Error = []string{"read it back", "log in"}, ""
	e := EdgesOf(500*ms, 0, record.Pace{Rate: 10})
	e.Timeout = time.Second
	edges := edgesOf(e, ok(0, 5), late, slow)
	assert.Equal(t, &record.RedFacts{From: 200 * ms, To: 2100 * ms, Bad: 2, Late: 2, Last: "refused"}, e.Red())
	assert.Nil(t, edges[len(edges)-1].Red, "it lasts")
	edges = edgesOf(e, bad(2150, 2155), answered, ok(2300, 2305))
	assert.Equal(t, &record.RedFacts{From: 200 * ms, To: 2210 * ms, Bad: 4, Late: 2, Answer: 2210 * ms,
		Failed: []record.FailedCheck{{Name: "read it back", Count: 1}, {Name: "log in", Count: 1}}, Last: "read it back, log in"},
		edges[len(edges)-1].Red)
	assert.Nil(t, e.Red())
	edges = edgesOf(e, bad(2400, 2405), ok(2500, 2505))
	assert.Equal(t, &record.RedFacts{From: 2400 * ms, To: 2405 * ms, Bad: 1, Last: "refused"}, edges[len(edges)-1].Red, "of this one alone")

	tolerant := EdgesOf(0, 0.15, record.Pace{Rate: 5})
	edges = edgesOf(tolerant, ok(0, 5), bad(100, 105), ok(200, 205), ok(300, 305), bad(400, 405))
	assert.Equal(t, Red, edges[len(edges)-1].State)
	assert.Equal(t, 2, tolerant.Red().Bad, "the first one counts, too")
}
