// Command schema writes the JSON Schemas of scenario files and of catalogues from the same Go
// structs that the loader fills, so that editors and the loader agree. It runs
// at the root of the repository: go generate ./scenarios.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/invopop/jsonschema"
)

// outputs are where the schemas are embedded from.
var outputs = map[string]func(sources string) (*jsonschema.Schema, error){
	"scenarios/scenario.schema.json":  reflectScenario,
	"scenarios/catalogue.schema.json": reflectCatalogue,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	for output, of := range outputs {
		raw, err := generate("scenarios", of)
		if err != nil {
			return err
		}
		if err := os.WriteFile(output, raw, 0o644); err != nil {
			return fmt.Errorf("write schema: %w (run it at the root of the repository)", err)
		}
	}
	return nil
}

// generate makes a schema; the descriptions are the comments of the sources.
func generate(sources string, of func(string) (*jsonschema.Schema, error)) ([]byte, error) {
	schema, err := of(sources)
	if err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return append(raw, '\n'), nil
}

// comments are what sources say of functions ("lifeboat/drills/fault.newDiskSlow") and of the fields of structs: of
// types ("….Settings.Path"), and of those without a name within functions ("….newDiskSlow.Rate").
type comments map[string]string

// readComments reads the sources below some folders.
func readComments(folders ...string) (comments, error) {
	said := comments{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err == nil {
				said.read(path.Join("lifeboat", filepath.ToSlash(filepath.Dir(name))), file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return said, nil
}

// read one file.
func (c comments) read(in string, file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				owner := in + "." + d.Name.Name
				c.add(owner, strings.TrimPrefix(d.Doc.Text(), d.Name.Name+": "))
				ast.Inspect(d, func(n ast.Node) bool { c.fields(owner, n); return true })
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					c.fields(in+"."+t.Name.Name, t.Type)
				}
			}
		}
	}
}

// fields of a struct, where the node is one.
func (c comments) fields(owner string, n ast.Node) {
	s, ok := n.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			c.add(owner+"."+name.Name, f.Doc.Text()+" "+f.Comment.Text())
		}
	}
}

// add a comment, in one line.
func (c comments) add(name, text string) {
	if text = strings.Join(strings.Fields(text), " "); text != "" {
		c[name] = text
	}
}
