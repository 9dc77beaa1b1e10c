package remote

import (
	"context"
	"sync"
)

// Each asks for every number below n, so many at once. The first error is returned; it ends those under way, and no
// more are asked for: a server that is gone is not waited for once for each file.
func Each(ctx context.Context, n, atOnce int, ask func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := 0; i < n && ctx.Err() == nil; i++ {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := ask(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
