package conventions

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bascule/internal/language"
)

// spoken says where, in which package, texts for people begin their way: functions with the place of the text among their arguments,
// types with fields for a text, and functions whose results are texts. What a listed function does with the argument
// that it was given needs no look; nor does the passing on of a field that is listed.
var spoken = map[string]struct {
	calls   map[string]int
	fields  map[string]string // type to field; "" for the last of a literal without names
	assign  []string          // fields whose assignments are texts, as "variable.field"
	results []string
}{
	"imap": {
		calls: map[string]int{"no": 1, "bad": 0, "bye": 1, "status": 3, "words": 0, "noUpdate": 1, "overflow": 0, "progress.tell": 2,
			"tellWhole": 0, "badURL": 1, "eachParsed": 3, "Fail": 0},
		fields:  map[string]string{"replyError": "text"},
		assign:  []string{"r.text", "reply.text"},
		results: []string{"wrongState"},
	},
	"imap/wire":     {calls: map[string]int{"Fail": 0, "expected": 0, "expect": 1, "did": 0}, fields: map[string]string{"SyntaxError": "Text"}, results: []string{"byteName"}},
	"internal/gate": {calls: map[string]int{"refuse": 1, "Kick": 1}, fields: map[string]string{"Refusal": "Text", "Eviction": "Text"}, results: []string{"suspendedText", "offText"}},
	"pop3": {
		calls:   map[string]int{"ok": 0, "bad": 0},
		fields:  map[string]string{"refusal": "text", "ending": "text", "stopError": "text", "Refusal": "Text"},
		results: []string{"inUseText", "age", "welcome"},
	},
}

// Nothing is said to people that has no French (RFC 5255 §3): whoever writes a text writes its translation.
func TestTextsHaveFrench(t *testing.T) {
	found := 0
	for dir := range spoken {
		s := speech{t: t, dir: dir, fset: token.NewFileSet(), constants: map[string]ast.Expr{}}
		s.parse()
		for _, f := range s.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					s.function(fn)
				} else {
					s.look(d, nil)
				}
			}
		}
		found += s.found
	}
	if found < 250 {
		t.Errorf("only %d texts were found", found)
	}
}

// speech goes through one package.
type speech struct {
	t         *testing.T
	dir       string
	fset      *token.FileSet
	files     []*ast.File
	constants map[string]ast.Expr
	found     int
}

func (s *speech) parse() {
	names, err := filepath.Glob(filepath.Join("..", "..", s.dir, "*.go"))
	if err != nil || len(names) == 0 {
		s.t.Fatalf("%s: no files, %v", s.dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		f, err := parser.ParseFile(s.fset, name, b, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		s.files = append(s.files, f)
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, spec := range g.Specs {
					if v := spec.(*ast.ValueSpec); len(v.Values) == len(v.Names) {
						for i, n := range v.Names {
							s.constants[n.Name] = v.Values[i]
						}
					}
				}
			}
		}
	}
}

func (s *speech) function(fn *ast.FuncDecl) {
	if fn.Body == nil {
		return
	}
	if slices.Contains(spoken[s.dir].results, fn.Name.Name) {
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if r, ok := n.(*ast.ReturnStmt); ok {
				s.text(r.Results[0], fn)
			}
			return true
		})
	}
	s.look(fn.Body, fn)
}

// look finds the beginnings of texts below a node.
func (s *speech) look(n ast.Node, fn *ast.FuncDecl) {
	rules := spoken[s.dir]
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if at, ok := rules.calls[calledName(n)]; ok && at < len(n.Args) {
				s.text(n.Args[at], fn)
			} else if at, ok := rules.calls[receiverName(n)]; ok && at < len(n.Args) {
				s.text(n.Args[at], fn)
			}
		case *ast.CompositeLit:
			s.literal(n, fn)
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if sel, ok := left.(*ast.SelectorExpr); ok && len(n.Rhs) == len(n.Lhs) && slices.Contains(rules.assign, exprName(sel)) {
					s.text(n.Rhs[i], fn)
				}
			}
		}
		return true
	})
}

func (s *speech) literal(n *ast.CompositeLit, fn *ast.FuncDecl) {
	field, ok := spoken[s.dir].fields[lastName(n.Type)]
	if !ok {
		return
	}
	for i, e := range n.Elts {
		if kv, named := e.(*ast.KeyValueExpr); !named && i == len(n.Elts)-1 {
			s.text(e, fn)
		} else if named && lastName(kv.Key) == field {
			s.text(kv.Value, fn)
		}
	}
}

