// Gotree prints, for the files named in a list, what Go's own scanner and parser see: every
// token with its place, then every top-level declaration with its types as normal text. The
// test of common/gosrc prints the same for itself and compares.
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

var out = bufio.NewWriterSize(os.Stdout, 1<<20)

func kind(tok token.Token) string {
	switch {
	case tok == token.SEMICOLON:
		return "semi"
	case tok == token.IDENT:
		return "name"
	case tok == token.INT:
		return "int"
	case tok == token.FLOAT:
		return "float"
	case tok == token.IMAG:
		return "imag"
	case tok == token.CHAR:
		return "rune"
	case tok == token.STRING:
		return "str"
	case tok.IsKeyword():
		return "key"
	}
	return "op"
}

func tokens(src []byte) {
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return
		}
		at := file.PositionFor(pos, false)
		switch {
		case tok == token.SEMICOLON && lit != ";":
			fmt.Fprintln(out, "semi")
		case tok.IsOperator():
			fmt.Fprintf(out, "%s %d:%d %s\n", kind(tok), at.Line, at.Column, tok)
		default:
			fmt.Fprintf(out, "%s %d:%d\n", kind(tok), at.Line, at.Column)
		}
	}
}

type normal struct {
	src     []byte
	file    *token.File
	imports map[string]string
}

var version = regexp.MustCompile(`^v([2-9]|[1-9][0-9]+)$`)

func (n *normal) addImports(f *ast.File) {
	for _, spec := range f.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(p)
		if version.MatchString(name) {
			name = path.Base(path.Dir(p))
		}
		if strings.HasPrefix(p, "gopkg.in/") {
			name, _, _ = strings.Cut(name, ".v")
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if _, ok := n.imports[name]; !ok {
			n.imports[name] = p
		}
	}
}

func plain(name string) string {
	switch name {
	case "uint8":
		return "byte"
	case "rune":
		return "int32"
	}
	return name
}

func (n *normal) length(e ast.Expr) string {
	if e == nil {
		return ""
	}
	return strings.Join(strings.Fields(string(n.src[n.file.Offset(e.Pos()):n.file.Offset(e.End())])), "")
}

func (n *normal) list(exprs []ast.Expr) string {
	var all []string
	for _, e := range exprs {
		all = append(all, n.text(e))
	}
	return strings.Join(all, ", ")
}

func (n *normal) params(fields *ast.FieldList) []string {
	var all []string
	if fields == nil {
		return nil
	}
	for _, f := range fields.List {
		for i := 0; i < max(1, len(f.Names)); i++ {
			all = append(all, n.text(f.Type))
		}
	}
	return all
}

func (n *normal) signature(f *ast.FuncType) string {
	text := "(" + strings.Join(n.params(f.Params), ", ") + ")"
	results := n.params(f.Results)
	switch len(results) {
	case 0:
		return text
	case 1:
		return text + " " + results[0]
	}
	return text + " (" + strings.Join(results, ", ") + ")"
}

func (n *normal) structText(s *ast.StructType) string {
	var all []string
	for _, f := range s.Fields.List {
		tail := n.text(f.Type)
		if f.Tag != nil {
			tail += " " + string(n.src[n.file.Offset(f.Tag.Pos()):n.file.Offset(f.Tag.End())])
		}
		for _, name := range f.Names {
			all = append(all, name.Name+" "+tail)
		}
		if f.Names == nil {
			all = append(all, tail)
		}
	}
	return "struct{" + strings.Join(all, "; ") + "}"
}

func (n *normal) interfaceText(i *ast.InterfaceType) string {
	type element struct{ name, text string }
	var all []element
	for _, f := range i.Methods.List {
		if len(f.Names) > 0 {
			all = append(all, element{f.Names[0].Name, n.signature(f.Type.(*ast.FuncType))})
		} else {
			all = append(all, element{"", n.text(f.Type)})
		}
	}
	if all == nil {
		return "any"
	}
	sort.Slice(all, func(a, b int) bool {
		if all[a].name != all[b].name {
			return all[a].name < all[b].name
		}
		return all[a].text < all[b].text
	})
	var text []string
	for _, e := range all {
		text = append(text, e.name+e.text)
	}
	return "interface{" + strings.Join(text, "; ") + "}"
}

