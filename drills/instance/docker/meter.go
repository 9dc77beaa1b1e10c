package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

var _ instance.Metered = (*Driver)(nil)

// Reach implements instance.Metered: a question to the engine that no container takes part in.
func (d *Driver) Reach(ctx context.Context) error {
	_, err := d.engine.client.Ping(ctx, client.PingOptions{})
	return err
}

// Used implements instance.Metered. Containers that are gone count with what they had used when they were asked last.
func (d *Driver) Used(ctx context.Context) (time.Duration, error) {
	list, err := d.engine.client.ContainerList(ctx, client.ContainerListOptions{
		Filters: make(client.Filters).Add("label", ledger.LabelDrill+"="+d.site.Scope.Drill)})
	if err != nil {
		return 0, fmt.Errorf("list containers: %w", err)
	}
	var errs []error
	now := map[string]time.Duration{}
	for _, c := range list.Items {
		used, err := d.used(ctx, c.ID)
		if err == nil {
			now[c.ID] = used
		} else if !gone(err) {
			errs = append(errs, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var sum time.Duration
	for id, used := range now {
		d.spent[id] = max(d.spent[id], used)
	}
	for _, used := range d.spent {
		sum += used
	}
	return sum, errors.Join(errs...)
}

func (d *Driver) used(ctx context.Context, id string) (time.Duration, error) {
	s, err := d.engine.client.ContainerStats(ctx, id, client.ContainerStatsOptions{})
	if err != nil {
		return 0, fmt.Errorf("ask what container %s uses: %w", id, err)
	}
	defer s.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(s.Body).Decode(&stats); err != nil {
		return 0, fmt.Errorf("read what container %s uses: %w", id, err)
	}
	return time.Duration(stats.CPUStats.CPUUsage.TotalUsage), nil
}
