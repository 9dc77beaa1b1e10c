package scenarios

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"lifeboat/internal/lazy"
)

// OwnPorts are those on which lifeboat itself listens in every sandbox, beside what was restored: whoever asks them
// hears lifeboat, whatever became of the system.
func OwnPorts() []int { return []int{65017, 65018, 65053} }

const hintOwnPort = "name the port on which the restored service listens"

var (
	ownAddress = lazy.Regexp(`:(65017|65018|65053)(?:\D|$)`)
	ownNumber  = lazy.Regexp(`(?:^|[^\w.])(65017|65018|65053)(?:\W|$)`)
	portKeys   = []string{"tcp", "port", "ports"}
)

// ownPorts finds lifeboat's own ports anywhere in a scenario: as a number where a port belongs, or in an address.
func (r *review) ownPorts(key string, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.ownPorts(n.Content[i].Value, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			r.ownPorts(key, item)
		}
	case yaml.ScalarNode:
		number, err := strconv.Atoi(n.Value)
		switch m := ownAddress().FindStringSubmatch(n.Value); {
		case m != nil:
			r.ownPort(r.file, at(n), m[1])
		case err == nil && slices.Contains(OwnPorts(), number) && slices.Contains(portKeys, key):
			r.ownPort(r.file, at(n), n.Value)
		}
	}
}

// ownPortsIn finds them in a flow's script.
func (r *review) ownPortsIn(file string, script []byte) {
	for _, m := range ownNumber().FindAllSubmatchIndex(script, -1) {
		line, column := 1, 1
		for _, c := range string(script[:m[2]]) {
			if column++; c == '\n' {
				line, column = line+1, 1
			}
		}
		r.ownPort(file, Pos{Line: line, Column: column}, string(script[m[2]:m[3]]))
	}
}

func (r *review) ownPort(file string, pos Pos, port string) {
	r.problems = append(r.problems, Problem{File: pos.In(file), Line: pos.Line, Column: pos.Column, Hint: hintOwnPort,
		Message: "port " + port + " is lifeboat's own in every sandbox: it answers whatever became of the system"})
}
