package message

import (
	"encoding/binary"
	"slices"
)

// blobWords stand in the stored form as one byte. The order is part of the format: add only at the end, and at most 63.
var blobWords = [...]string{
	"text", "plain", "html", "charset", "utf-8", "us-ascii", "UTF-8", "iso-8859-1",
	"7bit", "8bit", "quoted-printable", "base64", "binary", "multipart", "mixed", "alternative",
	"related", "boundary", "application", "octet-stream", "pdf", "name", "filename", "attachment",
	"inline", "image", "jpeg", "png", "gif", "message", "rfc822", "delivery-status",
	"report", "report-type", "signed", "format", "flowed", "delsp", "yes", "calendar",
	"method", "size", "type", "filename*", "name*", "TEXT", "PLAIN", "Windows-1252",
}

var blobIndex = func() map[string]int {
	m := make(map[string]int, len(blobWords))
	for i, w := range blobWords {
		m[w] = i
	}
	return m
}()

type encoder struct{ b []byte }

func (e *encoder) num(n int64) { e.b = binary.AppendUvarint(e.b, uint64(n)) }

// text writes a string: an odd number is a word of blobWords, an even one the length of what follows.
func (e *encoder) text(s string) {
	if i, ok := blobIndex[s]; ok {
		e.num(int64(i)<<1 | 1)
		return
	}
	e.raw(s)
}

// raw writes a string that is no such word.
func (e *encoder) raw(s string) {
	e.num(int64(len(s)) << 1)
	e.b = append(e.b, s...)
}

// Bits beside the four of EnvelopeFields.
const (
	envSenderIsFrom = 1 << 4
	envReplyIsFrom  = 1 << 5
	envAbsent       = 1 << 6
)

// envelope writes bits, the number of addresses in all, the strings, the lists.
func (e *encoder) envelope(v *Envelope) {
	if v == nil {
		e.num(envAbsent)
		return
	}
	bits := int64(v.Has)
	lists := [][]Address{v.From, v.Sender, v.ReplyTo, v.To, v.Cc, v.Bcc}
	if slices.Equal(v.Sender, v.From) {
		bits |= envSenderIsFrom
		lists[1] = nil
	}
	if slices.Equal(v.ReplyTo, v.From) {
		bits |= envReplyIsFrom
		lists[2] = nil
	}
	total := 0
	for _, l := range lists {
		total += len(l)
	}
	e.num(bits)
	e.num(int64(total))
	for _, s := range [...]string{v.Date, v.Subject, v.InReplyTo, v.MessageID} {
		e.raw(s)
	}
	for _, l := range lists {
		e.num(int64(len(l)))
		for _, a := range l {
			e.address(a)
		}
	}
}

const (
	addrName = 1 << (iota + 2) // above the two bits of the kind
	addrRoute
	addrMailbox
	addrHost
)

func (e *encoder) address(a Address) {
	bits := int64(a.Kind) & 3
	fields := [...]string{a.Name, a.Route, a.Mailbox, a.Host}
	for i, s := range fields {
		if s != "" {
			bits |= addrName << i
		}
	}
	e.num(bits)
	for _, s := range fields {
		if s != "" {
			e.raw(s)
		}
	}
}

// What a part has beside type, encoding, offsets and lines.
const (
	partID = 1 << iota
	partDescription
	partMD5
	partDisposition
	partLocation
	partParams
	partDispositionParams
	partLanguage
	partChildren
	partEnvelope
)

// tree writes how many parts, parameters and languages there are, then the parts, each before its children.
func (e *encoder) tree(root *Part) error {
	if root == nil {
		return ErrNotTree
	}
	var parts, params, languages int64
	var count func(p *Part, depth int) bool
	count = func(p *Part, depth int) bool {
		parts++
		params += int64(len(p.Params) + len(p.DispositionParams))
		languages += int64(len(p.Language))
		for _, c := range p.Children {
			if depth >= maxBlobDepth || c == nil || !count(c, depth+1) {
				return false
			}
		}
		return true
	}
	if !count(root, 1) {
		return ErrNotTree
	}
	e.num(parts)
	e.num(params)
	e.num(languages)
	return e.part(root, 0, root.EndOff)
}

// part writes one part that lies in [from,to).
func (e *encoder) part(p *Part, from, to int64) error {
	if p.HeaderOff < from || p.BodyOff < p.HeaderOff || p.EndOff < p.BodyOff || p.EndOff > to || p.Lines < 0 {
		return ErrNotTree
	}
	optional := [...]string{p.ID, p.Description, p.MD5, p.Disposition, p.Location}
	var bits int64
	for i, s := range optional {
		if s != "" {
			bits |= partID << i
		}
	}
	for i, n := range [...]int{len(p.Params), len(p.DispositionParams), len(p.Language), len(p.Children)} {
		if n > 0 {
			bits |= partParams << i
		}
	}
	if p.Envelope != nil {
		bits |= partEnvelope
	}
	e.num(bits)
	e.text(p.Type)
	e.text(p.Subtype)
	e.text(p.Encoding)
	e.num(p.HeaderOff - from)
	e.num(p.BodyOff - p.HeaderOff)
	e.num(p.EndOff - p.BodyOff)
	e.num(p.Lines)
	for _, s := range optional {
		if s != "" {
			e.text(s)
		}
	}
	e.params(p.Params)
	e.params(p.DispositionParams)
	if len(p.Language) > 0 {
		e.num(int64(len(p.Language)))
		for _, s := range p.Language {
			e.text(s)
		}
	}
	if p.Envelope != nil {
		e.envelope(p.Envelope)
	}
	if len(p.Children) > 0 {
		e.num(int64(len(p.Children)))
		at := p.BodyOff
		for _, c := range p.Children {
			if err := e.part(c, at, p.EndOff); err != nil {
				return err
			}
			at = c.EndOff
		}
	}
	return nil
}

func (e *encoder) params(params []Param) {
	if len(params) == 0 {
		return
	}
	e.num(int64(len(params)))
	for _, p := range params {
		e.text(p.Name)
		e.text(p.Value)
	}
}
