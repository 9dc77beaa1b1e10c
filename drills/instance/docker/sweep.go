package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/ledger"
)

// Kinds of things on an engine, as the ledger names them.
const (
	whatContainer = "container"
	whatNetwork   = "network"
	whatVolume    = "volume"
	whatImage     = "image"
)

// When nothing is thought to be in flight any more: after listings in a row that were empty, or one, where the removals
// took long themselves. A create takes the engine up to a second under load, and two beside forty busy processes.
const (
	quietListings = 3
	listingPause  = 350 * time.Millisecond
	flightTime    = 2500 * time.Millisecond
	// A create takes an engine longer than a listing: 30 times as long on a busy one (2 s beside 60 ms were seen).
	flightListings = 30
	longestFlight  = 15 * time.Second
)

// Leftover is one thing on the engine that belongs to a drill.
type Leftover struct {
	What     string    `json:"what"` // container, network, volume, image
	ID       string    `json:"id"`   // a volume's is its name, an image's its reference
	Name     string    `json:"name"`
	Drill    string    `json:"drill"`
	Owner    string    `json:"owner,omitempty"`   // images carry none
	Deadline time.Time `json:"deadline,omitzero"` // images carry none
	Instance string    `json:"instance,omitempty"`
	Home     string    `json:"home,omitempty"` // the drill's folder on the host of its owner
	Fix      string    `json:"fix"`            // the command that removes it by hand
}

// Leftovers lists what belongs to a drill, or to any when drill is empty:
// containers first, then networks, volumes and images, in the order in which they can be removed.
func (e *Engine) Leftovers(ctx context.Context, drill string) ([]Leftover, error) {
	want := ledger.LabelDrill
	if drill != "" {
		want += "=" + drill
	}
	f := make(client.Filters).Add("label", want)
	var all []Leftover
	add := func(what, id, name, fix string, l map[string]string) {
		if l[ledger.LabelDrill] == "" {
			return
		}
		x := Leftover{What: what, ID: id, Name: name, Fix: fix, Drill: l[ledger.LabelDrill], Owner: l[ledger.LabelOwner],
			Instance: l[ledger.LabelInstance], Home: l[ledger.LabelHome]}
		x.Deadline, _ = time.Parse(time.RFC3339, l[ledger.LabelDeadline])
		all = append(all, x)
	}
	cs, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	for _, c := range cs.Items {
		name := c.ID
		if len(c.Names) > 0 {
			name = strings.TrimPrefix(c.Names[0], "/")
		}
		add(whatContainer, c.ID, name, "docker rm -fv "+name, c.Labels)
	}
	ns, err := e.client.NetworkList(ctx, client.NetworkListOptions{Filters: f})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	for _, n := range ns.Items {
		add(whatNetwork, n.ID, n.Name, "docker network rm "+n.Name, n.Labels)
	}
	vs, err := e.client.VolumeList(ctx, client.VolumeListOptions{Filters: f})
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range vs.Items {
		add(whatVolume, v.Name, v.Name, "docker volume rm "+v.Name, v.Labels)
	}
	images, err := e.drillImages(ctx, drill)
	return append(all, images...), err
}

