package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file.
const maxFile = 1 << 20

// ErrInvalid is in the chain of every error about what the configuration says, as opposed to a file that cannot be read.
var ErrInvalid = errors.New("invalid configuration")

// Load reads the file at path (none when empty), lays the environment over it and checks the result. Relative paths in the file are
// relative to the file. All complaints come at once, joined, each with its line or its variable. The warnings are things that are
// probably not meant, such as an environment variable that is no key.
func Load(path string, environ []string) (Config, []string, error) {
	c := Default()
	name := "configuration"
	if path != "" {
		name = path
		data, err := readBounded(path)
		if err != nil {
			return Config{}, nil, fmt.Errorf("config: %w", err)
		}
		if err := c.Parse(path, data); err != nil {
			return Config{}, nil, err
		}
		c.makeAbsolute(filepath.Dir(path))
	}
	warnings, err := c.Environment(environ)
	if err != nil {
		return Config{}, warnings, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, warnings, fmt.Errorf("%s: %w", name, err)
	}
	return c, warnings, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d octets", path, maxFile)
	}
	return data, nil
}

// Parse lays a file's contents over c. name is for messages.
func (c *Config) Parse(name string, data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w: %s: %s", ErrInvalid, name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s: one document is wanted, here are several", ErrInvalid, name)
	}
	p := parser{name: name}
	p.mapping(doc.Content[0], reflect.ValueOf(c).Elem(), "")
	if len(p.errs) > 0 {
		return fmt.Errorf("%w: %w", ErrInvalid, errors.Join(p.errs...))
	}
	return nil
}

// parser goes through the document beside the struct, because yaml's own decoder names no line for a value that a type refuses.
type parser struct {
	name string
	errs []error
}

func (p *parser) complain(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %s", p.name, n.Line, fmt.Sprintf(format, args...)))
}

func (p *parser) mapping(n *yaml.Node, v reflect.Value, prefix string) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a section with all its keys commented out
	}
	if n.Kind != yaml.MappingNode {
		p.complain(n, "%s: a section with keys is wanted here", strings.TrimSuffix(prefix, "."))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, doc, ok := fieldByKey(v, key.Value)
		switch {
		case !ok:
			p.complain(key, "unknown key %q%s", prefix+key.Value, suggest(v, key.Value))
		case seen[key.Value]:
			p.complain(key, "%s is there twice", prefix+key.Value)
		case doc:
			p.value(value, field, prefix+key.Value)
		default:
			p.mapping(value, field, prefix+key.Value+".")
		}
		seen[key.Value] = true
	}
}

func (p *parser) value(n *yaml.Node, v reflect.Value, name string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if v.Kind() == reflect.Slice {
		list := reflect.MakeSlice(v.Type(), 0, len(n.Content))
		items := n.Content
		switch {
		case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
			items = nil
		case n.Kind == yaml.ScalarNode:
			items = []*yaml.Node{n} // one value needs no brackets
		case n.Kind != yaml.SequenceNode:
			p.complain(n, "%s: a list is wanted here", name)
			return
		}
		for _, it := range items {
			item := reflect.New(v.Type().Elem()).Elem()
			p.value(it, item, name)
			list = reflect.Append(list, item)
		}
		v.Set(list)
		return
	}
	if n.Kind != yaml.ScalarNode {
		p.complain(n, "%s: one value is wanted here", name)
		return
	}
	text := n.Value
	if n.Tag == "!!null" {
		text = ""
	}
	if v.Kind() == reflect.Bool && n.Tag == "!!bool" {
		var b bool
		if n.Decode(&b) == nil { // yes, no, on, off as YAML has them
			v.SetBool(b)
			return
		}
	}
	if err := read(v, text); err != nil {
		p.complain(n, "%s: %v", name, err)
	}
}

func fieldByKey(v reflect.Value, key string) (field reflect.Value, isKey, ok bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("yaml") == key {
			_, isKey = f.Tag.Lookup("doc")
			return v.Field(i), isKey, true
		}
	}
	return reflect.Value{}, false, false
}

// suggest names the keys of the section when one of them is close to what was written.
func suggest(v reflect.Value, key string) string {
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if name != "" && distance(name, key) <= 2 {
			return fmt.Sprintf("; is %q meant?", name)
		}
	}
	return ""
}

// distance is the number of single-letter edits between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// makeAbsolute makes the file's paths independent of the working directory.
func (c *Config) makeAbsolute(dir string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	paths := []*string{&c.DataDir, &c.IndexDir, &c.RunDir, &c.TLS.Cert, &c.TLS.Key, &c.TLS.Directory, &c.TLS.ClientCA, &c.ACME.CA, &c.Passwd.File,
		&c.PostgreSQL.PasswordFile, &c.LDAP.PasswordFile, &c.LDAP.CA}
	for i := range c.TLS.More {
		paths = append(paths, &c.TLS.More[i].Cert, &c.TLS.More[i].Key)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}