// text makes sure that all texts that an expression can be are in the catalogue.
func (s *speech) text(e ast.Expr, fn *ast.FuncDecl) {
	for _, format := range s.formats(e, fn) {
		s.found++
		if strings.Trim(strings.ReplaceAll(format, "%s", ""), " ") != "" && !language.Known(format) {
			s.t.Errorf("%s: %q has no French in internal/language", s.fset.Position(e.Pos()), format)
		}
	}
}

var verb = regexp.MustCompile(`%[0-9]*[a-zA-Z]`)

// formats are what an expression can be, "%s" for what varies. nil is a text that was looked at elsewhere.
func (s *speech) formats(e ast.Expr, fn *ast.FuncDecl) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		v, _ := strconv.Unquote(e.Value)
		return []string{v}
	case *ast.BinaryExpr:
		var all []string
		for _, left := range s.part(e.X, fn) {
			for _, right := range s.part(e.Y, fn) {
				all = append(all, left+right)
			}
		}
		return all
	case *ast.SelectorExpr:
		if slices.Contains([]string{"text", "Text", "RefusalText", "Greeting"}, e.Sel.Name) {
			return nil
		}
	case *ast.Ident:
		if v, ok := s.constants[e.Name]; ok {
			return s.formats(v, fn)
		}
		if all, ok := s.variable(e.Name, fn); ok {
			return all
		}
	case *ast.CallExpr:
		switch name := calledName(e); {
		case name == "Sprintf":
			v, _ := strconv.Unquote(e.Args[0].(*ast.BasicLit).Value)
			return []string{verb.ReplaceAllString(v, "%s")}
		case name == "oneLine":
			return s.formats(e.Args[0], fn)
		case name == "string":
			return []string{"%s"} // a character
		case slices.Contains(spoken[s.dir].results, name):
			return nil
		}
	}
	s.t.Errorf("%s: what is said here cannot be told from the code; make it of texts and formats", s.fset.Position(e.Pos()))
	return nil
}

// part is formats for a piece of a text: what is no text itself varies.
func (s *speech) part(e ast.Expr, fn *ast.FuncDecl) []string {
	switch e.(type) {
	case *ast.BasicLit, *ast.BinaryExpr:
		return s.formats(e, fn)
	}
	if id, ok := e.(*ast.Ident); ok && s.constants[id.Name] == nil {
		if all, ok := s.variable(id.Name, fn); ok && all != nil {
			return all
		}
	}
	return []string{"%s"}
}

// variable is what a variable of the function can be, by all assignments to it. A parameter of a listed function was looked at where it
// was called.
func (s *speech) variable(name string, fn *ast.FuncDecl) (all []string, ok bool) {
	if fn == nil {
		return nil, false
	}
	_, listed := spoken[s.dir].calls[fn.Name.Name]
	if fn.Recv != nil && !listed {
		_, listed = spoken[s.dir].calls[lastName(fn.Recv.List[0].Type)+"."+fn.Name.Name]
	}
	for _, p := range fn.Type.Params.List {
		for _, n := range p.Names {
			if n.Name == name {
				return nil, listed
			}
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		a, is := n.(*ast.AssignStmt)
		if !is || len(a.Lhs) != 1 || exprName(a.Lhs[0]) != name {
			return true
		}
		ok = true
		if a.Tok != token.ADD_ASSIGN {
			all = append(all, s.formats(a.Rhs[0], fn)...)
			return true
		}
		for _, was := range slices.Clone(all) {
			for _, more := range s.part(a.Rhs[0], fn) {
				all = append(all, was+more)
			}
		}
		return true
	})
	return all, ok
}

// calledName is the name of a called function or method, without what stands before its dot.
func calledName(n *ast.CallExpr) string { return lastName(n.Fun) }

// receiverName is "progress.tell" for x.progress.tell and progress.tell: some methods share their names with others.
func receiverName(n *ast.CallExpr) string {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	of := lastName(sel.X)
	if of == "told" || of == "p" {
		of = "progress"
	}
	return fmt.Sprintf("%s.%s", of, sel.Sel.Name)
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return lastName(e.X)
	}
	return ""
}

func exprName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprName(e.X) + "." + e.Sel.Name
	}
	return ""
}
