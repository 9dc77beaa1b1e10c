package detect

import (
	"math"
	"time"
)

// quantile keeps a histogram of logarithmic buckets, 5 % wide: constant memory
// however long the pulse runs.
type quantile struct {
	buckets map[int]int
	n       int
}

const bucketWidth = 1.05

func (q *quantile) add(d time.Duration) {
	if q.buckets == nil {
		q.buckets = map[int]int{}
	}
	q.buckets[int(math.Log(float64(max(d, 1)))/math.Log(bucketWidth))]++
	q.n++
}

// p95 is the upper edge of the bucket that holds the 95th percentile.
func (q *quantile) p95() time.Duration {
	low, high := math.MaxInt, math.MinInt
	for b := range q.buckets {
		low, high = min(low, b), max(high, b)
	}
	left := int(math.Ceil(float64(q.n) * 0.95))
	for b := low; b <= high; b++ {
		if left -= q.buckets[b]; left <= 0 {
			return time.Duration(math.Pow(bucketWidth, float64(b+1)))
		}
	}
	return 0
}
