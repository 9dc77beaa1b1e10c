package scenarios

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

// layers lists the checks by layer, to be changed in place.
func (c *Checks) layers() map[record.Layer][]CheckSpec {
	return map[record.Layer][]CheckSpec{record.LayerSystem: c.System, record.LayerService: c.Service,
		record.LayerData: c.Data, record.LayerBusiness: c.Business}
}

// checks names the checks, and holds each layer to having one or a reason.
func (r *review) checks() {
	layers, names, total := r.sc.Checks.layers(), map[string]bool{}, 0
	for _, layer := range record.Layers() {
		for i := range layers[layer] {
			c := &layers[layer][i]
			c.Layer, c.Name = layer, cmp.Or(c.Name, c.Title.Any())
			at := index("checks."+string(layer), i)
			if c.Name != "" && names[c.Name] {
				r.problem(at+".name", "give each check a name of its own", "another check is named %q already", clip(c.Name))
			}
			names[c.Name] = true
			r.references(c.Settings)
		}
		total += len(layers[layer])
		r.layer(layer, len(layers[layer]))
	}
	for _, layer := range record.Layers() {
		for i := range layers[layer] {
			if c := &layers[layer][i]; c.Name == "" {
				c.Name = unique(c.title(), names)
			}
		}
	}
	for _, excluded := range keysOf(r.sc.Checks.Excluded) {
		if _, ok := layers[record.Layer(excluded)]; !ok {
			r.problem("checks.excluded."+excluded, "layers: system, service, data, business",
				"there is no layer %q", clip(excluded))
		}
	}
	if total == 0 && len(r.sc.Checks.Excluded) == len(layers) {
		r.problem("checks", "a drill without a check proves nothing: add one", "there is none")
	}
}

// layer holds a layer to having a check or else a reason.
func (r *review) layer(layer record.Layer, count int) {
	reason, excluded := r.sc.Checks.Excluded[layer]
	at := "checks.excluded." + string(layer)
	switch {
	case r.sc.bad["checks."+string(layer)] || r.sc.bad["checks.excluded"]:
	case excluded && count > 0:
		r.problem(at, "delete the reason or the checks", "the layer has checks")
	case excluded && !strings.ContainsFunc(reason.Any(), unicode.IsLetter):
		r.problem(at, "say why; it is printed beside the verdict", "has no reason")
	case !excluded && count == 0 && r.given("checks"):
		r.problem("checks", fmt.Sprintf("add one, or say why not under checks.excluded.%s", layer),
			"the layer %s has no check", layer)
	}
}

// excludes is the hint where a reason stands in the place of a layer's checks; "" where it is no layer.
func excludes(layer, reason string) string {
	if !slices.Contains(record.Layers(), record.Layer(layer)) {
		return ""
	}
	return fmt.Sprintf("say why a layer has no check under checks.excluded: {%s: %q}", layer, clip(reason))
}

// references checks those settings of a check that name an instance.
func (r *review) references(s Settings) {
	for _, n := range s.Texts("on") {
		if _, ok := r.sc.Instances[n]; !ok {
			r.problems = append(r.problems, s.Problem("on",
				nearest(n, keysOf(r.sc.Instances), "instances: "), "there is no instance %q", clip(n)))
		}
	}
	for _, target := range s.Texts("to") {
		switch h, _, ok := SplitTarget(target); {
		case !ok:
			r.problems = append(r.problems, s.Problem("to", hintTarget, "%q is not a host with a port", clip(target)))
		case !r.reachable(h):
			r.problems = append(r.problems, s.Problem("to",
				nearest(h, keysOf(r.sc.Instances), "instances: "), "there is no instance %q", clip(h)))
		}
	}
}

// Texts is the text or the list of texts under a key.
func (s Settings) Texts(key string) []string {
	n := s.value(key)
	if n == nil {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		return (&decoder{}).texts(n)
	}
	return []string{n.Value}
}

// title says what a check asks: "rows orders on db". It needs no quotes in YAML,
// where " #" begins a comment and ": " a value, for a step may wait for it.
func (c CheckSpec) title() string {
	title := c.Kind
	for _, key := range []string{"table", "url", "script", "path"} {
		if text := c.Settings.Text(key); text != "" {
			if key == "script" {
				text = path.Base(text)
			}
			title += " " + clip(text)
			break
		}
	}
	if on := strings.Join(c.Settings.Texts("on"), ", "); on != "" {
		title += " on " + on
	}
	if to := strings.Join(c.Settings.Texts("to"), ", "); to != "" {
		title += " to " + to
	}
	return title
}

// unique adds a number to a name that is taken, and takes it.
func unique(title string, names map[string]bool) string {
	name := title
	for i := 2; names[name]; i++ {
		name = fmt.Sprintf("%s (%d)", title, i)
	}
	names[name] = true
	return name
}
