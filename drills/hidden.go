package drills

import (
	"context"
	"path"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// hiddenNamed is how many files are named.
const hiddenNamed = 3

// collectHidden writes down which files of an image its machine did not see, since data that were kept lay over them. It is
// asked when nothing is measured any more, and decides nothing: what the engine does not say is no reason to doubt the drill.
func (d *drill) collectHidden(ctx context.Context) {
	for _, driver := range d.room.Bases() {
		r, ok := instance.As[instance.HiddenReporter](driver)
		if !ok {
			continue
		}
		all, err := r.Hidden(ctx)
		if err != nil {
			d.log.Warn("look for what kept data hide of images", "error", err)
		}
		for _, h := range all {
			d.noteOf(record.KindObservation, record.Subject{Instance: h.Instance, Generation: h.Generation}, hiddenBy(h))
		}
	}
}

func hiddenBy(h instance.Hidden) record.Observation {
	named, more := h.Files, ""
	if len(named) > hiddenNamed {
		named, more = named[:hiddenNamed], strconv.Itoa(len(named)-hiddenNamed)
	}
	full := make([]string, len(named))
	for i, name := range named {
		full[i] = path.Join(h.Folder, name)
	}
	return record.Observation{ID: "boot.hidden", Args: map[string]string{"instance": h.Instance, "folder": h.Folder,
		"files": strings.Join(full, ", "), "more": more,
		"generation": strconv.Itoa(h.Generation)}}
}
