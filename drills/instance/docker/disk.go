package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/ledger"
)

// takes remembers what looking through a drill's files cost: of a tree of millions that is seldom done.
type takes struct {
	bytes int64
	at    time.Time
	cost  time.Duration
}

// looksShare is the part of the time that goes into looking, at most: one of so many.
const looksShare = 50

// disk is what the drill's volumes, the layers that its containers write, and its loaded images take, bytes; an image counts twice, since an
// engine unpacks its archive beside it. 0: nobody knows, as on an engine elsewhere.
func (d *Driver) disk(ctx context.Context, containers []container.Summary) (int64, error) {
	if !strings.HasPrefix(d.engine.host, "unix://") {
		return 0, nil
	}
	d.mu.Lock()
	last := d.takes
	d.mu.Unlock()
	began := time.Now()
	if began.Sub(last.at) < looksShare*last.cost {
		return last.bytes, nil
	}
	folders, err := d.folders(ctx, containers)
	if err != nil || folders == nil {
		return 0, err
	}
	images, err := d.engine.drillImages(ctx, d.site.Scope.Drill)
	sum := int64(0)
	for _, i := range images {
		have, e := d.engine.client.ImageInspect(ctx, i.ID)
		if err = errors.Join(err, e); e == nil {
			sum += 2 * have.Size
		}
	}
	for _, folder := range folders {
		n, e := allocated(ctx, folder)
		err, sum = errors.Join(err, e), sum+n
	}
	if err != nil {
		return 0, fmt.Errorf("look what the drill takes on the disk: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.takes = takes{bytes: sum, at: began, cost: time.Since(began)}
	return sum, nil
}

// folders are those of this host in which the drill's things write; nil where the engine does not say so of all of them.
func (d *Driver) folders(ctx context.Context, containers []container.Summary) ([]string, error) {
	vs, err := d.engine.client.VolumeList(ctx, client.VolumeListOptions{
		Filters: make(client.Filters).Add("label", ledger.LabelDrill+"="+d.site.Scope.Drill)})
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	all := []string{}
	for _, v := range vs.Items {
		if v.Driver != "local" || v.Mountpoint == "" {
			return nil, nil
		}
		all = append(all, v.Mountpoint)
	}
	for _, c := range containers {
		have, err := d.engine.client.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		switch {
		case gone(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("look at container %s: %w", c.ID, err)
		case have.Container.GraphDriver == nil || have.Container.GraphDriver.Data["UpperDir"] == "":
			return nil, nil
		}
		all = append(all, have.Container.GraphDriver.Data["UpperDir"])
	}
	return all, nil
}

// allocated is what the files below a folder take, bytes, and not how long they are. What goes meanwhile takes nothing; no link is followed,
// for a restored system may turn any folder into one.
func allocated(ctx context.Context, folder string) (sum int64, err error) {
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer root.Close()
	linked := map[uint64]bool{}
	err = fs.WalkDir(root.FS(), ".", func(_ string, e fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
			return nil
		case err != nil:
			return err
		}
		s, ok := info.Sys().(*syscall.Stat_t)
		if !ok || !info.IsDir() && s.Nlink > 1 && linked[s.Ino] {
			return nil
		}
		if !info.IsDir() && s.Nlink > 1 {
			linked[s.Ino] = true
		}
		sum += s.Blocks * 512
		return nil
	})
	return sum, err
}
