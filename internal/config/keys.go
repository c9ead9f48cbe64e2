package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Key is one configuration key.
type Key struct {
	Name string // "pop3.lock_wait"
	Doc  string
	v    reflect.Value
}

// Keys lists all keys in the order of the example. Values are those of c, and setting a key sets c.
func (c *Config) Keys() []Key { return walk(reflect.ValueOf(c).Elem(), "") }

func walk(v reflect.Value, prefix string) []Key {
	var keys []Key
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := prefix + f.Tag.Get("yaml")
		doc, isKey := f.Tag.Lookup("doc")
		if !isKey {
			keys = append(keys, walk(v.Field(i), name+".")...)
			continue
		}
		keys = append(keys, Key{Name: name, Doc: doc, v: v.Field(i)})
	}
	return keys
}

// Env is the environment variable that overrides the key.
func (k Key) Env() string { return "BASCULE_" + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_")) }

// IsList tells whether the key holds several values.
func (k Key) IsList() bool { return k.v.Kind() == reflect.Slice }

// Values shows the key's value; for a list, its members.
func (k Key) Values() []string {
	if !k.IsList() {
		return []string{show(k.v)}
	}
	out := make([]string, k.v.Len())
	for i := range out {
		out[i] = show(k.v.Index(i))
	}
	return out
}

func show(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v.Interface())
}

// set reads a value as it stands in the environment.
func (k Key) set(text string) error {
	if !k.IsList() {
		return read(k.v, text)
	}
	list := reflect.MakeSlice(k.v.Type(), 0, 4)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		item := reflect.New(k.v.Type().Elem()).Elem()
		if err := read(item, part); err != nil {
			return err
		}
		list = reflect.Append(list, item)
	}
	k.v.Set(list)
	return nil
}

func read(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	default:
		return fmt.Errorf("a %s cannot be set", v.Type())
	}
	return nil
}

// Copy gives the key the value that it has in another configuration.
func (k Key) Copy(from Key) { k.v.Set(from.v) }