func (n *normal) chanText(c *ast.ChanType) string {
	value := n.text(c.Value)
	switch c.Dir {
	case ast.SEND:
		return "chan<- " + value
	case ast.RECV:
		return "<-chan " + value
	}
	if strings.HasPrefix(value, "<-") {
		value = "(" + value + ")"
	}
	return "chan " + value
}

func (n *normal) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return plain(e.Name)
	case *ast.SelectorExpr:
		q := e.X.(*ast.Ident).Name
		if p, ok := n.imports[q]; ok {
			return strconv.Quote(p) + "." + e.Sel.Name
		}
		return q + "." + e.Sel.Name
	case *ast.ParenExpr:
		return n.text(e.X)
	case *ast.StarExpr:
		return "*" + n.text(e.X)
	case *ast.ArrayType:
		return "[" + n.length(e.Len) + "]" + n.text(e.Elt)
	case *ast.MapType:
		return "map[" + n.text(e.Key) + "]" + n.text(e.Value)
	case *ast.ChanType:
		return n.chanText(e)
	case *ast.FuncType:
		return "func" + n.signature(e)
	case *ast.StructType:
		return n.structText(e)
	case *ast.InterfaceType:
		return n.interfaceText(e)
	case *ast.IndexExpr:
		return n.text(e.X) + "[" + n.text(e.Index) + "]"
	case *ast.IndexListExpr:
		return n.text(e.X) + "[" + n.list(e.Indices) + "]"
	case *ast.UnaryExpr:
		return e.Op.String() + n.text(e.X)
	case *ast.BinaryExpr:
		return n.text(e.X) + e.Op.String() + n.text(e.Y)
	case *ast.Ellipsis:
		return "..." + n.text(e.Elt)
	}
	return fmt.Sprintf("?%T", e)
}

func (n *normal) typeParams(fields *ast.FieldList) string {
	if fields == nil {
		return ""
	}
	var all []string
	for _, f := range fields.List {
		for _, name := range f.Names {
			all = append(all, name.Name+" "+n.text(f.Type))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (n *normal) print(word, name, params, text string, at token.Pos) {
	line := n.file.PositionFor(at, false).Line
	fmt.Fprintf(out, "%s %d %s%s %s\n", word, line, name, params, strings.ReplaceAll(text, "\n", " "))
}

func (n *normal) values(d *ast.GenDecl) {
	last := ""
	for _, s := range d.Specs {
		spec := s.(*ast.ValueSpec)
		text := ""
		if spec.Type != nil {
			text = n.text(spec.Type)
		}
		if d.Tok == token.CONST && spec.Type == nil && spec.Values == nil {
			text = last
		}
		last = text
		for _, name := range spec.Names {
			if d.Tok == token.CONST && text == "" {
				text = "-"
			}
			n.print(d.Tok.String(), name.Name, "", text, name.Pos())
		}
	}
}

func (n *normal) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = "(" + n.text(d.Recv.List[0].Type) + ")." + name
		}
		n.print("func", name, n.typeParams(d.Type.TypeParams), n.signature(d.Type), d.Name.Pos())
	case *ast.GenDecl:
		if d.Tok == token.CONST || d.Tok == token.VAR {
			n.values(d)
		}
		for _, s := range d.Specs {
			if spec, ok := s.(*ast.TypeSpec); ok {
				word := "type"
				if spec.Assign.IsValid() {
					word = "alias"
				}
				n.print(word, spec.Name.Name, n.typeParams(spec.TypeParams), n.text(spec.Type), spec.Name.Pos())
			}
		}
	}
}

func decls(src []byte) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		fmt.Fprintln(out, err)
		return
	}
	n := &normal{src: src, file: fset.File(f.Pos()), imports: map[string]string{}}
	n.addImports(f)
	fmt.Fprintf(out, "package %s\n", f.Name.Name)
	for _, d := range f.Decls {
		n.decl(d)
	}
}

func main() {
	list, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, name := range strings.Fields(string(list)) {
		src, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(out, "file %s\n", name)
		tokens(src)
		decls(src)
	}
	out.Flush()
}
