package qemu

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

// throttled sets limits of the throttle group that every request to the disk passes.
// Bursts of a tenth of a second pass it: that is how QEMU counts where no burst is given.
// https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html#object-QMP-qom.ThrottleLimits
type throttled struct {
	below
	limit      int64
	properties []string // that get it
}

const throttlePath = "/objects/" + throttle

func (b below) bytesPerSecond(limit int64) throttled {
	return throttled{b, limit, []string{"bps-total"}}
}

// latency: QEMU delays no request to a local disk by a time, but it can let so few through that each takes
// at least that time where they come one after the other. Reads do not wait for writes that were put off.
func (b below) latency(each time.Duration) throttled {
	return throttled{b, int64(time.Second / each), []string{"iops-read", "iops-write"}}
}

func (t throttled) set(ctx context.Context, limit int64) error {
	limits := map[string]int64{}
	for _, p := range t.properties {
		limits[p] = limit
	}
	return t.q.do(ctx, "qom-set", map[string]any{"path": throttlePath, "property": "limits", "value": limits}, nil)
}

func (t throttled) is(ctx context.Context, limit int64) error {
	var limits map[string]int64
	if err := t.q.do(ctx, "qom-get", map[string]any{"path": throttlePath, "property": "limits"}, &limits); err != nil {
		return err
	}
	for _, p := range t.properties {
		if limits[p] != limit {
			return instance.NotInForce("QEMU's limit %s is %d and not %d", p, limits[p], limit)
		}
	}
	return nil
}

func (throttled) possible(context.Context) error { return nil } // every machine's disk has a throttle

func (t throttled) impose(ctx context.Context) error { return t.set(ctx, t.limit) }
func (t throttled) holds(ctx context.Context) error  { return t.is(ctx, t.limit) }

func (t throttled) lift(ctx context.Context) error {
	if err := t.set(ctx, 0); err != nil {
		return err
	}
	return t.is(ctx, 0)
}

// diskErrors puts a filter that fails requests between the throttle and the newest overlay.
type diskErrors struct {
	below
	io instance.DiskIO
}

// errorNode begins the names of such filters in QEMU's graph.
const errorNode = "eio-"

// Requests as blkdebug names them. Flushes do not fail: QEMU itself flushes what it takes out of the graph.
var ioTypes = map[instance.DiskIO][]string{
	instance.DiskReads:  {"read"},
	instance.DiskWrites: {"write", "write-zeroes"},
	instance.DiskAll:    {"read", "write", "write-zeroes"},
}

// blocks is what stands where in QEMU's block graph.
type blocks struct {
	under string   // the node below the throttle: an overlay, or a filter
	nodes []string // all that have names
}

// graph asks for it. query-named-block-nodes has no edges in QEMU 7.2, so the debugging command it is.
func (b below) graph(ctx context.Context) (blocks, error) {
	var said struct {
		Nodes []struct {
			ID   int    `json:"id"`
			Name string `json:"name"`
		} `json:"nodes"`
		Edges []struct {
			Parent int    `json:"parent"`
			Child  int    `json:"child"`
			Name   string `json:"name"`
		} `json:"edges"`
	}
	if err := b.q.do(ctx, "x-debug-query-block-graph", nil, &said); err != nil {
		return blocks{}, err
	}
	var g blocks
	names := map[int]string{}
	for _, n := range said.Nodes {
		names[n.ID] = n.Name
		g.nodes = append(g.nodes, n.Name)
	}
	for _, e := range said.Edges {
		if names[e.Parent] == diskNode && e.Name == "file" {
			g.under = names[e.Child]
		}
	}
	if g.under == "" {
		return blocks{}, fmt.Errorf("QEMU's block graph has nothing below the node %s", diskNode)
	}
	return g, nil
}

// newest is the overlay that is written to: every snapshot adds one with a higher number.
func (g blocks) newest() (string, error) {
	top, number := "", 0
	for _, name := range g.nodes {
		n, err := strconv.Atoi(strings.TrimPrefix(name, layerNode))
		if strings.HasPrefix(name, layerNode) && err == nil && n > number {
			top, number = name, n
		}
	}
	if top == "" {
		return "", fmt.Errorf("QEMU's block graph has no overlay, only %v", g.nodes)
	}
	return top, nil
}

// filter is a filter of disk errors that is in the graph, in force or not; empty: there is none.
func (g blocks) filter() string {
	for _, name := range g.nodes {
		if strings.HasPrefix(name, errorNode) {
			return name
		}
	}
	return ""
}

// plug puts a node below the throttle.
func (b below) plug(ctx context.Context, node string) error {
	return b.q.do(ctx, "blockdev-reopen", map[string]any{"options": []any{map[string]any{"driver": "throttle",
		"node-name": diskNode, "throttle-group": throttle, "file": node}}}, nil)
}

func (d diskErrors) node() string { return errorNode + string(d.io) }

func (d diskErrors) possible(ctx context.Context) error {
	g, err := d.graph(ctx)
	if err != nil {
		return err
	}
	if f := g.filter(); f != "" && f != d.node() {
		return fmt.Errorf("%s fail already; that has to end first", strings.TrimPrefix(f, errorNode))
	}
	return nil
}

func (d diskErrors) impose(ctx context.Context) error {
	g, err := d.graph(ctx)
	if err != nil || g.under == d.node() {
		return err
	}
	if g.filter() == "" {
		top, err := g.newest()
		if err != nil {
			return err
		}
		var rules []any
		for _, t := range ioTypes[d.io] {
			rules = append(rules, map[string]any{"event": "none", "iotype": t, "errno": 5, "once": false})
		}
		if err := d.q.do(ctx, "blockdev-add", map[string]any{"driver": "blkdebug", "node-name": d.node(), "image": top,
			"inject-error": rules}, nil); err != nil {
			return err
		}
	}
	return d.plug(ctx, d.node())
}

func (d diskErrors) holds(ctx context.Context) error {
	g, err := d.graph(ctx)
	if err == nil && g.under != d.node() {
		err = instance.NotInForce("QEMU's disk stands on %s and not on %s", g.under, d.node())
	}
	return err
}

func (d diskErrors) lift(ctx context.Context) error {
	g, err := d.graph(ctx)
	if err != nil || g.filter() != d.node() {
		return err
	}
	if g.under == d.node() {
		top, err := g.newest()
		if err != nil {
			return err
		}
		if err := d.plug(ctx, top); err != nil {
			return err
		}
	}
	if err := d.q.do(ctx, "blockdev-del", map[string]any{"node-name": d.node()}, nil); err != nil {
		return err
	}
	if g, err = d.graph(ctx); err == nil && g.filter() != "" {
		err = fmt.Errorf("QEMU's disk still stands on %s", g.under)
	}
	return err
}
