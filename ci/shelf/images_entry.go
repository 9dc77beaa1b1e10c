package main

// images are those of the shelf, the broken first.
func images() []item {
	s := newStudio()
	of := &shape{name: "image", good: s.image(nil, saved, "shop.tar"), alone: tarTool, entry: imageEntry}
	return append(s.brokenImages(of), s.oddImages(of)...)
}

// imageEntry is what lifeboat new writes of the image, but for the patience with one that is not ready, and the rule that a careful user
// adds.
func imageEntry(c column, _ item) string {
	rule := ""
	if c == rules {
		rule = `, {kind: tcp, to: "app:8080", expect: "300 customers"}`
	}
	return `objectives: {age: 0s}
restore: {kind: oci}
as: app
instance: {kind: docker, ready: {tcp: 8080, within: 30s}}
checks: {system: [{kind: image, on: app}], service: [{kind: ports, on: app}` + rule + "]}\n"
}
