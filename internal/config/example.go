package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Example is the commented example file: every key with its default.
func Example() []byte {
	var b strings.Builder
	b.WriteString("# Bascule's configuration. Every key is here with its default; a file needs only what differs.\n")
	b.WriteString("# Any key can be overridden by the environment: BASCULE_POP3_LOCK_WAIT is pop3.lock_wait, lists are separated by commas,\n")
	b.WriteString("# and BASCULE_..._FILE names a file that holds the value. Check the result with: bascule config check --config FILE\n")
	c := Default()
	section := ""
	for _, k := range c.Keys() {
		indent, name := "", k.Name
		if sec, rest, nested := strings.Cut(k.Name, "."); nested {
			indent, name = "  ", rest
			if sec != section {
				fmt.Fprintf(&b, "\n%s:\n", sec)
				section = sec
			}
		}
		for _, line := range wrap(k.Doc, 120-len(indent)) {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, yamlValue(k))
	}
	return []byte(b.String())
}

// yamlValue writes a key's value in one line.
func yamlValue(k Key) string {
	if !k.IsList() {
		return scalar(k.Values()[0])
	}
	parts := []string{}
	for _, v := range k.Values() {
		parts = append(parts, scalar(v))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// scalar quotes where YAML would read something else, or nothing.
func scalar(s string) string {
	var n yaml.Node
	plain := s != "" && !strings.ContainsAny(s, `:#{}[],&*!|>'"%@\`+"`") && strings.TrimSpace(s) == s
	if plain && yaml.Unmarshal([]byte(s), &n) == nil && len(n.Content) == 1 && n.Content[0].Kind == yaml.ScalarNode && n.Content[0].Tag != "!!float" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width-2 {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Table is the Markdown table of all keys for the documentation.
func Table() []byte {
	var b strings.Builder
	b.WriteString("| Key | Default | Meaning |\n| --- | --- | --- |\n")
	c := Default()
	for _, k := range c.Keys() {
		def := strings.Join(k.Values(), ", ")
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, def, strings.ReplaceAll(k.Doc, "|", `\|`))
	}
	return []byte(b.String())
}

// Marshal writes a configuration as a file with only the keys that differ from the defaults.
func (c Config) Marshal() []byte {
	def := Default()
	defaults := map[string]string{}
	for _, k := range def.Keys() {
		defaults[k.Name] = yamlValue(k)
	}
	var b strings.Builder
	section := ""
	for _, k := range c.Keys() {
		value := yamlValue(k)
		if value == defaults[k.Name] {
			continue
		}
		name := k.Name
		if sec, rest, nested := strings.Cut(k.Name, "."); nested {
			if sec != section {
				fmt.Fprintf(&b, "%s:\n", sec)
				section = sec
			}
			name = "  " + rest
		}
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	return []byte(b.String())
}
