package system

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

func TestImage(t *testing.T) {
	says := instance.ImageFacts{Entrypoint: []string{"/app/serve"}, Cmd: []string{"8080"}, Dir: "/app"}
	with := func(change func(*instance.ImageFacts)) instance.ImageFacts {
		other := says
		change(&other)
		return other
	}
	for name, c := range map[string]struct {
		says   instance.ImageFacts
		ends   instance.State // at the third look; the zero value: it runs on
		status record.CheckStatus
		want   string
		beside []string
	}{
		"it stays up": {says, instance.State{Running: true}, "passed", `app runs "/app/serve 8080" and stayed up for 1s`, nil},
		"it ends well": {says, instance.State{Reason: "ended with exit code 0"}, "failed",
			"app does not stay up: it ended with exit code 0", nil},
		"it is killed": {says, instance.State{Exit: 137, Reason: "killed for want of memory"}, "failed", "killed for want of memory", nil},
		"a lost working folder": {with(func(f *instance.ImageFacts) { f.LostDir = true }), instance.State{Running: true}, "failed",
			"the working folder /app of app is in no layer, though the image's history says that one made it", nil},
		"what may be so at the source": {with(func(f *instance.ImageFacts) {
			f.NoDir, f.NoUsers, f.Named, f.Unlooked = true, true, []string{"/etc/app.yaml"}, true
		}), instance.State{Running: true}, "passed", "stayed up", []string{"image.no_dir", "image.no_users", "image.named", "image.unlooked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looks := 0
			target := verifiertest.Fake{Image: &verifier.Image{Says: &c.says}, OnStands: func(string) (instance.State, error) {
				if looks++; looks < 3 {
					return instance.State{Running: true}, nil
				}
				return c.ends, nil
			}}
			check := verifiertest.Make(t, New, "image", `{on: app, for: 1s}`)
			facts, err := check.Observe(t.Context(), target)
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.want)
			var ids []string
			assert.Equal(t, "unlooked.image", a.Beside[0].ID, "it is always said")
			for _, o := range a.Beside[1:] {
				ids = append(ids, o.ID)
			}
			assert.Equal(t, c.beside, ids)
		})
	}
}