// drillImages are known by their names: a loaded image carries no label of ours.
func (e *Engine) drillImages(ctx context.Context, drill string) ([]Leftover, error) {
	list, err := e.client.ImageList(ctx, client.ImageListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []Leftover
	for _, i := range list.Items {
		for _, t := range i.RepoTags {
			rest, ours := strings.CutPrefix(t, imageRepository+"/")
			of, _, named := strings.Cut(rest, "/")
			if ours && named && (drill == "" || of == strings.ToLower(drill)) {
				all = append(all, Leftover{What: whatImage, ID: t, Name: t, Drill: of, Fix: "docker rmi " + t})
			}
		}
	}
	return all, nil
}

// Remove removes one thing after reading again that it still belongs to that
// drill. It returns ledger.ErrGone when it was not there, and nil only after
// looking again.
func (e *Engine) Remove(ctx context.Context, l Leftover) error {
	return e.removeNamed(ctx, l.What, thing{Host: e.host, Name: l.Name, Drill: l.Drill, Owner: l.Owner})
}

// removeNamed is the guarded removal: look, compare the labels, remove by the id that was looked at, look again.
func (e *Engine) removeNamed(ctx context.Context, what string, t thing) error {
	if t.Drill == "" {
		return fmt.Errorf("%s %s: no drill is named: left alone", what, t.Name)
	}
	removed := false
	for {
		id, drill, owner, err := e.find(ctx, what, t)
		if gone(err) || err == nil && id == "" {
			if removed {
				return nil
			}
			return fmt.Errorf("%s %s: %w", what, t.Name, ledger.ErrGone)
		}
		if err != nil {
			return fmt.Errorf("look for %s %s: %w", what, t.Name, err)
		}
		if drill != t.Drill || owner != "" && t.Owner != "" && owner != t.Owner { // a forged drill has another owner
			return fmt.Errorf("%s %s: %w", what, t.Name, errNotOurs)
		}
		if removed && e.leaving(ctx, what, t.Name) {
			time.Sleep(leavingPause)
			continue
		}
		if removed {
			return fmt.Errorf("remove %s %s: it is still there", what, t.Name)
		}
		if err := e.drop(ctx, what, id); err != nil && !gone(err) && !e.leaving(ctx, what, t.Name) {
			if what != whatContainer && (cerrdefs.IsConflict(err) || cerrdefs.IsPermissionDenied(err)) {
				err = inUse{err}
			}
			return fmt.Errorf("remove %s %s: %w", what, t.Name, err)
		}
		removed = true
	}
}

// inUse is how engines refuse to remove what containers still use: a volume or an image by 409, a network by 403.
type inUse struct{ error }

func (inUse) Is(target error) bool { return target == ledger.ErrInUse }

// leavingPause is how often a container that somebody else removes is looked at.
const leavingPause = 50 * time.Millisecond

// leaving tells whether the engine is removing a container already: a reaper and the sweep of another drill may meet.
func (e *Engine) leaving(ctx context.Context, what, name string) bool {
	if what != whatContainer {
		return false
	}
	i, err := e.client.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	return err == nil && i.Container.State != nil && i.Container.State.Status == container.StateRemoving
}

// find looks a thing up by name and returns what to remove, and the drill and the owner that it belongs to.
func (e *Engine) find(ctx context.Context, what string, t thing) (id, drill, owner string, err error) {
	id, l, err := e.lookUp(ctx, what, t)
	return id, l[ledger.LabelDrill], l[ledger.LabelOwner], err
}

func (e *Engine) lookUp(ctx context.Context, what string, t thing) (id string, labels map[string]string, err error) {
	switch what {
	case whatContainer:
		i, err := e.client.ContainerInspect(ctx, t.Name, client.ContainerInspectOptions{})
		if err != nil {
			return "", nil, err
		}
		return i.Container.ID, i.Container.Config.Labels, nil
	case whatNetwork:
		list, err := e.client.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("name", t.Name)})
		if err != nil {
			return "", nil, err
		}
		for _, n := range list.Items { // the filter also matches parts of names
			if n.Name == t.Name {
				return n.ID, n.Labels, nil
			}
		}
		return "", nil, nil
	case whatVolume:
		i, err := e.client.VolumeInspect(ctx, t.Name, client.VolumeInspectOptions{})
		if err != nil {
			return "", nil, err
		}
		return i.Volume.Name, i.Volume.Labels, nil
	case whatImage:
		if _, err := e.client.ImageInspect(ctx, t.Name); err != nil {
			return "", nil, err
		}
		rest, _ := strings.CutPrefix(t.Name, imageRepository+"/")
		of, _, _ := strings.Cut(rest, "/")
		if of == strings.ToLower(t.Drill) {
			of = t.Drill
		}
		return t.Name, map[string]string{ledger.LabelDrill: of}, nil
	}
	return "", nil, fmt.Errorf("unknown kind %q", what)
}

func (e *Engine) drop(ctx context.Context, what, id string) (err error) {
	switch what {
	case whatContainer:
		_, err = e.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	case whatNetwork:
		_, err = e.client.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
	case whatVolume:
		_, err = e.client.VolumeRemove(ctx, id, client.VolumeRemoveOptions{})
	case whatImage: // by its drill's tag only: other tags of the same image stay
		_, err = e.client.ImageRemove(ctx, id, client.ImageRemoveOptions{})
	}
	return err
}

// OwnedBy tells whether a thing is its owner's: what carries the drill's label
// and another owner only looks like it. Images carry no owner.
func (l Leftover) OwnedBy(owner string) bool { return l.Owner == owner || l.What == whatImage }

// settle removes what still carries the drill's label until nothing is in flight that a caller, who was killed at since at
// the latest, began: a create or a load that was under way then shows up late. Where something is missed that the drill
// had intended, it may be that: a few empty listings are not enough then, and a slow engine gets longer.
func (e *Engine) settle(ctx context.Context, t thing, since time.Time, missed bool) error {
	if t.Drill == "" {
		return errors.New("sweep: no drill is named")
	}
	found, flight := false, flightTime
	var last error
	for empty := 0; ; {
		asked := time.Now()
		left, err := e.Leftovers(ctx, t.Drill)
		if err != nil {
			return err
		}
		if missed {
			flight = max(flight, min(flightListings*time.Since(asked), longestFlight))
		}
		left = slices.DeleteFunc(left, func(l Leftover) bool { return !l.OwnedBy(t.Owner) })
		if len(left) > 0 {
			empty, found = 0, true
		} else if empty++; empty >= quietListings && !missed || time.Since(since) >= flight {
			break
		}
		for _, l := range left {
			if err := e.Remove(ctx, l); err != nil && !errors.Is(err, ledger.ErrGone) {
				last = err
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-time.After(listingPause):
		}
	}
	if !found {
		return fmt.Errorf("drill %s: %w", t.Drill, ledger.ErrGone)
	}
	return nil
}
