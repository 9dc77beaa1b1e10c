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
func (d *Driver) Used(ctx context.Context) (instance.Used, error) {
	list, err := d.engine.client.ContainerList(ctx, client.ContainerListOptions{
		Filters: make(client.Filters).Add("label", ledger.LabelDrill+"="+d.site.Scope.Drill)})
	if err != nil {
		return instance.Used{}, fmt.Errorf("list containers: %w", err)
	}
	var errs []error
	now, memory := map[string]time.Duration{}, int64(0)
	for _, c := range list.Items {
		used, err := d.used(ctx, c.ID)
		if err == nil {
			now[c.ID] = used.CPU
			memory += used.Memory
		} else if !gone(err) {
			errs = append(errs, err)
		}
	}
	disk, err := d.disk(ctx, list.Items)
	if err != nil {
		d.log.Debug("what the drill takes on the disk is not known", "error", err)
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
	return instance.Used{CPU: sum, Memory: memory, Disk: disk}, errors.Join(errs...)
}

func (d *Driver) used(ctx context.Context, id string) (instance.Used, error) {
	s, err := d.engine.client.ContainerStats(ctx, id, client.ContainerStatsOptions{})
	if err != nil {
		return instance.Used{}, fmt.Errorf("ask what container %s uses: %w", id, err)
	}
	defer s.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(s.Body).Decode(&stats); err != nil {
		return instance.Used{}, fmt.Errorf("read what container %s uses: %w", id, err)
	}
	return instance.Used{CPU: time.Duration(stats.CPUStats.CPUUsage.TotalUsage),
		Memory: int64(max(stats.MemoryStats.MaxUsage, stats.MemoryStats.Usage))}, nil // control groups of version 2 tell no peak
}
