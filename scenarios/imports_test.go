package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a script names is found where it stands; a text or a comment that speaks of imports is none.
func TestScanImports(t *testing.T) {
	const script = "import http from 'k6/http';\nimport {\n  a, // 'x'\n  b,\n} from \"./lib.js\";\nexport * from './all.js'\n" +
		"const re = /it's/; require('/opt/lib.js')\nconst d = open('data.csv', 'b'), late = await import(`./late.js`)\n" +
		"// import './no.js'\n/* require('./no.js') */\nexport const text = 'imports \"./no.js\"'\n" +
		"check(r, {\"comes from './no.js'\": f})\nx.open('./no.js'); export default function () { get('./no.js') }\n"
	var got []string
	for _, im := range scanImports([]byte(script)) {
		got = append(got, im.name)
		assert.Equal(t, im.name == "data.csv", im.opens, im.name)
	}
	assert.Equal(t, []string{"k6/http", "./lib.js", "./all.js", "/opt/lib.js", "data.csv", "./late.js"}, got)
	assert.Equal(t, Pos{Line: 5, Column: 8}, scanImports([]byte(script))[1].pos)
}
